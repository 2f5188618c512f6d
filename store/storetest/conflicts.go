package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// world is what each case of conflicts begins with.
type world struct {
	*desk
	acme, base   core.Document // companies; base has the deal
	ann, bea, cy core.Document // contacts: leads of age 10, 20, 30
	deal         core.Document
}

func newWorld(t *testing.T, b store.Backend) *world {
	w := &world{desk: newDesk(t, b)}
	w.committed(func(u *unit) {
		w.acme, w.base = u.insert("companies", `{"name":"Acme"}`), u.insert("companies", `{"name":"Base"}`)
		w.ann = u.insert("contacts", `{"name":"Ann","stage":"lead","age":10,"email":"ann@a.b"}`)
		w.bea = u.insert("contacts", `{"name":"Bea","stage":"lead","age":20}`)
		w.cy = u.insert("contacts", `{"name":"Cy","stage":"lead","age":30}`)
		w.deal = u.insert("deals", `{"title":"One","company":"`+string(w.base.ID)+`","amount":1}`)
	})
	return w
}

// conflicts runs pairs of units: the first reads and writes something, the
// second commits meanwhile, and then the first commits or must run again.
func conflicts(t *testing.T, b store.Backend) {
	ctx := context.Background()
	leads := abi.QueryRequest{Table: "contacts", Filter: []abi.Filter{where("stage", "eq", "lead")}, Sort: []string{"age"}}
	firstLead := leads
	firstLead.Limit = 1
	for _, c := range []struct {
		name     string
		first    func(w *world, u *unit)
		second   func(w *world, u *unit)
		conflict bool
	}{
		{"a document read was changed",
			func(w *world, u *unit) { u.get("contacts", w.ann.ID); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"age":11}`) }, true},
		{"a document read was deleted",
			func(w *world, u *unit) { u.get("contacts", w.ann.ID); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.delete("contacts", w.ann.ID) }, true},
		{"another document was changed",
			func(w *world, u *unit) { u.get("contacts", w.ann.ID); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.patch("contacts", w.bea.ID, `{"age":11}`) }, false},
		{"both changed a document",
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"age":12}`) },
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"age":11}`) }, true},
		{"one changed and one deleted it",
			func(w *world, u *unit) { u.delete("contacts", w.ann.ID) },
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"age":11}`) }, true},
		{"both inserted, blindly",
			func(w *world, u *unit) { u.insert("contacts", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M"}`) }, false},
		{"both inserted a unique value",
			func(w *world, u *unit) { u.insert("contacts", `{"name":"N","email":"n@a.b"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","email":"n@a.b"}`) }, true},
		{"each inserted a unique value of its own",
			func(w *world, u *unit) { u.insert("contacts", `{"name":"N","email":"n@a.b"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","email":"m@a.b"}`) }, false},
		{"a value found taken became free",
			func(w *world, u *unit) {
				_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name":"N","email":"ann@a.b"}`))
				wants(u.t, err, core.Exists)
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"email":null}`) }, true},
		{"a missing document stays missing",
			func(w *world, u *unit) {
				_, err := u.Get(ctx, "contacts", core.NewDocumentID())
				wants(u.t, err, core.NotFound)
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M"}`) }, false},
		{"phantom: a document came into a range read",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","stage":"lead","age":25}`) }, true},
		{"phantom: at its beginning",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","stage":"lead"}`) }, true},
		{"phantom: at its end",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","stage":"lead","age":99}`) }, true},
		{"phantom: into a range that was empty",
			func(w *world, u *unit) {
				u.count("contacts", where("stage", "eq", "lost"))
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.patch("contacts", w.ann.ID, `{"stage":"lost"}`) }, true},
		{"a document left a range read",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.patch("contacts", w.cy.ID, `{"stage":"lost"}`) }, true},
		{"a document in a range read was changed in another field",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.patch("contacts", w.cy.ID, `{"notes":"x"}`) }, true},
		{"a document came behind the page read",
			func(w *world, u *unit) { u.query(firstLead); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","stage":"lead","age":29}`) }, false},
		{"a document came into another range",
			func(w *world, u *unit) { u.query(leads); u.insert("companies", `{"name":"N"}`) },
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M","stage":"lost"}`) }, false},
		{"a document counted was changed in another field",
			func(w *world, u *unit) {
				u.count("contacts", where("stage", "eq", "lead"))
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.patch("contacts", w.cy.ID, `{"notes":"x"}`) }, false},
		{"a document not counted began to be",
			func(w *world, u *unit) {
				u.count("contacts", where("stage", "eq", "customer"))
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.patch("contacts", w.cy.ID, `{"stage":"customer"}`) }, true},
		{"a table read in its own order got a document",
			func(w *world, u *unit) {
				u.query(abi.QueryRequest{Table: "contacts"})
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.insert("contacts", `{"name":"M"}`) }, true},
		{"write skew",
			func(w *world, u *unit) { u.get("contacts", w.ann.ID); u.patch("contacts", w.bea.ID, `{"age":0}`) },
			func(w *world, u *unit) { u.get("contacts", w.bea.ID); u.patch("contacts", w.ann.ID, `{"age":0}`) }, true},
		{"write skew over a range",
			func(w *world, u *unit) {
				u.count("contacts", where("stage", "eq", "lead"))
				u.patch("contacts", w.bea.ID, `{"stage":"lost"}`)
			},
			func(w *world, u *unit) {
				u.count("contacts", where("stage", "eq", "lead"))
				u.patch("contacts", w.ann.ID, `{"stage":"lost"}`)
			}, true},
		{"what a reference names was deleted",
			func(w *world, u *unit) { u.insert("deals", `{"title":"T","company":"`+string(w.acme.ID)+`"}`) },
			func(w *world, u *unit) { u.delete("companies", w.acme.ID) }, true},
		{"what a reference names was changed",
			func(w *world, u *unit) { u.insert("deals", `{"title":"T","company":"`+string(w.acme.ID)+`"}`) },
			func(w *world, u *unit) { u.patch("companies", w.acme.ID, `{"size":3}`) }, false},
		{"a reference to a deleted document was made",
			func(w *world, u *unit) { u.delete("companies", w.acme.ID) },
			func(w *world, u *unit) { u.insert("deals", `{"title":"T","company":"`+string(w.acme.ID)+`"}`) }, true},
		{"what forbade a delete is gone",
			func(w *world, u *unit) {
				wants(u.t, u.Delete(ctx, "companies", w.base.ID, 0), core.Exists)
				u.insert("contacts", `{"name":"N"}`)
			},
			func(w *world, u *unit) { u.delete("deals", w.deal.ID) }, true},
		{"the sum of a meter grew",
			func(w *world, u *unit) {
				_, err := u.Usage(ctx, "crm.things")
				u.must(err)
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) {
				u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 1, Limit: -1})
			}, true},
		{"the sum of another meter grew",
			func(w *world, u *unit) {
				_, err := u.Usage(ctx, "crm.things")
				u.must(err)
				u.insert("companies", `{"name":"N"}`)
			},
			func(w *world, u *unit) {
				u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.others", Quantity: 1, Limit: -1})
			}, false},
		{"both added to a meter, blindly",
			func(w *world, u *unit) {
				u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 1, Limit: -1})
			},
			func(w *world, u *unit) {
				u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 1, Limit: -1})
			}, false},
		{"a request with the same key was answered",
			func(w *world, u *unit) {
				_, found, err := u.Receipt(ctx, "ins_1", "key")
				if err != nil || found {
					u.t.Error(found, err)
				}
				u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: "ins_1", Key: "key", Answer: json.RawMessage(`1`)}})
			},
			func(w *world, u *unit) {
				u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: "ins_1", Key: "key", Answer: json.RawMessage(`2`)}})
			}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, b)
			first := w.begin()
			c.first(w, first)
			w.committed(func(u *unit) { c.second(w, u) })
			_, err := first.Commit(ctx)
			if !c.conflict {
				first.must(err)
				return
			}
			wants(t, err, core.Changed)
			if first.ConflictKey() == "" {
				t.Error("the conflict has no key")
			}
			// It left nothing, and stays lost.
			_, again := first.Commit(ctx)
			wants(t, again, core.Changed)
			wants(t, first.Validate(ctx), core.Changed)
			if n := w.begin().count("companies", where("name", "eq", "N")); n != 0 {
				t.Error("a unit that conflicted wrote something")
			}
			// In another workspace the same thing is no conflict.
			w, other := newWorld(t, b), newWorld(t, b)
			first = w.begin()
			c.first(w, first)
			other.committed(func(u *unit) { c.second(other, u) })
			first.commit()
		})
	}
}

// unread checks that writes find what they change, whether or not their unit relies on
// having read it: one of another version or of a document that isn't there is refused,
// and with it all that came along.
func unread(t *testing.T, b store.Backend) {
	ctx, now := context.Background(), Scope().Now
	ws := core.NewWorkspaceID()
	numbers, err := b.Numbers(ctx, []string{"t"})
	if err != nil {
		t.Fatal(err)
	}
	write := func(id core.DocumentID, base int64, body string) store.Write {
		return store.Write{Table: numbers[0], Base: base, Deleted: body == "", Document: core.Document{
			ID: id, Version: base + 1, Schema: 1, Body: json.RawMessage(body), Created: now, Updated: now}}
	}
	commit := func(writes ...store.Write) error {
		_, err := b.Commit(ctx, ws, store.Batch{Writes: writes})
		return err
	}
	one, two, missing := core.NewDocumentID(), core.NewDocumentID(), core.NewDocumentID()
	if err := errors.Join(commit(write(one, 0, "1"), write(two, 0, "1")), commit(write(one, 1, "2"))); err != nil {
		t.Fatal(err)
	}
	for name, refused := range map[string]store.Write{
		"a change of an old version":    write(one, 1, "3"),
		"a change of a version to come": write(one, 3, "3"),
		"a change of nothing":           write(missing, 1, "3"),
		"a deletion of an old version":  write(one, 1, ""),
		"a deletion of nothing":         write(missing, 1, ""),
	} {
		if err := commit(write(two, 1, "3"), refused); core.KindOf(err) != core.Changed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for id, body := range map[core.DocumentID]string{one: "2", two: "1", missing: ""} {
		doc, _, err := b.Document(ctx, ws, numbers[0], id)
		if err != nil || (doc == nil) != (body == "") || doc != nil && (string(doc.Body) != body || !doc.Created.Equal(now)) {
			t.Errorf("%s is %v, %v; want %q", id, doc, err, body)
		}
	}
	if err := commit(write(one, 2, ""), write(two, 1, "2")); err != nil {
		t.Error(err)
	}
}

// moments checks what a unit that only reads may tell: what was true at one
// moment, and nothing that never was.
func moments(t *testing.T, b store.Backend) {
	ctx := context.Background()
	w := newWorld(t, b)

	u := w.begin()
	u.get("contacts", w.ann.ID)
	u.get("contacts", w.bea.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.ann.ID, `{"age":1}`) })
	u.must(u.Validate(ctx)) // both were so, at the moment of the reads
	u.commit()

	u = w.begin()
	u.get("contacts", w.ann.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.ann.ID, `{"age":2}`) })
	u.get("contacts", w.bea.ID)
	wants(t, u.Validate(ctx), core.Changed) // ann of before, bea of after
	if u.ConflictKey() == "" {
		t.Error("the conflict has no key")
	}

	u = w.begin()
	u.get("contacts", w.ann.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.bea.ID, `{"age":2}`) })
	u.get("contacts", w.cy.ID)
	u.must(u.Validate(ctx)) // ann has not changed since

	// The same document read twice, differently: the unit is told at once.
	u = w.begin()
	u.get("contacts", w.ann.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.ann.ID, `{"age":3}`) })
	_, err := u.Get(ctx, "contacts", w.ann.ID)
	wants(t, err, core.Changed)
	wants(t, u.Validate(ctx), core.Changed)
	_, err = u.Commit(ctx)
	wants(t, err, core.Changed)

	// A failure is only worth telling if what it rests on was so.
	u = w.begin()
	u.get("contacts", w.bea.ID)
	w.committed(func(u *unit) { u.patch("contacts", w.bea.ID, `{"email":"bea@a.b"}`) })
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"name":"N","email":"bea@a.b"}`))
	wants(t, err, core.Exists)
	wants(t, u.Validate(ctx), core.Changed)

	w.begin().must(w.begin().Validate(ctx)) // a unit that read nothing
}
