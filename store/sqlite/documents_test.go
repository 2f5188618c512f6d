package sqlite

import (
	"testing"

	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

func openTest(t testing.TB) *DB {
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

// TestDocuments runs the suite of every backend; after each part, the index
// entries must be those of the documents that are left.
func TestDocuments(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend {
		db := openTest(t)
		t.Cleanup(func() { checkEntries(t, db) })
		return db.Documents()
	})
}
