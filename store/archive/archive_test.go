package archive_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/sqlite"
	"github.com/carrel-dev/carrel/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// place is a database of either kind, by its folder or its URL.
type place struct {
	t        testing.TB
	dir, url string
}

// kinds make an empty place of each kind.
var kinds = map[string]func(t testing.TB) place{
	"sqlite":   func(t testing.TB) place { return place{t: t, dir: t.TempDir()} },
	"postgres": func(t testing.TB) place { return place{t: t, url: pgtest.Open(t)} },
}

// onEach runs a test on each kind of database.
func onEach(t *testing.T, test func(t *testing.T, empty func() place)) {
	for name, empty := range kinds {
		t.Run(name, func(t *testing.T) { test(t, func() place { return empty(t) }) })
	}
}

func (p place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(core.MessageOf(err), err)
	}
}

// use opens the database as a server does, for as long as fn runs.
func (p place) use(fn func(storetest.Platform)) {
	p.t.Helper()
	if p.url != "" {
		db, err := postgres.Open(p.t.Context(), p.url)
		p.must(err)
		fn(onPostgres{db.Documents(), db, db.History(), p})
		p.must(db.Close())
		return
	}
	db, err := sqlite.Open(p.t.Context(), p.dir)
	p.must(err)
	fn(onSQLite{db.Documents(), db, db.History(), p})
	p.must(db.Close())
}

type onSQLite struct {
	store.Backend
	*sqlite.DB
	sqlite.History
	place
}

type onPostgres struct {
	store.Backend
	*postgres.DB
	postgres.History
	place
}

// Rows implements storetest.Platform.
func (p place) Rows(_ testing.TB, ws core.WorkspaceID) map[string]int {
	n := map[string]int{}
	for _, t := range archive.Tables {
		if t.Workspace != "" {
			n[t.Name] = len(p.table(t, ws))
		}
	}
	return n
}

func (p place) snapshot() archive.Snapshot {
	p.t.Helper()
	if p.url != "" {
		s, err := postgres.Snapshot(p.t.Context(), p.url)
		p.must(err)
		return s
	}
	s, err := sqlite.Snapshot(p.t.Context(), p.dir)
	p.must(err)
	return s
}

// table lists the rows of a table.
func (p place) table(t archive.Table, ws core.WorkspaceID) (rows []string) {
	p.t.Helper()
	s := p.snapshot()
	p.must(s.Rows(p.t.Context(), t, ws, func(row archive.Row) error {
		rows = append(rows, fmt.Sprintf("%#v", []any(row)))
		return nil
	}))
	p.must(s.Close())
	return rows
}

// all is every row of every table.
func (p place) all() map[string][]string {
	p.t.Helper()
	rows := map[string][]string{}
	for _, t := range archive.Tables {
		rows[t.Name] = p.table(t, "")
	}
	return rows
}

func (p place) begin(ws core.WorkspaceID) (archive.Transaction, error) {
	if p.url != "" {
		return postgres.Begin(p.t.Context(), p.url, ws)
	}
	return sqlite.Begin(p.t.Context(), p.dir, ws)
}

// backup writes an archive of all.
func (p place) backup() (file string, m archive.Manifest) {
	p.t.Helper()
	file = filepath.Join(p.t.TempDir(), "backup.tar")
	w, err := archive.Create(file)
	p.must(err)
	s := p.snapshot()
	p.must(archive.Backup(p.t.Context(), w, s, &m, nil))
	p.must(s.Close())
	_, err = w.Finish(&m)
	p.must(err)
	return file, m
}

// read opens a good archive.
func (p place) read(file string) *archive.Reader {
	p.t.Helper()
	r, err := archive.Open(file)
	p.must(err)
	p.t.Cleanup(func() { r.Close() }) //nolint:errcheck // it was read
	p.must(r.Verify(p.t.Context(), func(archive.Member) {}))
	return r
}

// anyKey has every key.
func anyKey(string) bool { return true }

// change runs fn in a transaction, and commits it unless it fails.
func (p place) change(ws core.WorkspaceID, fn func(archive.Transaction) error) error {
	p.t.Helper()
	to, err := p.begin(ws)
	if err != nil {
		return err
	}
	if err = fn(to); err == nil {
		err = to.Commit(p.t.Context())
	}
	return errors.Join(err, to.Close())
}

func (p place) restore(file string) error {
	p.t.Helper()
	r := p.read(file)
	return p.change("", func(to archive.Transaction) error {
		return archive.Restore{HasKey: anyKey}.All(p.t.Context(), r, to)
	})
}

// filled is a database with three workspaces in it, and rows in every table.
func filled(t testing.TB, p place) (workspaces []core.Workspace) {
	t.Helper()
	p.use(func(db storetest.Platform) {
		for range 3 {
			workspaces = append(workspaces, storetest.Fill(t, db))
		}
		p.must(db.PutSecretKey(t.Context(), "0123456789abcdef", core.KeyComplete))
	})
	return workspaces
}

// same wants two databases to have the same rows.
func same(t testing.TB, got, want map[string][]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, strings.Join(got[name], "\n"), strings.Join(want[name], "\n"))
		}
	}
}

// A backup of one kind of database is restored into the other and back, and every
// table is the same, byte for byte; and so are the archives' members.
func TestARestoreIsTheSameOnEitherDatabase(t *testing.T) {
	first := kinds["sqlite"](t)
	filled(t, first)
	want := first.all()
	for name, rows := range want {
		if len(rows) == 0 {
			t.Errorf("%s has no row, so nobody sees whether it is restored", name)
		}
	}
	file, made := first.backup()
	for _, kind := range []string{"postgres", "sqlite"} {
		next := kinds[kind](t)
		next.must(next.restore(file))
		same(t, next.all(), want)
		var again archive.Manifest
		file, again = next.backup()
		for i, member := range again.Members {
			if made.Members[i].SHA256 != member.SHA256 || made.Members[i].Rows != member.Rows {
				t.Errorf("on %s %s is another member", kind, member.Name)
			}
		}
		// And it goes on: what gets numbers gets new ones.
		next.use(func(db storetest.Platform) { storetest.Fill(t, db) })
		for _, table := range archive.Tables {
			if now := len(next.table(table, "")); table.Workspace != "" && now <= len(want[table.Name]) {
				t.Errorf("on %s %s has %d rows after another workspace, and had %d", kind, table.Name, now, len(want[table.Name]))
			}
		}
	}
}

// A database that isn't empty is left as it is, and so is one whose key is missing.
func TestWhatIsThereIsNotReplaced(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		filled(t, p)
		file, _ := p.backup()
		before := p.all()
		err := p.restore(file)
		if core.KindOf(err) != core.Exists || !strings.Contains(core.MessageOf(err), "workspaces (3)") {
			t.Errorf("restored over what is there: %v", err)
		}
		same(t, p.all(), before)

		other := empty()
		other.use(func(storetest.Platform) {}) // its schema
		nothing := other.all()
		r := other.read(file)
		for lost, kind := range map[bool]core.Kind{false: core.Unavailable, true: ""} {
			err := other.change("", func(to archive.Transaction) error {
				err := archive.Restore{HasKey: func(string) bool { return false }, KeyLost: lost}.All(t.Context(), r, to)
				if err == nil {
					err = errUndone
				}
				return err
			})
			if lost && !errors.Is(err, errUndone) || !lost && (core.KindOf(err) != kind || !strings.Contains(core.MessageOf(err), "0123456789abcdef")) {
				t.Errorf("without the key, given up %t: %v", lost, err)
			}
			same(t, other.all(), nothing)
		}
	})
}

var errUndone = errors.New("undone")

// While servers use the database, it isn't restored into.
func TestARestoreIsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		p.use(func(storetest.Platform) {
			if to, err := p.begin(""); core.KindOf(err) != core.Unavailable {
				if err == nil {
					p.must(to.Close())
				}
				t.Errorf("it begins beside a server: %v", err)
			}
		})
	})
}

// What isn't text in UTF-8 survives where the database keeps it.
func TestBytesThatAreNoText(t *testing.T) {
	p := kinds["sqlite"](t)
	filled(t, p)
	p.must(p.change("ws", func(to archive.Transaction) error {
		return to.Insert(t.Context(), archive.Tables[0], []archive.Row{{"acc_x", "x@example.com", "a\xff\x00\u2028<", "", false, int64(1)}})
	}))
	want := p.all()
	file, _ := p.backup()
	back := kinds["sqlite"](t)
	back.must(back.restore(file))
	same(t, back.all(), want)
	onPostgres := kinds["postgres"](t)
	onPostgres.must(onPostgres.restore(file))
	if n := len(onPostgres.all()["accounts"]); n != len(want["accounts"]) {
		t.Errorf("%d accounts, want %d", n, len(want["accounts"]))
	}
}
