package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// aboutTheFile leaves a story out that is about the file of the store that is built in.
func aboutTheFile(t *testing.T) {
	t.Helper()
	if os.Getenv("CARREL_TEST_STORE") == "postgres" {
		t.Skip("about the file of the store that is built in")
	}
}

// elsewhere leaves a story out of the run on Postgres that is told of several nodes
// there, or always there: they are killed and start again in nodes_fault_test.go.
func elsewhere(t *testing.T) {
	t.Helper()
	if os.Getenv("CARREL_TEST_STORE") == "postgres" {
		t.Skip("part of the run on the store that is built in")
	}
}

// sameOnBoth leaves a story out of the suite's run on Postgres that is the same in
// the other: it chooses its store itself.
func sameOnBoth(t *testing.T) {
	t.Helper()
	if os.Getenv("CARREL_TEST_STORE") == "postgres" {
		t.Skip("it chooses its store itself: run it without CARREL_TEST_STORE")
	}
}

// exec changes the database behind the server's back. ? stands for an argument.
func (w *world) exec(statement string, args ...any) {
	w.Helper()
	driver, source := "sqlite", filepath.Join(w.dir, "carrel.db")+"?_pragma=busy_timeout(10000)"
	if w.db != "" {
		driver, source = "pgx", w.db+"&search_path=carrel"
		for n := 1; strings.Contains(statement, "?"); n++ {
			statement = strings.Replace(statement, "?", "$"+strconv.Itoa(n), 1)
		}
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	done, err := db.Exec(statement, args...)
	if err != nil {
		w.Fatal(err)
	}
	if rows, err := done.RowsAffected(); err != nil || rows == 0 {
		w.Fatalf("%s: %d rows, %v", statement, rows, err)
	}
}
