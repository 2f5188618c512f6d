package workspace_test

import (
	"context"
	"os"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/sqlite"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// database is what these tests ask of either store.
type database interface {
	workspace.InstallationStore
	CreateAccount(ctx context.Context, a core.Account) error
	UsageSums(ctx context.Context, ws core.WorkspaceID) ([]core.UsageSum, error)
	Resumed() <-chan struct{}
	Documents() store.Backend
	Close() error
}

// history is what they look at of what happened.
type history interface {
	Events(ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) ([]core.Event, error)
	DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error)
}

// open opens an empty database: a file, or a Postgres when that is chosen.
func open(t *testing.T) (db database, past history) {
	t.Helper()
	if url := pgtest.Chosen(t); url != "" {
		pg, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		db, past = pg, pg.History()
	} else {
		file, err := sqlite.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		db, past = file, file.History()
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, past
}
