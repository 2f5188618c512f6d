package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
)

// Load is a transaction that changes the database.
type Load struct {
	Dump
	numbers map[string]int64 // the highest that was inserted, by the sequence that gives them
}

var _ archive.Transaction = (*Load)(nil)

// Begin begins to change the database, whose schema it brings up to date. With a
// workspace, the database lets it change no row of another, and servers may be
// running. Without one, none may: Unavailable.
func Begin(ctx context.Context, url string, ws core.WorkspaceID) (*Load, error) {
	const op = "postgres.Begin"
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errAddress(op)
	}
	if err := migrate(ctx, config); err != nil {
		return nil, notMigrated(op, config, err)
	}
	d, err := begin(ctx, config, pgx.TxOptions{}, ws == "")
	if isOwn(err) {
		return nil, err
	}
	if err != nil {
		return nil, unreachable(op, config, err)
	}
	l := &Load{Dump: *d, numbers: map[string]int64{}}
	if _, err := l.tx.Exec(ctx, setWorkspace, string(ws)); err != nil {
		return nil, errors.Join(failed(op, err), l.Close())
	}
	return l, nil
}

// checkAlone refuses while servers are connected: they remember what was there.
func checkAlone(ctx context.Context, conn *pgx.Conn) error {
	var servers int
	err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY($1)",
		[]string{roleTenant, rolePlatform}).Scan(&servers)
	if err == nil && servers > 0 {
		return core.E("postgres.Begin", core.Unavailable, "A server is connected to this database. Stop every one first. Nothing was changed.")
	}
	return err
}

// Commit implements archive.Transaction. Servers forget what they remember before it
// returns.
func (l *Load) Commit(ctx context.Context) error {
	for sequence, highest := range l.numbers {
		_, err := l.tx.Exec(ctx, "SELECT setval('"+sequence+"', greatest($1, (SELECT last_value FROM "+sequence+")))", highest)
		if err != nil {
			return failed("postgres.Commit", err)
		}
	}
	if err := l.tx.Commit(ctx); err != nil {
		return failed("postgres.Commit", err)
	}
	if _, err := l.conn.Exec(ctx, "SET ROLE "+rolePlatform); err != nil {
		return failed("postgres.Commit", err)
	}
	return failed("postgres.Commit", invalidate(ctx, l.conn, 0))
}

// Delete implements archive.Transaction.
func (l *Load) Delete(ctx context.Context, t archive.Table, ws core.WorkspaceID) error {
	query, args := "DELETE FROM "+t.Name, []any(nil)
	if ws != "" {
		query, args = query+" WHERE "+t.Workspace+" = $1", []any{string(ws)}
	}
	_, err := l.tx.Exec(ctx, query, args...)
	return failed("postgres.Delete", err)
}

// Insert implements archive.Transaction. COPY would be faster, and row level
// security refuses it.
func (l *Load) Insert(ctx context.Context, t archive.Table, rows []archive.Row) error {
	var names, arrays []string
	var args []any
	overriding := ""
	for i, c := range t.Columns {
		if c.Name == t.Number {
			if rows[0][i] == nil {
				continue
			}
			overriding = " OVERRIDING SYSTEM VALUE"
			sequence := t.Name + "_" + c.Name + "_seq"
			for _, row := range rows {
				l.numbers[sequence] = max(l.numbers[sequence], row[i].(int64))
			}
		}
		names = append(names, c.Name)
		arrays = append(arrays, place(len(names))+"::"+arrayTypes[c.Kind])
		args = append(args, array(c.Kind, rows, i))
	}
	columns := strings.Join(names, ", ")
	_, err := l.tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s)%s SELECT %[2]s FROM unnest(%[4]s) WITH ORDINALITY given (%[2]s, nth) ORDER BY nth",
		t.Name, columns, overriding, strings.Join(arrays, ", ")), args...)
	return failed("postgres.Insert", err)
}

var arrayTypes = map[archive.Kind]string{archive.Integer: "bigint[]", archive.Text: "text[]", archive.Bytes: "bytea[]", archive.Boolean: "boolean[]"}

// array is the values of one column.
func array(kind archive.Kind, rows []archive.Row, column int) any {
	switch kind {
	case archive.Integer:
		return values[int64](rows, column)
	case archive.Boolean:
		return values[bool](rows, column)
	case archive.Bytes:
		return values[[]byte](rows, column)
	default:
		texts := values[string](rows, column)
		for _, t := range texts {
			if t != nil {
				*t = text(*t)
			}
		}
		return texts
	}
}

func values[T any](rows []archive.Row, column int) []*T {
	made := make([]*T, len(rows))
	for i, row := range rows {
		if v, ok := row[column].(T); ok {
			made[i] = &v
		}
	}
	return made
}
