package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
)

// Name is what an archive calls this kind of database.
const Name = "sqlite"

// Dump is the database at one moment.
type Dump struct {
	Schema int64 // the newest migration

	db *sql.DB // nil: whoever began the transaction closes it
	tx *sql.Tx
}

var _ archive.Snapshot = (*Dump)(nil)

// Snapshot begins to read the database in dir at the moment it is at now. A server
// may be running on it, which goes on and is not waited for; what it writes
// meanwhile stays in the log beside the file, which is why that grows. NotFound:
// there is none. Invalid: another version of Carrel made it.
func Snapshot(ctx context.Context, dir string) (_ *Dump, err error) {
	const op = "sqlite.Snapshot"
	path := filepath.Join(dir, "carrel.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, core.E(op, core.NotFound, "There is no database in %s. Name the data folder of a server with --data.", dir)
	}
	d := &Dump{}
	if d.db, err = open(path, "deferred", "query_only(1)"); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	if d.tx, err = d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return nil, errors.Join(failed(op, err), d.db.Close())
	}
	// A deferred transaction has its moment with the first question.
	err = d.tx.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&d.Schema)
	if err == nil {
		err = archive.CheckSchema(migrations, d.Schema)
	}
	if err != nil {
		return nil, errors.Join(core.Wrap(op, core.Unavailable, err), d.Close())
	}
	return d, nil
}

// Close implements archive.Snapshot.
func (d *Dump) Close() error {
	err := d.tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) {
		err = nil
	}
	if d.db != nil {
		err = errors.Join(err, d.db.Close())
	}
	return err
}

// column is how a column of an archive is asked for. The position of an address is
// its row's number.
func column(t archive.Table, name string) string {
	if t.Name == "slugs" && name == "position" {
		return "rowid"
	}
	return name
}

func columnsOf(t archive.Table, names ...string) string {
	for i, name := range names {
		names[i] = column(t, name)
	}
	return strings.Join(names, ", ")
}

// Rows implements archive.Snapshot.
func (d *Dump) Rows(ctx context.Context, t archive.Table, ws core.WorkspaceID, each func(archive.Row) error) error {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	query := "SELECT " + columnsOf(t, names...) + " FROM " + t.Name
	var args []any
	if ws != "" {
		query += " WHERE " + t.Workspace + " = ?"
		args = append(args, ws)
	}
	rows, err := d.tx.QueryContext(ctx, query+" ORDER BY "+columnsOf(t, append([]string(nil), t.Key...)...), args...)
	if err != nil {
		return failed("sqlite.Rows", err)
	}
	defer rows.Close() //nolint:errcheck // it was read to the end, or its error is not the first
	for rows.Next() {
		row := make(archive.Row, len(t.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return failed("sqlite.Rows", err)
		}
		for i, c := range t.Columns {
			if n, ok := row[i].(int64); ok && c.Kind == archive.Boolean {
				row[i] = n != 0
			}
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return failed("sqlite.Rows", rows.Err())
}
