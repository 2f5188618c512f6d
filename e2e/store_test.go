package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// database returns the Postgres of a test's server, empty and its own; "" when the
// suite runs on the store that is built in. CARREL_E2E_STORE chooses.
func database(t *testing.T) string {
	t.Helper()
	switch store := os.Getenv("CARREL_E2E_STORE"); store {
	case "", "sqlite":
		return ""
	case "postgres":
		return pgtest.Open(t)
	default:
		t.Fatalf("CARREL_E2E_STORE is %q; it can be sqlite or postgres", store)
		return ""
	}
}

// aboutTheFile leaves a story out that is about the file of the store that is built in.
func aboutTheFile(t *testing.T) {
	t.Helper()
	if store := os.Getenv("CARREL_E2E_STORE"); store == "postgres" {
		t.Skip("about the file of the store that is built in")
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
