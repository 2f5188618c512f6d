package postgres

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestACommitLooksAtNoMoreInALargeWorkspace: what a commit looks at is what it is
// about, even with plans that were made when the database was empty, or when all that
// Postgres knew was that workspaces have a document each.
func TestACommitLooksAtNoMoreInALargeWorkspace(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("statistics=%t", known), func(t *testing.T) {
			d := openGrowing(t)
			if known {
				d.others(t, 2_000)
				d.exec(t, "ANALYZE")
			}
			small := d.changeAll(t)
			d.grow(t, 20_000)
			large := d.changeAll(t)
			t.Logf("60 documents: %d pages in a small workspace, %d in a large one", small, large)
			if small < 60 || large > 3*small { // in a large index a place is two pages further down
				t.Error("a commit looks at what it isn't about")
			}
			if err := checkPlansOf(t.Context(), t, d.writer); err != nil {
				t.Error(err)
			}
		})
	}
}

// BenchmarkChange measures units that change documents, in a workspace of few and of
// many, with the plans that were made when it had none.
func BenchmarkChange(b *testing.B) {
	d := openGrowing(b)
	for _, rows := range []int{64, 50_000} {
		d.grow(b, rows-64)
		for _, changed := range []int{1, 20, 64} {
			b.Run(fmt.Sprintf("documents=%d/changed=%d", rows, changed), func(b *testing.B) {
				for b.Loop() {
					d.change(b, d.docs[:changed])
				}
			})
		}
	}
}

// growing is a database with a workspace whose commits come from one connection, which
// keeps the plans it made first.
type growing struct {
	store.Backend
	superuser *pgx.Conn
	writer    *pgxpool.Conn
	ws        core.WorkspaceID
	docs      []core.DocumentID
	written   int   // bodies
	pages     int64 // of tables and indexes that the last commit looked at
}

func openGrowing(t testing.TB) *growing {
	t.Helper()
	url := pgtest.Open(t)
	db := openURL(t, url)
	d := &growing{Backend: db.Documents(), ws: core.NewWorkspaceID()}
	var err error
	if d.superuser, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.superuser.Close(context.Background()) }) //nolint:errcheck // before its database
	if d.writer, err = db.writes.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.writer.Release)
	d.exec(t, "SET search_path = "+schema)
	for _, table := range []string{"documents", "entries", "unique_entries"} {
		d.exec(t, "ALTER TABLE "+table+" SET (autovacuum_enabled = off)") // of which plans are made anew
	}
	d.insert(t, 64)
	d.change(t, d.docs[:1])
	return d
}

func (d *growing) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := d.superuser.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(query, err)
	}
}

// grow adds copies of a document to the workspace, with entries like its own.
func (d *growing) grow(t testing.TB, copies int) {
	t.Helper()
	const copied = "left(id, -6) || to_char(n, 'FM000000') FROM generate_series(1, $3) n, "
	of := []any{string(d.ws), string(d.docs[0]), copies}
	d.exec(t, "INSERT INTO documents (workspace, tbl, version, schema, body, created, updated, id)"+
		" SELECT workspace, tbl, version, schema, body, created, updated, "+copied+"documents WHERE workspace = $1 AND id = $2", of...)
	for _, table := range []string{"entries", "unique_entries"} {
		d.exec(t, "INSERT INTO "+table+" (workspace, idx, key, id) SELECT workspace, idx, key || int4send(n), "+copied+table+
			" WHERE workspace = $1 AND id = $2", of...)
	}
}

// others copies a document into other workspaces.
func (d *growing) others(t testing.TB, workspaces int) {
	t.Helper()
	const copied = "workspace || n FROM generate_series(1, $3) n, "
	of := []any{string(d.ws), string(d.docs[0]), workspaces}
	d.exec(t, "INSERT INTO documents (tbl, id, version, schema, body, created, updated, workspace)"+
		" SELECT tbl, id, version, schema, body, created, updated, "+copied+"documents WHERE workspace = $1 AND id = $2", of...)
	for _, table := range []string{"entries", "unique_entries"} {
		d.exec(t, "INSERT INTO "+table+" (idx, key, id, workspace) SELECT idx, key, id, "+copied+table+" WHERE workspace = $1 AND id = $2", of...)
	}
}

// changeAll inserts twenty documents, changes as many and deletes as many in one unit,
// and returns how many pages its commit looked at.
func (d *growing) changeAll(t testing.TB) (pages int64) {
	t.Helper()
	d.unit(t, func(u *store.Unit) {
		changed, deleted := d.docs[:20], d.docs[len(d.docs)-20:]
		d.docs = d.docs[:len(d.docs)-20]
		d.insertIn(t, u, 20)
		d.changeIn(t, u, changed)
		for _, id := range deleted {
			if err := u.Delete(t.Context(), "contacts", id, 0); err != nil {
				t.Fatal(err)
			}
		}
	})
	return d.pages
}

func (d *growing) insert(t testing.TB, documents int) {
	t.Helper()
	d.unit(t, func(u *store.Unit) { d.insertIn(t, u, documents) })
}

func (d *growing) insertIn(t testing.TB, u *store.Unit, documents int) {
	t.Helper()
	for range documents {
		doc, err := u.Insert(t.Context(), "contacts", d.body())
		if err != nil {
			t.Fatal(err)
		}
		d.docs = append(d.docs, doc.ID)
	}
}

func (d *growing) change(t testing.TB, documents []core.DocumentID) {
	t.Helper()
	d.unit(t, func(u *store.Unit) { d.changeIn(t, u, documents) })
}

func (d *growing) changeIn(t testing.TB, u *store.Unit, documents []core.DocumentID) {
	t.Helper()
	for _, id := range documents {
		if _, err := u.Patch(t.Context(), "contacts", id, d.body(), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// body is a document's: each has another place in most indexes.
func (d *growing) body() []byte {
	d.written++
	return fmt.Appendf(nil, `{"name":"Contact %d","email":"c%[1]d@example.com","age":%[1]d}`, d.written)
}

func (d *growing) unit(t testing.TB, fill func(*store.Unit)) {
	t.Helper()
	u := store.New(d).Begin(d.ws, storetest.Scope())
	fill(u)
	if _, err := u.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Commit implements store.Backend.
func (d *growing) Commit(ctx context.Context, ws core.WorkspaceID, unit store.Batch) (int64, error) {
	p := newPending(nil)
	p.unit = &unit
	err := pgx.BeginFunc(ctx, d.writer, func(tx pgx.Tx) error {
		b := within(ws)
		b.asking = true // which looks at more
		if _, err := b.addNext(ws, []*pending{p}, 0); err != nil {
			return err
		}
		b.row(func(s scanner) error { return s.Scan(&d.pages) },
			"SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint FROM pg_class WHERE relnamespace = $1::regnamespace", schema)
		return b.send(ctx, "postgres.Commit", tx)
	})
	return p.seq, err
}
