package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

func documents(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	now := time.Date(2031, 2, 3, 4, 5, 6, 789_123_456, time.FixedZone("", 3600))

	scope := Scope()
	scope.Now = now
	u := &unit{t, d.store.Begin(d.ws, scope)}
	made := u.insert("contacts", `{ "seen": "2030-01-02T03:04:05+01:00", "name":"Ann <3", "email":"Ann@Example.COM", "balance":{"currency":"EUR","amount":5}, "age": 3.0, "score": -0.0, "tags": [1, 2], "born":"" }`)
	const body = `{"email":"ann@example.com","name":"Ann <3","stage":"lead","age":3,"score":0,"seen":"2030-01-02T02:04:05Z","balance":{"amount":5,"currency":"EUR"},"tags":[1,2]}`
	if string(made.Body) != body {
		t.Errorf("the canonical body is\n%s, want\n%s", made.Body, body)
	}
	if made.Version != 1 || !made.Created.Equal(now.Truncate(time.Microsecond)) || !made.Updated.Equal(made.Created) || made.Created.Location() != time.UTC {
		t.Errorf("inserted: %+v", made)
	}
	committed := u.commit()
	if committed.Seq != 1 || committed.Deliveries {
		t.Errorf("committed %+v, want seq 1", committed)
	}

	u = d.begin()
	if got := u.get("contacts", made.ID); fmt.Sprint(got) != fmt.Sprint(made) {
		t.Errorf("got\n%+v, want what was inserted\n%+v", got, made)
	}
	patched := u.patch("contacts", made.ID, `{"age":null,"stage":"customer"}`)
	if patched.Version != 2 || !patched.Created.Equal(made.Created) || field(t, patched, "age") != nil || field(t, patched, "stage") != "customer" || field(t, patched, "name") != "Ann <3" {
		t.Errorf("patched: %+v %s", patched, patched.Body)
	}
	if again := u.patch("contacts", made.ID, `{"age":4}`); again.Version != 2 {
		t.Errorf("a second write of the unit made version %d", again.Version)
	}
	u.commit()

	u = d.begin()
	replaced, err := u.Replace(ctx, "contacts", made.ID, json.RawMessage(`{"name":"Bea"}`), 2)
	u.must(err)
	if string(replaced.Body) != `{"name":"Bea","stage":"lead"}` || replaced.Version != 3 {
		t.Errorf("replaced: %+v %s", replaced, replaced.Body)
	}
	_, err = u.Patch(ctx, "contacts", made.ID, json.RawMessage(`{"age":1}`), 2)
	wants(t, err, core.Stale)
	wants(t, u.Delete(ctx, "contacts", made.ID, 2), core.Stale)
	u.must(u.Delete(ctx, "contacts", made.ID, 3))
	_, err = u.Get(ctx, "contacts", made.ID)
	wants(t, err, core.NotFound)
	wants(t, u.Delete(ctx, "contacts", made.ID, 0), core.NotFound)
	u.commit()

	u = d.begin()
	_, err = u.Get(ctx, "contacts", made.ID)
	wants(t, err, core.NotFound)
	if n := u.count("contacts"); n != 0 {
		t.Errorf("%d contacts are left", n)
	}

	// A unit that is dropped leaves nothing, and one that ended takes nothing.
	d.begin().insert("contacts", `{"name":"Nobody"}`)
	u = d.begin()
	u.insert("contacts", `{"name":"Cy"}`)
	u.commit()
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"name":"Late"}`))
	wants(t, err, core.Internal)
	_, err = u.Commit(ctx)
	wants(t, err, core.Internal)
	if n := d.begin().count("contacts"); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
}

func refusals(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	made := d.insert("contacts", `{"name":"Ann"}`)
	for _, c := range []struct{ body, location, says string }{
		{`{`, "body", "JSON object"},
		{``, "body", "JSON object"},
		{`[]`, "body", "JSON object"},
		{`null`, "body", "JSON object"},
		{"{\"name\":\"\xff\"}", "body", "UTF-8"},
		{`{"name":"A","notes":"x","notes":"y"}`, "body.notes", "given twice"},
		{`{"name":"A","extra":{"a":[{"b":1,"\u0062":2}]}}`, "body.extra.a[0].b", "given twice"},
		{`{"name":"A\ud800"}`, "body.name", "half of a character"},
		{`{"name":"A","extra":{"a":"\udc00\ud800"}}`, "body.extra.a", "half of a character"},
		{`{"name":"A\u0000"}`, "body.name", "U+0000"},
		{`{"name":"A","tags":["x","\u0000"]}`, "body.tags[1]", "U+0000"},
		{`{"name":"A","extra":{"\u0000":1}}`, "body.extra.\x00", "U+0000"},
		{`{}`, "body.name", "required"},
		{`{"name":null}`, "body.name", "required"},
		{`{"name":""}`, "body.name", "required"},
		{`{"name":7}`, "body.name", "string"},
		{`{"name":"A","emial":"x"}`, "body.emial", "contacts has email, name"},
		{`{"name":"A","id":"doc_1"}`, "body.id", "host"},
		{`{"name":"A","version":1}`, "body.version", "host"},
		{`{"name":"` + strings.Repeat("ä", 2001) + `"}`, "body.name", "at most 2000 characters"},
		{`{"name":"A","stage":"client"}`, "body.stage", "lead, customer, lost"},
		{`{"name":"A","email":"nope"}`, "body.email", "email address"},
		{`{"name":"A","email":"Bob <b@c.de>"}`, "body.email", "email address"},
		{`{"name":"A","age":1.5}`, "body.age", "whole number"},
		{`{"name":"A","age":"1"}`, "body.age", "whole number"},
		{`{"name":"A","age":9223372036854775808}`, "body.age", "whole number"},
		{`{"name":"A","score":1e999}`, "body.score", "number"},
		{`{"name":"A","score":"NaN"}`, "body.score", "number"},
		{`{"name":"A","vip":1}`, "body.vip", "true or false"},
		{`{"name":"A","born":"2020-02-30"}`, "body.born", "2006-01-02"},
		{`{"name":"A","seen":"yesterday"}`, "body.seen", "2006-01-02T15:04:05Z"},
		{`{"name":"A","seen":"9999-12-31T23:59:59-01:00"}`, "body.seen", "2006-01-02T15:04:05Z"},
		{`{"name":"A","balance":5}`, "body.balance", "minor units"},
		{`{"name":"A","balance":{"amount":1.5,"currency":"EUR"}}`, "body.balance.amount", "whole number"},
		{`{"name":"A","balance":{"amount":1,"currency":"euro"}}`, "body.balance.currency", "EUR"},
		{`{"name":"A","balance":{"amount":1,"currency":"EUR","x":1}}`, "body.balance.x", "unknown"},
		{`{"name":"A","site":"javascript:alert(1)"}`, "body.site", "http"},
		{`{"name":"A","tags":{}}`, "body.tags", "array"},
		{`{"name":"A","tags":[1,2,3,4]}`, "body.tags", "at most 3 items"},
		{`{"name":"A","company":"doc_x"}`, "body.company", "no such document in companies"},
		{`{"name":"A","company":"` + string(core.NewDocumentID()) + `"}`, "body.company", "no such document in companies"},
		{`{"name":"A","company":"` + string(made.ID) + `"}`, "body.company", "no such document in companies"},
	} {
		u := d.begin()
		_, err := u.Insert(ctx, "contacts", json.RawMessage(c.body))
		if got := wantsAt(t, err, core.Invalid, c.location); !strings.Contains(got, c.says) {
			t.Errorf("%s: %q doesn't say %q", c.body, got, c.says)
		}
		_, err = u.Replace(ctx, "contacts", made.ID, json.RawMessage(c.body), 0)
		wantsAt(t, err, core.Invalid, c.location)
		if committed := u.commit(); committed.Seq != 0 {
			t.Errorf("%s: something was written", c.body)
		}
	}

	u := d.begin()
	_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"a":1,"b":2,"vip":3}`))
	if got := len(core.ViolationsOf(err)); got != 4 {
		t.Errorf("%d violations, want 4: %v", got, err)
	}
	_, err = u.Patch(ctx, "contacts", made.ID, json.RawMessage(`{"name":null}`), 0)
	wantsAt(t, err, core.Invalid, "body.name")
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"name":"A","notes":"`+strings.Repeat("x", 1<<20)+`"}`))
	wants(t, err, core.TooLarge)
	_, err = u.Insert(ctx, "contakts", json.RawMessage(`{}`))
	wantsAt(t, err, core.Invalid, "table")
	for _, id := range []core.DocumentID{"", "doc_", "'; drop table documents; --", core.DocumentID(strings.ToUpper(string(made.ID))), made.ID + "\x00"} {
		_, err = u.Get(ctx, "contacts", id)
		wants(t, err, core.NotFound)
	}

	scope := Scope()
	scope.ReadOnly = true
	q := d.store.Begin(d.ws, scope)
	_, err = q.Insert(ctx, "contacts", json.RawMessage(`{"name":"A"}`))
	wants(t, err, core.Denied)
	_, err = q.Patch(ctx, "contacts", made.ID, json.RawMessage(`{"name":"A"}`), 0)
	wants(t, err, core.Denied)
	wants(t, q.Delete(ctx, "contacts", made.ID, 0), core.Denied)
	q.Add(core.AddUsage{Meter: "crm.x", Quantity: 1, Limit: -1})
	_, err = q.Commit(ctx)
	wants(t, err, core.Denied)
}

func unique(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	ann := d.insert("contacts", `{"email":"ann@a.b","name":"Ann","born":"2000-01-01"}`)

	u := d.begin()
	_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"email":"ANN@a.b","name":"Other"}`))
	if got := wantsAt(t, err, core.Exists, "body.email"); !strings.Contains(got, string(ann.ID)) {
		t.Errorf("%q doesn't name the other document", got)
	}
	if got := core.MessageOf(err); !strings.HasPrefix(got, "body.email: already used by ") {
		t.Errorf("the message is %q", got)
	}
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"name":"Ann","born":"2000-01-01"}`))
	wantsAt(t, err, core.Exists, "body.born")
	// A missing field never collides, not even in a compound index.
	u.insert("contacts", `{"name":"Ann"}`)
	u.insert("contacts", `{"name":"Ann"}`)
	// Within the unit: the second of two, and one that comes back.
	bea := u.insert("contacts", `{"email":"bea@a.b","name":"Bea"}`)
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"email":"bea@a.b","name":"Bea"}`))
	wantsAt(t, err, core.Exists, "body.email")
	_, err = u.Patch(ctx, "contacts", bea.ID, json.RawMessage(`{"email":"ann@a.b"}`), 0)
	wantsAt(t, err, core.Exists, "body.email")
	// Two documents swap their addresses by way of a third.
	u.patch("contacts", ann.ID, `{"email":"tmp@a.b"}`)
	u.patch("contacts", bea.ID, `{"email":"ann@a.b"}`)
	_, err = u.Patch(ctx, "contacts", ann.ID, json.RawMessage(`{"email":"ann@a.b"}`), 0)
	wantsAt(t, err, core.Exists, "body.email")
	u.patch("contacts", ann.ID, `{"email":"bea@a.b"}`)
	u.commit()

	// A deleted document's value is free at once, within the unit and after.
	u = d.begin()
	if got := field(t, u.get("contacts", ann.ID), "email"); got != "bea@a.b" {
		t.Errorf("ann has %v", got)
	}
	u.delete("contacts", ann.ID)
	cy := u.insert("contacts", `{"email":"bea@a.b","name":"Cy"}`)
	u.delete("contacts", cy.ID)
	u.insert("contacts", `{"email":"bea@a.b","name":"Di"}`)
	u.commit()
	u = d.begin()
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"email":"bea@a.b","name":"Ed"}`))
	wants(t, err, core.Exists)
	u.patch("contacts", bea.ID, `{"email":null}`)
	u.insert("contacts", `{"email":"ann@a.b","name":"Flo"}`)
	u.commit()

	// Another workspace has values of its own.
	other := newDesk(t, b)
	other.insert("contacts", `{"email":"ann@a.b","name":"Ann"}`)
}

// OtherWorkspaces is attack 5 on a Backend: what another workspace has is, by
// every operation, the same as missing.
func OtherWorkspaces(t *testing.T, b store.Backend) {
	ctx := context.Background()
	mine, other := newDesk(t, b), newDesk(t, b)
	const canary = "canary-7f3a"
	theirs := other.insert("contacts", `{"name":"`+canary+`","email":"`+canary+`@a.b","age":41}`)
	company := other.insert("companies", `{"name":"`+canary+`"}`)
	mine.insert("contacts", `{"name":"Ann"}`)
	missing := core.NewDocumentID()

	attempts := map[string]func(u *unit, id core.DocumentID) error{
		"get": func(u *unit, id core.DocumentID) error { _, err := u.Get(ctx, "contacts", id); return err },
		"patch": func(u *unit, id core.DocumentID) error {
			_, err := u.Patch(ctx, "contacts", id, json.RawMessage(`{"age":1}`), 0)
			return err
		},
		"patch a version": func(u *unit, id core.DocumentID) error {
			_, err := u.Patch(ctx, "contacts", id, json.RawMessage(`{"age":1}`), 99)
			return err
		},
		"replace": func(u *unit, id core.DocumentID) error {
			_, err := u.Replace(ctx, "contacts", id, json.RawMessage(`{"name":"x"}`), 0)
			return err
		},
		"delete": func(u *unit, id core.DocumentID) error { return u.Delete(ctx, "contacts", id, 0) },
	}
	for name, attempt := range attempts {
		got, want := attempt(mine.begin(), theirs.ID), attempt(mine.begin(), missing)
		wants(t, got, core.NotFound)
		if got.Error() != want.Error() {
			t.Errorf("%s tells another workspace's document (%v) from a missing one (%v)", name, got, want)
		}
	}
	refer := func(id core.DocumentID) error {
		_, err := mine.begin().Insert(ctx, "contacts", json.RawMessage(`{"name":"x","company":"`+string(id)+`"}`))
		return err
	}
	if got, want := refer(company.ID), refer(missing); got == nil || got.Error() != want.Error() {
		t.Errorf("a reference tells another workspace's document (%v) from a missing one (%v)", got, want)
	}
	u := mine.begin()
	u.insert("contacts", `{"name":"free","email":"`+canary+`@a.b"}`)
	for _, q := range []abi.QueryRequest{
		{Table: "contacts"},
		{Table: "contacts", Sort: []string{"-createdAt"}},
		{Table: "contacts", Sort: []string{"name"}},
		{Table: "contacts", Filter: []abi.Filter{where("name", "eq", canary)}},
		{Table: "contacts", Filter: []abi.Filter{where("email", "prefix", "canary")}},
		{Table: "contacts", Filter: []abi.Filter{where("stage", "eq", "lead"), where("age", "gte", 0)}},
	} {
		for _, doc := range u.query(q) {
			if strings.Contains(string(doc.Body), `"name":"`+canary) {
				t.Errorf("%+v found another workspace's document", q)
			}
		}
	}
	if n := u.count("contacts"); n != 2 {
		t.Errorf("counted %d, want my own 2", n)
	}
	u.commit()
	// What is theirs is as it was.
	if got := other.begin().get("contacts", theirs.ID); string(got.Body) != string(theirs.Body) || got.Version != 1 {
		t.Errorf("their document became %s", got.Body)
	}

	// A cursor of theirs is no cursor of mine.
	other.insert("contacts", `{"name":"second"}`)
	_, cursor, err := other.begin().Query(ctx, abi.QueryRequest{Table: "contacts", Limit: 1})
	if err != nil || cursor == "" {
		t.Fatal(cursor, err)
	}
	_, _, err = mine.begin().Query(ctx, abi.QueryRequest{Table: "contacts", Limit: 1, Cursor: cursor})
	wantsAt(t, err, core.Invalid, "cursor")
}

// OtherTables is attack 36 on a Backend: an id of one table asked for in
// another, or by another plugin, is the same as missing.
func OtherTables(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	contact := d.insert("contacts", `{"name":"Ann"}`)
	missing := core.NewDocumentID()
	for _, table := range []string{"companies", "deals"} {
		u := d.begin()
		_, got := u.Get(ctx, table, contact.ID)
		_, want := u.Get(ctx, table, missing)
		wants(t, got, core.NotFound)
		if got.Error() != want.Error() {
			t.Errorf("%s: %v tells it from a missing one, %v", table, got, want)
		}
		wants(t, u.Delete(ctx, table, contact.ID, 0), core.NotFound)
		_, err := u.Patch(ctx, table, contact.ID, json.RawMessage(`{}`), 0)
		wants(t, err, core.NotFound)
	}
	// Within the unit that wrote it, too.
	u := d.begin()
	fresh := u.insert("contacts", `{"name":"Bea"}`)
	_, err := u.Get(ctx, "companies", fresh.ID)
	wants(t, err, core.NotFound)

	// Another plugin in the same workspace with a table of the same name.
	scope := Scope()
	scope.Plugin = core.PluginID{Publisher: "acme", Name: "shop"}
	other := &unit{t, d.store.Begin(d.ws, scope)}
	_, err = other.Get(ctx, "contacts", contact.ID)
	wants(t, err, core.NotFound)
	if n := other.count("contacts"); n != 0 {
		t.Errorf("another plugin counts %d contacts", n)
	}
	// And the same name from another publisher.
	scope.Plugin = core.PluginID{Publisher: "evil", Name: "crm"}
	other = &unit{t, d.store.Begin(d.ws, scope)}
	_, err = other.Get(ctx, "contacts", contact.ID)
	wants(t, err, core.NotFound)
}
