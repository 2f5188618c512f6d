package postgres

import (
	"os"
	"testing"

	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func openTest(t testing.TB) *DB {
	t.Helper()
	return openURL(t, pgtest.Open(t))
}

func openURL(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), url)
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

// TestDocuments runs the suite of every backend.
func TestDocuments(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend {
		db := openTest(t)
		t.Cleanup(func() { checkPlans(t, db) })
		return db.Documents()
	})
}
