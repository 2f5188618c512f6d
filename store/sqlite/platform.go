package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/carrel-dev/carrel/core"
)

// micros is how platform tables hold a time; 0 is none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// failed turns what a statement answers into an Error: NotFound for no row,
// Exists for a taken unique value, otherwise Unavailable.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	kind := core.Unavailable
	if errors.Is(err, sql.ErrNoRows) {
		kind = core.NotFound
	} else if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			kind = core.Exists
		}
	}
	return core.Wrap(op, kind, err)
}

// one is NotFound when a statement touched no row.
func one(op string, r sql.Result, err error) error {
	if err != nil {
		return failed(op, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return failed(op, errors.Join(err, sql.ErrNoRows))
	}
	return nil
}

// scanner is a row being read.
type scanner interface{ Scan(into ...any) error }

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}
