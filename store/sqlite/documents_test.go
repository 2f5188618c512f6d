package sqlite

import (
	"context"
	"fmt"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

func openTest(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestDocuments runs the suite of every backend; after each part, the index
// entries must be those of the documents that are left.
func TestDocuments(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend {
		db := openTest(t)
		t.Cleanup(func() { checkEntries(t, db) })
		return db.Documents()
	})
}

func TestAttack05_AnotherWorkspacesDocumentsAreMissing(t *testing.T) {
	storetest.OtherWorkspaces(t, openTest(t).Documents())
}

func TestAttack36_AnotherTablesDocumentsAreMissing(t *testing.T) {
	storetest.OtherTables(t, openTest(t).Documents())
}

// TestAUnitThatFailsDropsOutOfItsGroupAlone: of two units of one group that
// changed the same document the second finds what the first wrote, though that
// is not committed yet, and neither takes the others with it.
func TestAUnitThatFailsDropsOutOfItsGroupAlone(t *testing.T) {
	ctx := t.Context()
	db := openTest(t)
	s, ws := store.New(db.Documents()), core.NewWorkspaceID()
	begin := func() *store.Unit { return s.Begin(ws, storetest.Scope()) }
	u := begin()
	shared, err := u.Insert(ctx, "companies", []byte(`{"name":"Shared","size":0}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(ctx); err != nil {
		t.Fatal(err)
	}

	groups, _ := db.Groups()
	release, held := hold(db)
	const units = 8 // the first two change the same document
	results := make([]chan error, units)
	for i := range units {
		u := begin()
		if i < 2 {
			_, err = u.Patch(ctx, "companies", shared.ID, fmt.Appendf(nil, `{"size":%d}`, i+1), 0)
		} else {
			_, err = u.Insert(ctx, "companies", fmt.Appendf(nil, `{"name":"Own %d"}`, i))
		}
		if err != nil {
			t.Fatal(err)
		}
		results[i] = make(chan error, 1)
		go func() {
			_, err := u.Commit(context.Background())
			results[i] <- err
		}()
		db.committer.queued(i + 1) // so the order is known
	}
	close(release)
	for i, result := range results {
		want := core.Kind("")
		if i == 1 {
			want = core.Changed
		}
		if err := <-result; core.KindOf(err) != want {
			t.Errorf("unit %d: %v", i, err)
		}
	}
	if err := <-held; err != nil {
		t.Error(err)
	}
	if now, _ := db.Groups(); now != groups+1 {
		t.Errorf("%d groups, want 1", now-groups)
	}
	u = begin()
	if doc, err := u.Get(ctx, "companies", shared.ID); err != nil || doc.Version != 2 || string(doc.Body) != `{"name":"Shared","size":1}` {
		t.Errorf("the shared document is %s at %d, %v", doc.Body, doc.Version, err)
	}
	if n, _, err := u.Count(ctx, "companies", nil); err != nil || n != units-1 {
		t.Errorf("%d companies, %v", n, err)
	}
	checkEntries(t, db)
}
