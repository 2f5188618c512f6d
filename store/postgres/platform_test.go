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
