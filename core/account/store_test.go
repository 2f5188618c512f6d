package account_test

import (
	"os"
	"testing"

	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/sqlite"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// database is what these tests ask of either store.
type database interface {
	account.Store
	Close() error
}

// open opens an empty database: a file in dir, or a Postgres when that is chosen.
func open(t *testing.T, dir string) (db database) {
	t.Helper()
	var err error
	if url := pgtest.Chosen(t); url != "" {
		db, err = postgres.Open(t.Context(), url)
	} else {
		db, err = sqlite.Open(t.Context(), dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // a test may have closed it
	return db
}

// folder returns where the database of open(t, dir) is kept.
func folder(t *testing.T, dir string) string {
	t.Helper()
	if os.Getenv("CARREL_TEST_STORE") == "postgres" {
		return pgtest.Folder(t)
	}
	return dir
}
