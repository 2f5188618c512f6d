package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestAttack02_AQueryWithoutItsFilterFindsNothing: whatever a statement leaves
// out, the tenant's role reads and changes the rows of the transaction's
// workspace, and without one none at all.
func TestAttack02_AQueryWithoutItsFilterFindsNothing(t *testing.T) {
	p := openPlatform(t)
	a, b := storetest.Fill(t, p), storetest.Fill(t, p)
	rows := p.Rows(t, a.ID)
	rows["workspaces"] = 1
	tenant := connectAs(t, p.url, roleTenant)
	for name, table := range tables {
		if table.shared {
			continue
		}
		col := column(name)
		transact(t, tenant, "", func(tx pgx.Tx) {
			if n := list(t, tx, "SELECT count(*)::text FROM "+name); n[0] != "0" {
				t.Errorf("%s: %s rows without a workspace", name, n)
			}
		})
		transact(t, tenant, a.ID, func(tx pgx.Tx) {
			if of := list(t, tx, "SELECT DISTINCT "+col+" FROM "+name); !slices.Equal(of, []string{string(a.ID)}) {
				t.Errorf("%s: rows of %v", name, of)
			}
		})
		transact(t, tenant, a.ID, func(tx pgx.Tx) {
			tag, err := tx.Exec(t.Context(), "DELETE FROM "+name)
			if err != nil || tag.RowsAffected() != int64(rows[name]) {
				t.Errorf("%s: deleted %d rows, %v; the workspace has %d", name, tag.RowsAffected(), err, rows[name])
			}
		})
		if strings.Contains(table.tenant, "UPDATE") {
			transact(t, tenant, a.ID, func(tx pgx.Tx) {
				_, err := tx.Exec(t.Context(), "UPDATE "+name+" SET "+col+" = $1", b.ID)
				wantsRefusal(t, name+": a row passes to another workspace", err)
			})
		}
		if strings.Contains(table.tenant, "INSERT") {
			row := list(t, p.superuser, "SELECT to_jsonb(r)::text FROM "+name+" r WHERE "+col+" = $1 LIMIT 1", b.ID)
			columns := strings.Join(list(t, p.superuser, `SELECT quote_ident(attname) FROM pg_attribute
				WHERE attrelid = $1::regclass AND attnum > 0 AND attidentity = '' AND attgenerated = '' AND NOT attisdropped`, name), ", ")
			transact(t, tenant, a.ID, func(tx pgx.Tx) {
				_, err := tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, $1::jsonb)",
					name, columns), row[0])
				wantsRefusal(t, name+": a row is put into another workspace", err)
			})
		}
	}
	for ws, want := range map[core.WorkspaceID]int{"": 0, a.ID: 1} {
		transact(t, tenant, ws, func(tx pgx.Tx) {
			seen := list(t, tx, "SELECT id FROM accounts")
			if len(seen) != want || want == 1 && seen[0] != string(p.owner(t, a)) {
				t.Errorf("in %q the accounts %v are seen", ws, seen)
			}
		})
	}
}

func (p platform) owner(t testing.TB, w core.Workspace) core.AccountID {
	t.Helper()
	a, err := p.Access(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a.Members[0].Account
}

// transact runs fn in a transaction, of a workspace unless it is empty, and undoes it.
func transact(t testing.TB, conn *pgx.Conn, ws core.WorkspaceID, fn func(pgx.Tx)) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // it is not to stay
	if ws != "" {
		if _, err := tx.Exec(t.Context(), setWorkspace, string(ws)); err != nil {
			t.Fatal(err)
		}
	}
	fn(tx)
}

type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// list returns the one column of a query.
func list(t testing.TB, q querier, query string, args ...any) []string {
	t.Helper()
	rows, err := q.Query(t.Context(), query, stored(args)...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(query, err)
	}
	return found
}

// wantsRefusal wants row level security to have refused it.
func wantsRefusal(t testing.TB, what string, err error) {
	t.Helper()
	if refused, ok := asPgError(err); !ok || refused.Code != "42501" || !strings.Contains(refused.Message, "row-level security") {
		t.Errorf("%s: %v", what, err)
	}
}

// TestAttack03_NoWorkspaceIsLeftOnAConnection: on the only connection of a pool,
// a transaction that names no workspace has none, however the one before it ended.
func TestAttack03_NoWorkspaceIsLeftOnAConnection(t *testing.T) {
	p := openPlatform(t)
	w := storetest.Fill(t, p)
	config, err := pgxpool.ParseConfig(p.url)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := connect(t.Context(), config, roleTenant, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	// look counts documents, in a workspace unless it is empty; and says on which connection.
	look := func(ws core.WorkspaceID, then func(*batch)) (n, connection int, err error) {
		b := &batch{}
		if ws != "" {
			b = within(ws)
		}
		b.row(func(s scanner) error { return s.Scan(&n, &connection) }, "SELECT count(*), pg_backend_pid() FROM documents")
		if then != nil {
			then(b)
		}
		return n, connection, b.send(t.Context(), "postgres.Look", pool)
	}
	_, first, err := look("", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	inside := func(end func(pgx.Tx) error) func() error {
		return func() error {
			return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				b := within(w.ID)
				b.exec("SELECT FROM documents")
				if err := b.send(t.Context(), "postgres.Look", tx); err != nil {
					return err
				}
				return end(tx)
			})
		}
	}
	for name, before := range map[string]func() error{
		"a batch": func() error {
			n, _, err := look(w.ID, nil)
			if n != 1 {
				t.Errorf("the workspace has %d documents", n)
			}
			return err
		},
		"a batch that fails": func() error {
			_, _, err := look(w.ID, func(b *batch) { b.must(gone, "DELETE FROM documents WHERE id = 'none'") })
			if !errors.Is(err, gone) {
				t.Errorf("the batch ended with %v", err)
			}
			return nil
		},
		"a transaction": inside(func(pgx.Tx) error { return nil }),
		"one that is undone": func() error {
			if err := inside(func(pgx.Tx) error { return gone })(); !errors.Is(err, gone) {
				return err
			}
			return nil
		},
		"one with an error": func() error {
			err := inside(func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), "SELECT 1 / 0"); return err })()
			if refused, ok := asPgError(err); !ok || refused.Code != "22012" {
				return err
			}
			return nil
		},
	} {
		if err := before(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n, connection, err := look("", nil); err != nil || n != 0 || connection != first {
			t.Errorf("after %s: %d documents on connection %d, which was %d; %v", name, n, connection, first, err)
		}
	}
}
