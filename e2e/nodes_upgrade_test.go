package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// nextMigration is what the next version of the server does to the tables: it adds,
// as every migration must while the version before is at work. halfWay is a lock
// that a test may hold to see it half-way.
const (
	nextMigration = `-- +goose Up
CREATE TABLE next_version (id bigint PRIMARY KEY);
SELECT pg_advisory_xact_lock(` + halfWay + `);
ALTER TABLE deliveries ADD COLUMN next_version text NOT NULL DEFAULT '';
CREATE INDEX deliveries_next_version ON deliveries (workspace, next_version);
`
	halfWay = "4711"
)

// next builds the server's next version, once a test run: this source, with one
// more migration.
var next = sync.OnceValues(func() (string, error) {
	carrel, err := binary()
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(carrel)
	path, migration, overlay := filepath.Join(dir, "carrel-next"), filepath.Join(dir, "next.sql"), filepath.Join(dir, "next.json")
	added, err := filepath.Abs("../store/postgres/migrations/99999_next.sql")
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{added: migration}})
	if err != nil {
		return "", err
	}
	for path, content := range map[string][]byte{migration: []byte(nextMigration), overlay: replace} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return "", err
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", path, "../cmd/carrel").CombinedOutput(); err != nil {
		return "", &buildError{string(out), err}
	}
	return path, nil
})

// upgrade has a node start in the next version from now on.
func (n *nodes) upgrade(i int) {
	n.Helper()
	path, err := next()
	if err != nil {
		n.Fatal(err)
	}
	n.list[i].bin = path
}

// is asks the database something that is true or false.
func is(t *testing.T, db *sql.DB, question string) (yes bool) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT "+question).Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}

// migrated is whether the tables are the next version's, all of them.
const migrated = `to_regclass('carrel.next_version') IS NOT NULL AND EXISTS (SELECT FROM information_schema.columns
	WHERE table_schema = 'carrel' AND table_name = 'deliveries' AND column_name = 'next_version')`

// openDatabase connects to the database behind the nodes' backs.
func openDatabase(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestFault15_RollingRestartOfTwoVersions: one node after the other is restarted in
// the next version, under load. The first brings the tables up to date while the
// other writes to them; both versions work side by side; and the older one still
// starts on the newer one's tables, should somebody think better of it.
func TestFault15_RollingRestartOfTwoVersions(t *testing.T) {
	t.Parallel()
	url := pgtest.Open(t)
	db := openDatabase(t, url)
	n := newNodes(t, two(url), "crm", "hostile/pong")
	load := n.load(2, n.workspace("Acme", "crm", "pong"), n.workspace("Beta", "crm", "pong"))
	both := func() {
		n.Helper()
		n.answers(0, 10)
		n.answers(1, 10)
	}
	both()
	n.upgrade(0)
	if is(t, db, migrated) {
		t.Fatal("the tables are the next version's before it began: nothing is shown")
	}
	n.stop(0)
	n.start(0)
	if !is(t, db, migrated) {
		t.Error("the next version did not bring the tables up to date")
	}
	both()
	n.stop(1)
	n.start(1) // the older one
	both()
	n.upgrade(1)
	n.stop(1)
	n.start(1)
	both()
	load.stop()
	for status, times := range load.refused() {
		if status != 0 { // a node that is not there
			t.Errorf("%d tries were answered with %d", times, status)
		}
	}
	load.check()
}

// TestFault16_KilledHalfWayInAMigration: the node that brings the tables up to date
// is killed in the middle of it. Nothing of it is left, the older node goes on, and
// the next start does all of it.
func TestFault16_KilledHalfWayInAMigration(t *testing.T) {
	t.Parallel()
	url := pgtest.Open(t)
	db := openDatabase(t, url)
	n := newNodes(t, two(url), "crm", "hostile/pong")
	load := n.load(2, n.workspace("Acme", "crm", "pong"))
	n.upgrade(0)
	n.use(1)
	n.stop(0)

	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(context.Background(), "SELECT pg_advisory_lock("+halfWay+")"); err != nil {
		t.Fatal(err)
	}
	starting := n.list[0].command()
	if err := starting.Start(); err != nil {
		t.Fatal(err)
	}
	n.list[1].world().until("the migration is not half-way", func() bool {
		return is(t, db, "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = "+halfWay+" AND NOT granted)")
	})
	n.answers(1, 10)
	if err := starting.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	starting.Wait() //nolint:errcheck // it was killed
	if _, err := lock.ExecContext(context.Background(), "SELECT pg_advisory_unlock("+halfWay+")"); err != nil {
		t.Fatal(err)
	}
	n.answers(1, 10)
	if is(t, db, "to_regclass('carrel.next_version') IS NOT NULL") {
		t.Error("a part of the migration is there")
	}
	n.start(0)
	if !is(t, db, migrated) {
		t.Error("the next start did not do the migration")
	}
	n.use(0, 1)
	n.answers(0, 10)
	n.answers(1, 10)
	load.stop()
	load.check()
}
