package postgres

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// platform is all that the suites ask of this database.
type platform struct {
	store.Backend
	*DB
	History
	url       string
	superuser *pgx.Conn // sees every row
}

func openPlatform(t *testing.T) platform {
	t.Helper()
	url := pgtest.Open(t)
	db := openURL(t, url)
	t.Cleanup(func() { checkPlans(t, db) })
	return platform{db.Documents(), db, db.History(), url, connectAs(t, url, "")}
}

// connectAs makes a connection of its own to the tables, as the superuser or as
// one of the server's roles.
func connectAs(t testing.TB, url, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // the database is dropped
	statements := []string{"SET search_path = " + schema}
	if role != "" {
		statements = append(statements, "SET ROLE "+role)
	}
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

func TestPlatform(t *testing.T) {
	storetest.RunPlatform(t, func(t *testing.T) storetest.Platform { return openPlatform(t) })
}

func TestDeliveries(t *testing.T) {
	storetest.RunDeliveries(t, true, func(t *testing.T) storetest.Deliveries { return openPlatform(t) })
}

// TestAttack56_AStormOfEventsIsBounded: two plugins that answer each event with
// many don't fill the disk.
func TestAttack56_AStormOfEventsIsBounded(t *testing.T) { storetest.Storm(t, openPlatform(t)) }

// TestChangePassesOverADeadConnection: after the server has closed every
// connection, the first change is made all the same, and once.
func TestChangePassesOverADeadConnection(t *testing.T) {
	p := openPlatform(t)
	w := storetest.Fill(t, p)
	var gone int
	err := p.superuser.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000))"+
		" FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", roleTenant).Scan(&gone)
	if err != nil || gone == 0 {
		t.Fatalf("%d connections were closed, %v", gone, err)
	}
	asked := 0
	err = p.Change(t.Context(), w.ID, func(core.Access) ([]core.Change, error) {
		asked++
		return []core.Change{core.AppendAudit{Entry: core.AuditEntry{Action: "tested"}}}, nil
	})
	if err != nil || asked != 1 {
		t.Fatalf("decided %d times, %v", asked, err)
	}
	if list, _, err := p.Audit(t.Context(), w.ID, 0, 1); err != nil || len(list) != 1 || list[0].Action != "tested" {
		t.Errorf("%+v, %v", list, err)
	}
}

// Rows implements storetest.Platform.
func (p platform) Rows(t testing.TB, ws core.WorkspaceID) map[string]int {
	t.Helper()
	tables, err := p.workspaceTables(t.Context())
	if err != nil || !slices.Contains(tables, `"documents"`) {
		t.Fatalf("%v, %v", tables, err)
	}
	rows := map[string]int{}
	for _, table := range tables {
		var n int
		if err := p.superuser.QueryRow(t.Context(), "SELECT count(*) FROM "+table+" WHERE workspace = $1", ws).Scan(&n); err != nil {
			t.Fatal(err)
		}
		rows[table[1:len(table)-1]] = n
	}
	return rows
}
