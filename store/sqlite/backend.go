package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// documents is the file's document engine, a store.Backend.
type documents struct {
	db      *DB
	numbers store.Numbers
}

// Documents returns the file's document engine.
func (db *DB) Documents() store.Backend { return db.documents }

// session is one transaction, with the statements of its pool. Without a
// transaction each statement is one.
type session struct {
	tx         *sql.Tx
	statements statements
	bound      statements // to tx, which takes a third of the time a statement does; nil: each time anew
}

func (s session) statement(ctx context.Context, query string) *sql.Stmt {
	if s.tx == nil {
		return s.statements[query]
	}
	if bound := s.bound[query]; bound != nil {
		return bound
	}
	bound := s.tx.StmtContext(ctx, s.statements[query])
	if s.bound != nil {
		s.bound[query] = bound
	}
	return bound
}

func (s session) row(ctx context.Context, query string, args ...any) *sql.Row {
	return s.statement(ctx, query).QueryRowContext(ctx, args...)
}

func (s session) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.statement(ctx, query).QueryContext(ctx, args...)
}

// exec runs a statement and returns how many rows it changed.
func (s session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := s.statement(ctx, query).ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// readOnce is read for an fn of one statement, which may be run a second time.
// Where the workspace's moment is remembered, and nothing was committed meanwhile,
// that is the moment it saw: the statement needs no transaction around it.
func (d *documents) readOnce(ctx context.Context, ws core.WorkspaceID, fn func(context.Context, session) error) (store.Moment, error) {
	moments := &d.db.memory.moments
	if at, known, edition := moments.Read(ws); known && ctx.Err() == nil {
		// To watch a context, the driver and database/sql each start goroutines, which
		// take longer than most statements; and all of them are bounded.
		if err := fn(context.WithoutCancel(ctx), session{statements: d.db.readStatements}); err == nil && moments.Unchanged(edition) {
			return at, nil
		}
	}
	return d.read(ctx, ws, func(s session) error { return fn(ctx, s) })
}

// read runs fn in a read transaction and returns the moment it saw.
func (d *documents) read(ctx context.Context, ws core.WorkspaceID, fn func(session) error) (store.Moment, error) {
	const op = "sqlite.Read"
	_, _, edition := d.db.memory.moments.Get(ws)
	tx, err := d.db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return store.Moment{}, failure(op, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	s := session{tx: tx, statements: d.db.readStatements}
	at, err := s.head(ctx, ws)
	if err != nil {
		return store.Moment{}, failure(op, err)
	}
	d.db.memory.moments.Keep(ws, at, edition)
	return at, failure(op, fn(s))
}

// failure gives an error of the driver its kind. Errors that have one keep it.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	kind := core.Unavailable
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind = core.Timeout
	} else if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT {
		kind = core.Internal // the unit's checks should have found it
	}
	return &core.Error{Op: op, Kind: kind, Err: err}
}
