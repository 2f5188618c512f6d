package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/carrel-dev/carrel/core"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func deliveriesDB(t *testing.T) *DB {
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

func write(t *testing.T, db *DB, fn func(context.Context, *sql.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, db *DB, ws core.WorkspaceID, due time.Time) core.Delivery {
	t.Helper()
	d := core.Delivery{
		ID: core.NewDeliveryID(), Workspace: ws, Install: "ins_1", Handler: "import",
		Payload: json.RawMessage(`{"row":1}`), State: core.DeliveryPending, Due: due, Hop: 3, Created: noon,
	}
	write(t, db, func(ctx context.Context, tx *sql.Tx) error {
		return insertDelivery(ctx, session{tx, db.writeStatements}, ws, d)
	})
	return d
}

func claim(t *testing.T, db *DB, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, limit int) []core.Delivery {
	t.Helper()
	claimed, err := db.ClaimDeliveries(t.Context(), now, now.Add(30*time.Second), after, busy, limit)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func complete(t *testing.T, db *DB, d core.Delivery) error {
	t.Helper()
	return db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return completeDelivery(ctx, session{tx, db.writeStatements}, d.Workspace, core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt})
	})
}

// What is found due may be cancelled before it is claimed; what is due behind it
// is claimed all the same. Nobody else would wake the claimer for it.
func TestACancelledDeliveryHidesNoOther(t *testing.T) {
	db := deliveriesDB(t)
	first, second := put(t, db, "ws_a", noon), put(t, db, "ws_a", noon.Add(time.Second))
	begun, cancelled := make(chan struct{}), make(chan error, 1)
	go func() {
		cancelled <- db.Write(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
			close(begun)
			for len(db.committer.queue) == 0 { // until the claim has found the first one and waits for its turn
				runtime.Gosched()
			}
			return cancelDelivery(ctx, tx, "ws_a", core.CancelDelivery{ID: first.ID, Install: first.Install})
		})
	}()
	<-begun
	if got := claim(t, db, noon.Add(time.Minute), "", nil, 10); len(got) != 1 || got[0].ID != second.ID {
		t.Errorf("claimed %v, want %s", got, second.ID)
	}
	if err := <-cancelled; err != nil {
		t.Error(err)
	}
}

func TestDeliveryFromPutToDone(t *testing.T) {
	db := deliveriesDB(t)
	put := put(t, db, "ws_a", noon.Add(time.Minute))
	if got := claim(t, db, noon, "", nil, 10); len(got) != 0 {
		t.Fatalf("claimed %v before it was due", got)
	}
	if next, ok, err := db.NextDelivery(t.Context(), time.Time{}, nil); err != nil || !ok || !next.Equal(put.Due) {
		t.Fatalf("next = %v %v %v, want %v", next, ok, err, put.Due)
	}
	got := claim(t, db, put.Due, "", nil, 10)
	if len(got) != 1 {
		t.Fatalf("claimed %d, want 1", len(got))
	}
	want := put
	want.State, want.Attempt, want.Due, want.Owed = core.DeliveryRunning, 1, put.Due.Add(30*time.Second), put.Due
	if fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Fatalf("claimed\n%v, want\n%v", got[0], want)
	}
	if again := claim(t, db, put.Due, "", nil, 10); len(again) != 0 {
		t.Fatalf("claimed %v twice", again)
	}
	if err := complete(t, db, got[0]); err != nil {
		t.Fatal(err)
	}
	done, err := db.History().Delivery(t.Context(), "ws_a", put.ID)
	if err != nil || done.State != core.DeliveryDone || !done.Due.IsZero() {
		t.Fatalf("after completion: %v %v", done, err)
	}
	if _, ok, err := db.NextDelivery(t.Context(), time.Time{}, nil); ok || err != nil {
		t.Fatalf("something is still due: %v %v", ok, err)
	}
	if _, err := db.History().Delivery(t.Context(), "ws_b", put.ID); core.KindOf(err) != core.NotFound {
		t.Fatalf("another workspace sees it: %v", err)
	}
}

// An attempt that lost its lease cannot complete, fail or repeat the delivery.
func TestOnlyTheRunningAttemptCounts(t *testing.T) {
	db := deliveriesDB(t)
	put(t, db, "ws_a", noon)
	first := claim(t, db, noon, "", nil, 1)[0]
	second := claim(t, db, noon.Add(31*time.Second), "", nil, 1)[0] // the lease has ended
	if second.ID != first.ID || second.Attempt != 2 {
		t.Fatalf("second claim: %+v", second)
	}
	if err := complete(t, db, first); core.KindOf(err) != core.Stale {
		t.Fatalf("the first attempt completed it: %v", err)
	}
	if err := db.RetryDelivery(t.Context(), first, noon, "late"); err != nil {
		t.Fatal(err)
	}
	if err := db.SetAsideDelivery(t.Context(), first, "late"); err != nil {
		t.Fatal(err)
	}
	if err := complete(t, db, second); err != nil {
		t.Fatalf("the second attempt cannot complete it: %v", err)
	}
	if err := complete(t, db, second); core.KindOf(err) != core.Stale {
		t.Fatalf("completed twice: %v", err)
	}
}

func TestClaimsGoInTurnAmongWorkspaces(t *testing.T) {
	db := deliveriesDB(t)
	for range 100 {
		put(t, db, "ws_b", noon.Add(-time.Hour)) // a storm, and older than the others
	}
	for _, ws := range []core.WorkspaceID{"ws_a", "ws_c"} {
		put(t, db, ws, noon)
		put(t, db, ws, noon)
	}
	put(t, db, "ws_d", noon.Add(time.Hour)) // not due
	var order []string
	after := core.WorkspaceID("ws_a")
	for range 6 {
		d := claim(t, db, noon, after, nil, 1)[0]
		after = d.Workspace
		order = append(order, string(after))
	}
	if got, want := strings.Join(order, " "), "ws_b ws_c ws_a ws_b ws_c ws_a"; got != want {
		t.Fatalf("turns: %s, want %s", got, want)
	}
	if got := claim(t, db, noon, after, []core.WorkspaceID{"ws_b"}, 8); len(got) != 0 {
		t.Fatalf("claimed %v of a busy workspace", got)
	}
	if _, ok, _ := db.NextDelivery(t.Context(), time.Time{}, []core.WorkspaceID{"ws_b"}); !ok {
		t.Fatal("the later deliveries of the others are forgotten")
	}
}

func TestClaimTakesOneOfEachWorkspace(t *testing.T) {
	db := deliveriesDB(t)
	for _, ws := range []core.WorkspaceID{"ws_a", "ws_b", "ws_c"} {
		put(t, db, ws, noon)
		put(t, db, ws, noon)
	}
	var got []string
	for _, d := range claim(t, db, noon, "ws_b", nil, 8) {
		got = append(got, string(d.Workspace))
	}
	if want := []string{"ws_c", "ws_a", "ws_b"}; !slices.Equal(got, want) {
		t.Fatalf("claimed %v, want %v", got, want)
	}
}

// TestFault02_RecoverAfterACrash: a delivery a dead process was running is due
// at once, and one that has had all its attempts doesn't take this server down
// as well.
func TestFault02_RecoverAfterACrash(t *testing.T) {
	db := deliveriesDB(t)
	d := put(t, db, "ws_a", noon)
	now := noon
	for attempt := 1; attempt <= 3; attempt++ {
		got := claim(t, db, now, "", nil, 1)
		if len(got) != 1 || got[0].Attempt != attempt {
			t.Fatalf("claim %d after a crash: %+v", attempt, got)
		}
		now = now.Add(time.Second) // far from the end of the lease
		if err := db.RecoverDeliveries(t.Context(), now, 3); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.History().Delivery(t.Context(), "ws_a", d.ID)
	if err != nil || got.State != core.DeliverySetAside || got.LastError == "" {
		t.Fatalf("after three crashes: %+v %v", got, err)
	}
}

func TestCancelOnlyWhatHasNotBegun(t *testing.T) {
	db := deliveriesDB(t)
	pending, running := put(t, db, "ws_a", noon.Add(time.Hour)), put(t, db, "ws_a", noon)
	claim(t, db, noon, "", nil, 1)
	cancel := func(ws core.WorkspaceID, c core.CancelDelivery) {
		write(t, db, func(ctx context.Context, tx *sql.Tx) error { return cancelDelivery(ctx, tx, ws, c) })
	}
	cancel("ws_b", core.CancelDelivery{ID: pending.ID, Install: "ins_1"})
	cancel("ws_a", core.CancelDelivery{ID: pending.ID, Install: "ins_2"})
	if _, err := db.History().Delivery(t.Context(), "ws_a", pending.ID); err != nil {
		t.Fatalf("cancelled by a stranger: %v", err)
	}
	cancel("ws_a", core.CancelDelivery{ID: pending.ID, Install: "ins_1"})
	cancel("ws_a", core.CancelDelivery{ID: running.ID, Install: "ins_1"})
	if _, err := db.History().Delivery(t.Context(), "ws_a", pending.ID); core.KindOf(err) != core.NotFound {
		t.Fatalf("not cancelled: %v", err)
	}
	if _, err := db.History().Delivery(t.Context(), "ws_a", running.ID); err != nil {
		t.Fatalf("a running one was cancelled: %v", err)
	}
}

// The queries behind the claimer read index entries, not the table: otherwise
// every claim would cost what all deliveries ever made do.
func TestClaimsUseTheirIndexes(t *testing.T) {
	db := deliveriesDB(t)
	for query, args := range map[string][]any{
		turnQuery: {"", 0, "[]", 1},
		"SELECT due FROM deliveries WHERE due IS NOT NULL AND workspace NOT IN (SELECT value FROM json_each(?)) ORDER BY due LIMIT 1": {"[]"},
	} {
		rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		plan, err := collect(rows, err, func(s scanner) (line string, err error) {
			var ignored any
			return line, s.Scan(&ignored, &ignored, &ignored, &line)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range plan {
			if (strings.Contains(line, "deliveries") || strings.HasPrefix(line, "SEARCH d") || strings.HasPrefix(line, "SCAN d")) && !strings.Contains(line, "INDEX deliveries_") {
				t.Errorf("without an index: %s", line)
			}
		}
		if len(plan) == 0 {
			t.Error("no plan")
		}
	}
}

// Counting what waits must not read what waits: a call that schedules a job
// would cost what all jobs before it do.
func TestWaitingJobsAreCountedInTheirIndex(t *testing.T) {
	db := deliveriesDB(t)
	rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+waitingQuery, "ws_a", "ins_1")
	plan, err := collect(rows, err, func(s scanner) (line string, err error) {
		var ignored any
		return line, s.Scan(&ignored, &ignored, &ignored, &line)
	})
	if want := "COVERING INDEX deliveries_waiting"; err != nil || len(plan) != 1 || !strings.Contains(plan[0], want) {
		t.Errorf("the plan is %q, %v; want %s", plan, err, want)
	}
}

func TestWaitingEventsAreFoundInTheirIndex(t *testing.T) {
	db := deliveriesDB(t)
	rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+listeningQuery, "ws_a", "ins_1", 1)
	plan, err := collect(rows, err, func(s scanner) (line string, err error) {
		var ignored any
		return line, s.Scan(&ignored, &ignored, &ignored, &line)
	})
	if want := "INDEX deliveries_listening"; err != nil || !strings.Contains(strings.Join(plan, "\n"), want) {
		t.Errorf("the plan is %q, %v; want %s", plan, err, want)
	}
}

// The migrations that make the table anew keep what is in it.
func TestDeliveriesSurviveTheirMigrations(t *testing.T) {
	db := deliveriesDB(t)
	put(t, db, "ws_a", noon)
	put(t, db, "ws_b", noon.Add(time.Hour))
	for _, d := range claim(t, db, noon, "", nil, 1) {
		if err := complete(t, db, d); err != nil {
			t.Fatal(err)
		}
	}
	const before7 = "workspace, id, install, event, handler, payload, state, attempt, due, hop, last_error, created"
	rows := func() string {
		rows, err := db.write.QueryContext(t.Context(), "SELECT "+before7+" FROM deliveries ORDER BY id")
		list, err := collect(rows, err, func(s scanner) (string, error) {
			var columns [12]sql.NullString
			into := make([]any, len(columns))
			for i := range columns {
				into[i] = &columns[i]
			}
			err := s.Scan(into...)
			return fmt.Sprint(columns), err
		})
		if err != nil || len(list) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
		return fmt.Sprint(list)
	}
	before := rows()
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(database.DialectSQLite3, db.write, sub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if rows() != before {
		t.Errorf("after going back:\n%s, want\n%s", rows(), before)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows() != before {
		t.Errorf("after going on:\n%s, want\n%s", rows(), before)
	}
}
