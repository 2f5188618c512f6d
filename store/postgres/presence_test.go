package postgres

import (
	"context"
	"maps"
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
		claimed, err := db.ClaimDeliveries(ctx, at, at.Add(leased/2), "", nil, 1, 1)
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

// TestWhatEndsItsNodesWaitsLonger: of deliveries whose nodes are gone, those that
// have been with a dead node before come back later each time.
func TestWhatEndsItsNodesWaitsLonger(t *testing.T) {
	ctx, db, now := t.Context(), openTest(t), time.Unix(1_000_000_000, 0)
	const nobody = 1 << 30 // a node that was never there
	u := store.New(db.Documents()).Begin("ws_a", storetest.Scope())
	attempts := map[core.DeliveryID]int64{}
	for attempt := range int64(9) {
		d := core.Delivery{ID: core.NewDeliveryID(), Install: "ins_1", Handler: "h", Due: now, Created: now, Hop: 1}
		attempts[d.ID] = attempt + 1
		u.Add(core.PutDelivery{Delivery: d})
	}
	if _, err := u.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	err := db.keep(ctx, "test", func(b *batch) {
		for id, attempt := range attempts {
			b.exec("UPDATE deliveries SET state = 'running', attempt = $2, due = $3, node = $4 WHERE id = $1", id, attempt, micros(now.Add(leased)), nobody)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	looker := &presence{db: db, absent: map[int32]time.Time{nobody: now}}
	gone := now.Add(missed)
	if err := looker.takeOver(ctx, gone); err != nil {
		t.Fatal(err)
	}
	waits := map[int64]time.Duration{}
	err = db.find(ctx, "test", func(b *batch) {
		b.rows(func(s scanner) error {
			var attempt, due int64
			err := s.Scan(&attempt, &due)
			waits[attempt] = fromMicros(due).Sub(gone)
			return err
		}, "SELECT attempt, due FROM deliveries WHERE state = 'retry' AND later = (attempt > 1)")
	})
	want := map[int64]time.Duration{1: 0, 2: time.Second, 3: 2 * time.Second, 4: 4 * time.Second, 5: 8 * time.Second, 6: 16 * time.Second,
		7: 32 * time.Second, 8: time.Minute, 9: time.Minute}
	if err != nil || !maps.Equal(waits, want) {
		t.Errorf("they wait %v, want %v; %v", waits, want, err)
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
