package postgres

import (
	"context"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestFault13_ADeadNodesDeliveriesAreTakenOver: what a node ran is due again soon
// after it is gone, and not while it is there, however long its database was away.
// Its own word comes too late.
func TestFault13_ADeadNodesDeliveriesAreTakenOver(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Open(t)
	open := func() *DB {
		db, err := Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() }) //nolint:errcheck // one of them is closed before
		return db
	}
	dying, living := open(), open()
	ws, now := core.NewWorkspaceID(), time.Now()
	commit := func(db *DB, changes ...core.Change) error {
		u := store.New(db.Documents()).Begin(ws, storetest.Scope())
		for _, change := range changes {
			u.Add(change)
		}
		_, err := u.Commit(ctx)
		return err
	}
	d := core.Delivery{ID: core.NewDeliveryID(), Workspace: ws, Install: "ins_1", Handler: "job", Due: now, Created: now, Hop: 1}
	if err := commit(living, core.PutDelivery{Delivery: d}); err != nil {
		t.Fatal(err)
	}
	claim := func(db *DB, at time.Time) []core.Delivery {
		t.Helper()
		claimed, err := db.ClaimDeliveries(ctx, at, at.Add(leased/2), "", nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		return claimed
	}
	if got := claim(dying, now); len(got) != 1 {
		t.Fatalf("claimed %v", got)
	}

	// Looks of its own, with a clock of its own.
	looker := &presence{db: living, absent: map[int32]time.Time{}}
	look := func(at time.Duration) {
		t.Helper()
		if err := looker.takeOver(ctx, now.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	look(time.Second)
	look(2*time.Second + missed)
	if got := claim(living, now.Add(20*time.Second)); len(got) != 0 {
		t.Fatalf("taken from a node that is there: %v", got)
	}
	if err := dying.Close(); err != nil {
		t.Fatal(err)
	}
	for held(t, living, dying.here.number) > 0 { // Postgres ends a connection a moment after it was closed
		goruntime.Gosched()
	}
	look(10 * time.Second)
	if got := claim(living, now.Add(10*time.Second)); len(got) != 0 {
		t.Fatalf("taken at the first look: %v", got)
	}
	look(10*time.Second + missed)
	got := claim(living, now.Add(20*time.Second))
	if len(got) != 1 || got[0].Attempt != 2 {
		t.Fatalf("claimed of the dead: %v", got)
	}
	if err := commit(living, core.CompleteDelivery{ID: d.ID, Attempt: 1}); core.KindOf(err) != core.Stale {
		t.Errorf("the first attempt's word: %v", err)
	}
	if err := commit(living, core.CompleteDelivery{ID: d.ID, Attempt: 2}); err != nil {
		t.Error(err)
	}
}

// held counts the connections that hold a node's number.
func held(t *testing.T, db *DB, node int32) (n int) {
	t.Helper()
	err := db.find(t.Context(), "test", func(b *batch) {
		b.row(func(s scanner) error { return s.Scan(&n) },
			"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1 AND objid::bigint = $2", int64(presenceClass), node)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestANodeComesBack: its connection is lost, and it holds its number again.
func TestANodeComesBack(t *testing.T) {
	ctx := t.Context()
	db := openTest(t)
	here, err := newPresence(ctx, db, db.platform)
	if err != nil {
		t.Fatal(err)
	}
	defer here.close(context.Background())
	if held(t, db, here.number) != 1 {
		t.Fatal("its number is not held")
	}
	here.conn.PgConn().Conn().Close() //nolint:errcheck // as a network does it
	if err := here.hold(ctx); err != nil {
		t.Fatal(err)
	}
	if held(t, db, here.number) < 1 {
		t.Error("its number is not held again")
	}
}
