package storetest

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// people commits contacts Ann to Eve with ages, and returns their names by id.
func people(d *desk) map[core.DocumentID]string {
	names := make(map[core.DocumentID]string)
	d.committed(func(u *unit) {
		for _, body := range []string{
			`{"name":"Ann","stage":"lead","age":30,"vip":true,"score":1.5,"seen":"2030-01-01T00:00:00Z","balance":{"amount":5,"currency":"EUR"}}`,
			`{"name":"Bea","stage":"customer","age":40,"vip":false,"score":-2,"seen":"2029-01-01T00:00:00.5Z","balance":{"amount":-5,"currency":"EUR"}}`,
			`{"name":"Cy","stage":"lead","age":20,"vip":true,"score":-1.5,"seen":"2029-01-01T00:00:00Z","balance":{"amount":1,"currency":"CHF"}}`,
			`{"name":"Di","stage":"lead","vip":true}`,
			`{"name":"ann","stage":"lost","age":-7,"email":"eve@a.b"}`,
		} {
			doc := u.insert("contacts", body)
			names[doc.ID] = field(d.t, doc, "name").(string)
		}
	})
	return names
}

func queries(t *testing.T, b store.Backend) {
	d := newDesk(t, b)
	names := people(d)
	for _, c := range []struct {
		filter []abi.Filter
		sort   string
		want   string
	}{
		{nil, "", "Ann Bea Cy Di ann"},
		{nil, "createdAt", "Ann Bea Cy Di ann"},
		{nil, "-createdAt", "ann Di Cy Bea Ann"},
		{nil, "name", "Ann Bea Cy Di ann"},
		{nil, "-name", "ann Di Cy Bea Ann"},
		{nil, "name,createdAt", "Ann Bea Cy Di ann"},
		{nil, "seen", "Di ann Cy Bea Ann"},
		{nil, "-seen", "Ann Bea Cy ann Di"},
		{nil, "balance", "Di ann Cy Bea Ann"},
		{nil, "stage,age", "Bea Di Cy Ann ann"},
		{nil, "-vip,-score", "Ann Cy Di Bea ann"},
		{[]abi.Filter{where("stage", "eq", "lead")}, "age", "Di Cy Ann"},
		{[]abi.Filter{where("stage", "eq", "lead")}, "-age", "Ann Cy Di"},
		{[]abi.Filter{where("stage", "eq", "lead")}, "stage,age", "Di Cy Ann"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "gt", 20)}, "", "Ann"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "gte", 20)}, "", "Cy Ann"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "lt", 30)}, "", "Cy"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "lte", 30), where("age", "gt", 20)}, "", "Ann"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "lt", 10), where("age", "gt", 20)}, "", ""},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "eq", nil)}, "createdAt", "Di"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("age", "eq", 20)}, "-createdAt", "Cy"},
		{[]abi.Filter{where("stage", "gt", "customer")}, "stage", "Di Cy Ann ann"},
		{[]abi.Filter{where("vip", "eq", true), where("score", "lt", 0)}, "", "Cy"},
		{[]abi.Filter{where("vip", "eq", true), where("score", "gte", -1.5)}, "-score", "Ann Cy"},
		{[]abi.Filter{where("name", "prefix", "A")}, "", "Ann"},
		{[]abi.Filter{where("name", "prefix", "")}, "", "Ann Bea Cy Di ann"},
		{[]abi.Filter{where("name", "gt", "Ann"), where("name", "lt", "ann")}, "-name", "Di Cy Bea"},
		{[]abi.Filter{where("email", "eq", "EVE@A.B")}, "", "ann"},
		{[]abi.Filter{where("email", "prefix", "EVE@")}, "", "ann"},
		{[]abi.Filter{where("seen", "gt", "2029-01-01T01:00:00+01:00")}, "seen", "Bea Ann"},
		{[]abi.Filter{where("balance", "gt", map[string]any{"amount": 2, "currency": "CHF"})}, "", "Bea Ann"},
		// Served by one index, the rest looked at row by row.
		{[]abi.Filter{where("stage", "eq", "lead"), where("score", "lt", 1)}, "age", "Cy"},
		{[]abi.Filter{where("stage", "eq", "lead"), where("name", "prefix", "D")}, "", "Di"},
		{[]abi.Filter{where("vip", "eq", true), where("vip", "eq", false)}, "", ""},
	} {
		q := abi.QueryRequest{Table: "contacts", Filter: c.filter}
		if c.sort != "" {
			q.Sort = strings.Split(c.sort, ",")
		}
		for _, limit := range []int{0, 1, 2} {
			q.Limit = limit
			u := d.begin()
			var got []string
			for _, doc := range pages(t, u.Unit, q) {
				got = append(got, names[doc.ID])
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v by %q, limit %d: %v, want %s", c.filter, c.sort, limit, got, c.want)
			}
			u.must(u.Validate(context.Background()))
		}
		if len(c.filter) > 0 {
			if n := d.begin().count("contacts", c.filter...); n != len(strings.Fields(c.want)) {
				t.Errorf("%v: counted %d, want %s", c.filter, n, c.want)
			}
		}
	}
}

// pages follows the cursors of a query to its end.
func pages(t testing.TB, u *store.Unit, q abi.QueryRequest) (all []core.Document) {
	t.Helper()
	for {
		docs, next, err := u.Query(context.Background(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		all = append(all, docs...)
		if next == "" {
			return all
		}
		if next == q.Cursor {
			t.Fatalf("%+v: the cursor doesn't move", q)
		}
		q.Cursor = next
	}
}

func plans(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	u := d.begin()
	for _, c := range []struct {
		q              abi.QueryRequest
		location, says string
	}{
		{abi.QueryRequest{Filter: []abi.Filter{where("score", "gt", 1)}}, "filter", "declare one on (score)"},
		{abi.QueryRequest{Sort: []string{"age"}}, "sort", "declare one on (age)"},
		{abi.QueryRequest{Filter: []abi.Filter{where("stage", "eq", "lead")}, Sort: []string{"name"}}, "filter", "declare one on (stage, name)"},
		{abi.QueryRequest{Filter: []abi.Filter{where("stage", "eq", "lead")}, Sort: []string{"createdAt"}}, "filter", "declare one on (stage)"},
		{abi.QueryRequest{Filter: []abi.Filter{where("score", "eq", 1), where("age", "lt", 1)}}, "filter", "declare one on (score, age)"},
		{abi.QueryRequest{Filter: []abi.Filter{where("age", "gt", 1)}, Sort: []string{"name"}}, "sort", "must begin with age"},
		{abi.QueryRequest{Filter: []abi.Filter{where("notes", "eq", "x")}}, "filter", "text"},
		{abi.QueryRequest{Filter: []abi.Filter{where("tags", "eq", "x")}}, "filter.tags", "array"},
		{abi.QueryRequest{Filter: []abi.Filter{where("nope", "eq", 1)}}, "filter", "contacts has no field"},
		{abi.QueryRequest{Filter: []abi.Filter{where("age", "like", 1)}}, "filter.age", "eq, lt, lte, gt, gte and prefix"},
		{abi.QueryRequest{Filter: []abi.Filter{where("age", "eq", "x")}}, "filter.age", "whole number"},
		{abi.QueryRequest{Filter: []abi.Filter{where("age", "lt", nil)}}, "filter.age", "needs a value"},
		{abi.QueryRequest{Filter: []abi.Filter{{Field: "age", Op: "eq"}}}, "filter.age", "needs a value"},
		{abi.QueryRequest{Filter: []abi.Filter{where("age", "prefix", "1")}}, "filter.age", "no prefix"},
		{abi.QueryRequest{Filter: []abi.Filter{where("name", "prefix", 1)}}, "filter.name", "string"},
		{abi.QueryRequest{Filter: make([]abi.Filter, 21)}, "filter", "at most 20"},
		{abi.QueryRequest{Sort: []string{"nope"}}, "sort", "no field"},
		{abi.QueryRequest{Sort: []string{"stage", "-age"}}, "sort", "same way"},
		{abi.QueryRequest{Limit: 201}, "limit", "1 to 200"},
		{abi.QueryRequest{Limit: -1}, "limit", "1 to 200"},
	} {
		c.q.Table = "contacts"
		_, _, err := u.Query(ctx, c.q)
		if got := wantsAt(t, err, core.Invalid, c.location); !strings.Contains(got, c.says) {
			t.Errorf("%+v: %q doesn't say %q", c.q, got, c.says)
		}
	}
	_, _, err := u.Query(ctx, abi.QueryRequest{Table: "nope"})
	wantsAt(t, err, core.Invalid, "table")
	_, _, err = u.Count(ctx, "contacts", []abi.Filter{where("score", "gt", 1)})
	wantsAt(t, err, core.Invalid, "filter")
}

func cursors(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	people(d)
	u := d.begin()
	byName := abi.QueryRequest{Table: "contacts", Sort: []string{"name"}, Limit: 2}
	_, cursor, err := u.Query(ctx, byName)
	if err != nil || cursor == "" {
		t.Fatal(cursor, err)
	}

	// The same query with another limit takes it, any other query refuses it.
	byName.Cursor, byName.Limit = cursor, 3
	if docs := u.query(byName); len(docs) != 3 || field(t, docs[0], "name") != "Cy" {
		t.Errorf("the page behind Bea is %v", docs)
	}
	for _, q := range []abi.QueryRequest{
		{Sort: []string{"-name"}},
		{Sort: []string{"seen"}},
		{},
		{Sort: []string{"name"}, Filter: []abi.Filter{where("name", "gt", "A")}},
	} {
		q.Table, q.Cursor = "contacts", cursor
		_, _, err := u.Query(ctx, q)
		if got := wantsAt(t, err, core.Invalid, "cursor"); !strings.Contains(got, "another query") {
			t.Errorf("%q", got)
		}
	}
	_, _, err = u.Query(ctx, abi.QueryRequest{Table: "companies", Sort: []string{"name"}, Cursor: cursor})
	wantsAt(t, err, core.Invalid, "cursor")

	// Rubbish, and a cursor bent out of the query's range.
	raw, _ := base64.RawURLEncoding.DecodeString(cursor)
	for _, c := range []string{"x", "!!!!", strings.Repeat("A", 10_000), cursor[:len(cursor)-4], cursor + "AAAA", base64.RawURLEncoding.EncodeToString(raw[:9]), "\x00"} {
		byName.Cursor = c
		_, _, err := u.Query(ctx, byName)
		wantsAt(t, err, core.Invalid, "cursor")
	}
	within := abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("name", "lte", "Bea")}, Limit: 1}
	_, cursor, err = u.Query(ctx, within)
	u.must(err)
	raw, _ = base64.RawURLEncoding.DecodeString(cursor)
	raw[11] = 'Z' // Ann becomes Znn: behind Bea
	within.Cursor = base64.RawURLEncoding.EncodeToString(raw)
	_, _, err = u.Query(ctx, within)
	wantsAt(t, err, core.Invalid, "cursor")

	// The document at the cursor may go: the next page begins where it was.
	names := abi.QueryRequest{Table: "contacts", Sort: []string{"name"}, Limit: 2}
	docs, cursor, err := u.Query(ctx, names)
	u.must(err)
	d.committed(func(u *unit) { u.delete("contacts", docs[1].ID) })
	names.Cursor = cursor
	if docs := d.begin().query(names); field(t, docs[0], "name") != "Cy" {
		t.Errorf("behind the deleted Bea is %s", docs[0].Body)
	}

	// A scan that looked at 1,000 rows ends its page early, with a cursor.
	d.committed(func(u *unit) {
		for i := range 1_500 {
			u.insert("contacts", fmt.Sprintf(`{"name":"N%04d","stage":"lost","score":%d}`, i, i))
		}
	})
	u = d.begin()
	late := abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("name", "prefix", "N"), where("score", "gte", 1_490)}}
	docs, cursor, err = u.Query(ctx, late)
	if err != nil || len(docs) != 0 || cursor == "" {
		t.Errorf("the first page has %d documents, cursor %q: %v", len(docs), cursor, err)
	}
	if all := pages(t, u.Unit, late); len(all) != 10 {
		t.Errorf("all pages together have %d documents, want 10", len(all))
	}
	late.Filter[1], late.Sort = where("score", "lt", 10), []string{"-name"}
	if all := pages(t, u.Unit, late); len(all) != 10 || field(t, all[9], "name") != "N0000" {
		t.Errorf("all pages together, backwards, have %d documents, want 10", len(all))
	}
	if n, capped, err := u.Count(ctx, "contacts", late.Filter); err != nil || !capped || n > 10 {
		t.Errorf("counted %d, capped %t: %v", n, capped, err)
	}
	if n := u.count("contacts", where("name", "prefix", "N")); n != 1_500 {
		t.Errorf("counted %d, want 1500", n)
	}
}

func readYourWrites(t *testing.T, b store.Backend) {
	d := newDesk(t, b)
	names := people(d)
	byName := make(map[string]core.DocumentID)
	for id, name := range names {
		byName[name] = id
	}
	u := d.begin()
	names[u.insert("contacts", `{"name":"Bob","stage":"lead","age":25,"vip":true,"score":9}`).ID] = "Bob"
	u.patch("contacts", byName["Cy"], `{"age":50}`)
	u.patch("contacts", byName["Bea"], `{"stage":"lead","age":25}`)
	u.patch("contacts", byName["Di"], `{"stage":"lost"}`)
	u.delete("contacts", byName["Ann"])
	gone := u.insert("contacts", `{"name":"Gone","stage":"lead","age":1}`)
	u.delete("contacts", gone.ID)
	check := func(u *unit) {
		t.Helper()
		for _, c := range []struct {
			filter []abi.Filter
			sort   string
			want   string
		}{
			{nil, "", "Bea Cy Di ann Bob"},
			{nil, "-createdAt", "Bob ann Di Cy Bea"},
			{nil, "-name", "ann Di Cy Bob Bea"},
			{[]abi.Filter{where("stage", "eq", "lead")}, "age", "Bea Bob Cy"},
			{[]abi.Filter{where("stage", "eq", "lead")}, "-age", "Cy Bob Bea"},
			{[]abi.Filter{where("stage", "eq", "lead"), where("age", "lt", 50)}, "", "Bea Bob"},
			{[]abi.Filter{where("stage", "eq", "lead"), where("score", "gt", 0)}, "", "Bob"},
			{[]abi.Filter{where("stage", "eq", "lost")}, "age", "Di ann"},
		} {
			q := abi.QueryRequest{Table: "contacts", Filter: c.filter}
			if c.sort != "" {
				q.Sort = strings.Split(c.sort, ",")
			}
			for _, limit := range []int{1, 2, 50} {
				q.Limit = limit
				var got []string
				for _, doc := range pages(t, u.Unit, q) {
					got = append(got, names[doc.ID])
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%v by %q, limit %d: %v, want %s", c.filter, c.sort, limit, got, c.want)
				}
			}
			if n := u.count("contacts", c.filter...); n != len(strings.Fields(c.want)) {
				t.Errorf("%v: counted %d, want %s", c.filter, n, c.want)
			}
		}
	}
	check(u)
	u.commit()
	check(d.begin())
}

// longKeys has values whose keys are cut: found exactly, though those that
// agree in their first bytes have no order among themselves.
func longKeys(t *testing.T, b store.Backend) {
	d := newDesk(t, b)
	long := strings.Repeat("x", 1_500)
	var want []string
	d.committed(func(u *unit) {
		for _, end := range []string{"", "a", "b", "c", strings.Repeat("y", 400)} {
			want = append(want, long+end)
			u.insert("contacts", `{"name":"`+long+end+`","born":"2000-01-01"}`)
		}
		u.insert("contacts", `{"name":"`+strings.Repeat("x", 980)+`"}`)
		u.insert("contacts", `{"name":"w"}`)
		u.insert("contacts", `{"name":"y"}`)
	})
	u := d.begin()
	for i, name := range want {
		docs := u.query(abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("name", "eq", name)}})
		if len(docs) != 1 || field(t, docs[0], "name") != name {
			t.Errorf("eq found %d documents", len(docs))
		}
		for op, expect := range map[string]int{"gt": len(want) - i, "gte": len(want) - i + 1, "lt": i + 2, "lte": i + 3} {
			filter := []abi.Filter{where("name", op, name)}
			if got := len(pages(t, u.Unit, abi.QueryRequest{Table: "contacts", Filter: filter, Limit: 2})); got != expect {
				t.Errorf("%s value %d: found %d, want %d", op, i, got, expect)
			}
			if n := u.count("contacts", filter...); n != expect {
				t.Errorf("%s value %d: counted %d, want %d", op, i, n, expect)
			}
		}
		_, err := u.Insert(context.Background(), "contacts", []byte(`{"name":"`+name+`","born":"2000-01-01"}`))
		wants(t, err, core.Exists)
	}
	if n := u.count("contacts", where("name", "prefix", long)); n != len(want) {
		t.Errorf("prefix counted %d, want %d", n, len(want))
	}
	for _, dir := range []string{"", "-"} {
		all := pages(t, u.Unit, abi.QueryRequest{Table: "contacts", Sort: []string{dir + "name"}, Limit: 2})
		if len(all) != len(want)+3 {
			t.Errorf("sorted %q: %d documents, want %d", dir, len(all), len(want)+3)
		}
	}
	// A document whose key was cut is found for its removal.
	docs := u.query(abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("name", "eq", want[1])}})
	u.patch("contacts", docs[0].ID, `{"name":"short"}`)
	u.commit()
	if n := d.begin().count("contacts", where("name", "prefix", long)); n != len(want)-1 {
		t.Errorf("%d are left, want %d", n, len(want)-1)
	}
}
