package sqlite

import (
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// platform is all that the suites ask of this database.
type platform struct {
	store.Backend
	*DB
	History
}

func openPlatform(t *testing.T) platform {
	t.Helper()
	db := openTest(t)
	return platform{db.Documents(), db, db.History()}
}

func TestPlatform(t *testing.T) {
	storetest.RunPlatform(t, func(t *testing.T) storetest.Platform { return openPlatform(t) })
}

func TestDeliveries(t *testing.T) {
	storetest.RunDeliveries(t, false, func(t *testing.T) storetest.Deliveries { return openPlatform(t) })
}

// TestAttack56_AStormOfEventsIsBounded: two plugins that answer each event with
// many don't fill the disk.
func TestAttack56_AStormOfEventsIsBounded(t *testing.T) { storetest.Storm(t, openPlatform(t)) }

// global are the tables that hold no workspace's data. A new table has a column
// named workspace, or belongs here.
var global = []string{"accounts", "catalog", "goose_db_version", "secret_keys", "sessions", "setup", "sqlite_sequence", "workspaces"}

// Rows implements storetest.Platform.
func (p platform) Rows(t testing.TB, ws core.WorkspaceID) map[string]int {
	t.Helper()
	scoped := map[string]bool{}
	each(t, p.DB, `SELECT t.name, EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'workspace')
		FROM sqlite_schema t WHERE t.type = 'table'`, func(scan func(...any) error) error {
		var name string
		var has bool
		err := scan(&name, &has)
		scoped[name] = has
		return err
	})
	rows := map[string]int{}
	for name, has := range scoped {
		if !has {
			if !slices.Contains(global, name) {
				t.Errorf("the table %s has no column named workspace: add one, or add the table to the global ones", name)
			}
			continue
		}
		var n int
		if err := p.read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+name+" WHERE workspace = ?", ws).Scan(&n); err != nil {
			t.Fatal(err)
		}
		rows[name] = n
	}
	return rows
}
