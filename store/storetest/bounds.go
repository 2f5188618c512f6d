package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

func bounds(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)

	u := d.begin()
	for range store.MaxWritten {
		u.insert("deals", `{"title":"x"}`)
	}
	_, err := u.Insert(ctx, "deals", json.RawMessage(`{"title":"x"}`))
	wants(t, err, core.TooLarge)
	if n := u.count("deals"); n != store.MaxWritten {
		t.Errorf("%d documents in the unit", n)
	}
	u.commit() // what fits is written whole
	if n := d.begin().count("deals"); n != store.MaxWritten {
		t.Errorf("%d documents were written, want %d", n, store.MaxWritten)
	}

	u = d.begin()
	doc := u.insert("contacts", `{"name":"x"}`)
	big := []byte(`{"notes":"` + strings.Repeat("x", 1<<20-100) + `"}`)
	for err = nil; err == nil; {
		_, err = u.Patch(ctx, "contacts", doc.ID, big, 0)
	}
	wants(t, err, core.TooLarge)

	// Pages of large documents end early, with a cursor.
	d.committed(func(u *unit) {
		for range 12 {
			u.insert("contacts", `{"name":"big","notes":"`+strings.Repeat("x", 1<<20-1000)+`"}`)
		}
	})
	docs, cursor, err := d.begin().Query(ctx, abi.QueryRequest{Table: "contacts", Sort: []string{"name"}})
	if err != nil || len(docs) == 0 || len(docs) > 6 || cursor == "" {
		t.Errorf("a page of %d large documents, cursor %q, %v", len(docs), cursor, err)
	}
	if all := pages(t, d.begin().Unit, abi.QueryRequest{Table: "contacts", Sort: []string{"name"}}); len(all) != 12 {
		t.Errorf("all pages together have %d documents", len(all))
	}

	u = d.begin()
	for err = nil; err == nil; {
		_, _, err = u.Count(ctx, "deals", nil)
	}
	wants(t, err, core.TooLarge)
	u.must(u.Validate(ctx))

	u = d.begin()
	for range store.MaxChanges + 1 {
		u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.x", Quantity: 1, Limit: -1})
	}
	_, err = u.Commit(ctx)
	wants(t, err, core.TooLarge)
}
