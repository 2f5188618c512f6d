package storetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// failing is a Backend whose reads fail as long as down is set.
type failing struct {
	store.Backend
	down bool
}

func (f *failing) fail() error {
	if f.down {
		return core.E("test", core.Unavailable, "The database is gone.")
	}
	return nil
}

func (f *failing) Document(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (*core.Document, store.Moment, error) {
	if err := f.fail(); err != nil {
		return nil, store.Moment{}, err
	}
	return f.Backend.Document(ctx, ws, table, id)
}

func (f *failing) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (store.Rows, store.Moment, error) {
	if err := f.fail(); err != nil {
		return store.Rows{}, store.Moment{}, err
	}
	return f.Backend.Scan(ctx, ws, r, limit)
}

func (f *failing) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (*core.Receipt, store.Moment, error) {
	if err := f.fail(); err != nil {
		return nil, store.Moment{}, err
	}
	return f.Backend.Receipt(ctx, ws, scope, key)
}

func (f *failing) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (store.Answer, store.Moment, error) {
	if err := f.fail(); err != nil {
		return nil, store.Moment{}, err
	}
	return f.Backend.Ask(ctx, ws, q)
}

// failedReads: a guest that takes a database's failure for an answer, and goes
// on, cannot commit what it made of it.
func failedReads(t *testing.T, b store.Backend) {
	ctx := context.Background()
	flaky := &failing{Backend: b}
	d := newDesk(t, flaky)
	ann := d.insert("contacts", `{"name":"Ann"}`)
	for name, read := range map[string]func(u *unit) error{
		"get":     func(u *unit) error { _, err := u.Get(ctx, "contacts", ann.ID); return err },
		"query":   func(u *unit) error { _, _, err := u.Query(ctx, abi.QueryRequest{Table: "contacts"}); return err },
		"usage":   func(u *unit) error { _, err := u.Usage(ctx, "crm.x"); return err },
		"receipt": func(u *unit) error { _, _, err := u.Receipt(ctx, "ins_1", "k"); return err },
		"a unique value": func(u *unit) error {
			_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name":"B","email":"b@a.b"}`))
			return err
		},
	} {
		u := d.begin()
		flaky.down = true
		err := read(u)
		flaky.down = false
		wants(t, err, core.Unavailable)
		u.insert("contacts", `{"name":"Because I saw nothing"}`)
		wants(t, u.Validate(ctx), core.Unavailable)
		if _, err := u.Commit(ctx); core.KindOf(err) != core.Unavailable {
			t.Errorf("%s: committed after a failed read: %v", name, err)
		}
	}
	if n := d.begin().count("contacts"); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
}
