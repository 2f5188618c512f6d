package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
)

// Load is a transaction that changes the database.
type Load struct {
	Dump
	file *DB
}

var _ archive.Transaction = (*Load)(nil)

// Begin begins to change the database in dir, which is made when it is not there.
// No server may be running on it: Unavailable. The workspace it is about says
// nothing here; on Postgres the database holds to it.
func Begin(ctx context.Context, dir string, _ core.WorkspaceID) (*Load, error) {
	db, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(failed("sqlite.Begin", err), db.Close())
	}
	return &Load{Dump: Dump{tx: tx}, file: db}, nil
}

// Close implements archive.Snapshot.
func (l *Load) Close() error { return errors.Join(l.Dump.Close(), l.file.Close()) }

// Commit implements archive.Transaction.
func (l *Load) Commit(context.Context) error { return failed("sqlite.Commit", l.tx.Commit()) }

// Delete implements archive.Transaction.
func (l *Load) Delete(ctx context.Context, t archive.Table, ws core.WorkspaceID) error {
	query, args := "DELETE FROM "+t.Name, []any(nil)
	if ws != "" {
		query, args = query+" WHERE "+t.Workspace+" = ?", []any{ws}
	}
	_, err := l.tx.ExecContext(ctx, query, args...)
	return failed("sqlite.Delete", err)
}

// Insert implements archive.Transaction.
func (l *Load) Insert(ctx context.Context, t archive.Table, rows []archive.Row) error {
	const op = "sqlite.Insert"
	var names []string
	given := make([]int, 0, len(t.Columns)) // the columns that have values
	for i, c := range t.Columns {
		if c.Name == t.Number && rows[0][i] == nil {
			continue
		}
		names, given = append(names, c.Name), append(given, i)
	}
	query := fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", t.Name, columnsOf(t, names...), strings.Repeat(", ?", len(names)-1))
	statement, err := l.tx.PrepareContext(ctx, query)
	if err != nil {
		return failed(op, err)
	}
	defer statement.Close() //nolint:errcheck // it ends with the transaction
	args := make([]any, len(given))
	for _, row := range rows {
		for i, at := range given {
			args[i] = row[at]
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return failed(op, err)
		}
	}
	return nil
}
