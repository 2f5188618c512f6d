package postgres

import (
	"context"
	"fmt"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// busy takes a workspace's places among the writers, until release.
func busy(t *testing.T, db *DB, ws core.WorkspaceID) (release func()) {
	t.Helper()
	var leave []func()
	for range perWriter {
		out, err := db.writing.enter(t.Context(), ws)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, out)
	}
	return func() {
		for _, out := range leave {
			out()
		}
	}
}

// queued waits until so many units of a workspace wait behind those that were taken.
func (c *committer) queued(ws core.WorkspaceID, n int) {
	for late := time.Now().Add(time.Minute); time.Now().Before(late); {
		c.mu.Lock()
		waiting, working := c.queues[ws]
		c.mu.Unlock()
		if working && len(waiting) == n {
			return
		}
		goruntime.Gosched()
	}
	panic("there are not so many units after a minute")
}

// TestAUnitThatFailsDropsOutOfItsGroupAlone: of eight units that share a
// transaction two change what another has changed, one finds its value taken, and
// the others are written.
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

	release := busy(t, db, ws)
	const units = 9
	want := map[int]core.Kind{2: core.Changed, 5: core.Changed, 7: core.Changed}
	results := make([]chan error, units)
	for i := range units {
		u := begin()
		switch i {
		case 1, 2, 5: // the same document
			_, err = u.Patch(ctx, "companies", shared.ID, fmt.Appendf(nil, `{"size":%d}`, i), 0)
		case 6, 7: // the same unique value
			_, err = u.Insert(ctx, "companies", []byte(`{"name":"Twice"}`))
		default:
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
		db.committer.queued(ws, i) // the first is taken at once, on its own
	}
	groups, writes := db.Groups()
	release()
	for i, result := range results {
		if err := <-result; core.KindOf(err) != want[i] {
			t.Errorf("unit %d: %v", i, err)
		}
	}
	if g, w := db.Groups(); g-groups > 5 || w-writes != units-3 {
		t.Errorf("%d units in %d transactions, want %d in at most 5", w-writes, g-groups, units-3)
	}
	u = begin()
	if doc, err := u.Get(ctx, "companies", shared.ID); err != nil || doc.Version != 2 || string(doc.Body) != `{"name":"Shared","size":1}` {
		t.Errorf("the shared document is %s at %d, %v", doc.Body, doc.Version, err)
	}
	if n, _, err := u.Count(ctx, "companies", nil); err != nil || n != units-3 {
		t.Errorf("%d companies, %v", n, err)
	}
}

// TestWorkspacesDoNotWaitForEachOther: while a workspace's commits are stuck,
// another's go on.
func TestWorkspacesDoNotWaitForEachOther(t *testing.T) {
	ctx := t.Context()
	db := openTest(t)
	s, stuck, free := store.New(db.Documents()), core.NewWorkspaceID(), core.NewWorkspaceID()
	insert := func(ws core.WorkspaceID) error {
		u := s.Begin(ws, storetest.Scope())
		if _, err := u.Insert(ctx, "companies", fmt.Appendf(nil, `{"name":"%s"}`, core.NewDocumentID())); err != nil {
			return err
		}
		_, err := u.Commit(ctx)
		return err
	}
	release := busy(t, db, stuck)
	const units = 3 * maxWrites
	waiting := make(chan error, units)
	go func() { waiting <- insert(stuck) }()
	db.committer.queued(stuck, 0) // it is taken, and the others come behind it
	for range units - 1 {
		go func() { waiting <- insert(stuck) }()
	}
	db.committer.queued(stuck, units-1)
	for range 2 * maxWrites {
		if err := insert(free); err != nil {
			t.Fatal(err)
		}
	}
	release()
	for range units {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
}

// TestACallerWhoIsGoneWritesNothing, and one who goes while the commit is under way
// doesn't undo it.
func TestACallerWhoIsGoneWritesNothing(t *testing.T) {
	db := openTest(t)
	s, ws := store.New(db.Documents()), core.NewWorkspaceID()
	begin := func(name string) *store.Unit {
		u := s.Begin(ws, storetest.Scope())
		if _, err := u.Insert(t.Context(), "companies", fmt.Appendf(nil, `{"name":%q}`, name)); err != nil {
			t.Fatal(err)
		}
		return u
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := begin("Never").Commit(gone); core.KindOf(err) != core.Timeout {
		t.Errorf("a commit of one who is gone: %v", err)
	}
	leaving, leave := context.WithCancel(t.Context())
	release := busy(t, db, ws)
	result := make(chan error, 1)
	u := begin("Kept")
	go func() { _, err := u.Commit(leaving); result <- err }()
	db.committer.queued(ws, 0)
	leave()
	release()
	if err := <-result; err != nil {
		t.Errorf("a commit under way: %v", err)
	}
	if n, _, err := s.Begin(ws, storetest.Scope()).Count(t.Context(), "companies", nil); err != nil || n != 1 {
		t.Errorf("%d companies, %v", n, err)
	}
}

// As many share a transaction as come to so many rows, and always one.
func TestAGroupHasSoManyRows(t *testing.T) {
	of := func(rows ...int) (waiting []*pending) {
		for _, n := range rows {
			waiting = append(waiting, &pending{unit: &store.Batch{Changes: make([]core.Change, n)}})
		}
		return waiting
	}
	for _, c := range []struct {
		waiting []*pending
		want    int
	}{
		{of(), 0},
		{of(2 * maxRows), 1},
		{of(2*maxRows, 1), 1},
		{of(maxRows-1, 1, 1), 2},
		{of(1, 2*maxRows), 1},
		{append(of(maxRows), newPending(nil), newPending(nil)), 3},
		{of(make([]int, 2*maxGroup)...), maxGroup},
	} {
		if got := together(c.waiting); got != c.want {
			t.Errorf("of %d that wait, %d share a transaction, want %d", len(c.waiting), got, c.want)
		}
	}
}
