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
		return putDeliveries(ctx, session{tx: tx, statements: db.writeStatements}, ws, []core.PutDelivery{{Delivery: d}})
	})
	return d
}

func claim(t *testing.T, db *DB, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, limit int) []core.Delivery {
	t.Helper()
	claimed, err := db.ClaimDeliveries(t.Context(), now, now.Add(30*time.Second), after, busy, 1, limit)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func complete(t *testing.T, db *DB, d core.Delivery) error {
	t.Helper()
	return db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return completeDelivery(ctx, session{tx: tx, statements: db.writeStatements}, d.Workspace, core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt})
	})
}

// What is found due may be cancelled before it is claimed; what is due behind it
// is claimed all the same. Nobody else would wake the claimer for it.
func TestACancelledDeliveryHidesNoOther(t *testing.T) {
	db := openTest(t)
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

// The queries behind the claimer read index entries, not the table: otherwise
// every claim would cost what all deliveries ever made do.
func TestClaimsUseTheirIndexes(t *testing.T) {
	db := openTest(t)
	for query, args := range map[string][]any{
		turnQuery:  {"", 0, "[]", 1},
		ripeQuery:  {0},
		ripenQuery: {0, 1},
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
			if (strings.Contains(line, "deliveries") || strings.HasPrefix(line, "SEARCH d") || strings.HasPrefix(line, "SCAN d")) && !strings.Contains(line, "INDEX deliveries_") && !strings.Contains(line, "(rowid=?)") {
				t.Errorf("without an index: %s", line)
			}
		}
		if len(plan) == 0 {
			t.Error("no plan")
		}
	}
}

// Whoever only waits for a later time is not on the way of those who look for whose
// turn it is: with a schedule in each of many workspaces, it would have no end.
func TestOnlyWhatIsDueIsOnTheWayOfTurns(t *testing.T) {
	db := openTest(t)
	later := put(t, db, "ws_a", noon.Add(time.Hour))
	put(t, db, "ws_b", noon)
	put(t, db, "ws_c", noon)
	running := claim(t, db, noon, "ws_b", nil, 1)
	onTheWay := func() (list []string) {
		each(t, db, "SELECT workspace FROM deliveries INDEXED BY deliveries_turn WHERE due IS NOT NULL AND later = 0",
			func(scan func(...any) error) error {
				var ws string
				err := scan(&ws)
				list = append(list, ws)
				return err
			})
		return list
	}
	if got := onTheWay(); !slices.Equal(got, []string{"ws_b"}) {
		t.Errorf("%v are on the way besides what waits, %s and %s", got, later.ID, running[0].ID)
	}
	if more, err := db.ripen(t.Context(), noon.Add(time.Hour)); err != nil || more {
		t.Fatal(err)
	}
	if got := onTheWay(); len(got) != 3 {
		t.Errorf("an hour later %v are on the way, want all", got)
	}
	// A restored file says of nothing that it waits.
	if err := db.RecoverDeliveries(t.Context(), noon, 8); err != nil {
		t.Fatal(err)
	}
	if got := onTheWay(); !slices.Equal(got, []string{"ws_b", "ws_c"}) {
		t.Errorf("after a start %v are on the way, want those that are due", got)
	}
}

// Counting what waits must not read what waits: a call that schedules a job
// would cost what all jobs before it do.
func TestWaitingJobsAreCountedInTheirIndex(t *testing.T) {
	db := openTest(t)
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
	db := openTest(t)
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
	db := openTest(t)
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
