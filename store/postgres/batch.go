package postgres

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
)

// batch is statements that travel together and are one transaction: Postgres runs
// them without waiting for anybody, so what they lock is never locked by a node
// that has stopped to answer. What must hold for them to count is an expectation:
// the statement with it ends the transaction, and the error is the one kept here.
type batch struct {
	queue        pgx.Batch
	expectations []expectation
	taken        []taken
	unit         int  // whose expectations are added, by its place in the group, or ofNobody
	asking       bool // whether it looks who holds a key even where taking it would tell

	done    int  // statements that went well; after send
	unmet   int  // whose expectation did not hold, or ofNobody; after send
	refused bool // whether the next one was refused by Postgres; after send
	lost    bool // whether the connection ended before it answered; after send
}

// expectation is what a statement's call of expect says must hold.
type expectation struct {
	unit      int // whose it is, or ofNobody
	otherwise func(found int64) error
}

// ofNobody is of no unit in particular.
const ofNobody = -1

// taken is the error there is when a constraint is violated by a statement that
// follows: those of several units may be in one batch.
type taken struct {
	constraint string
	after      int // statements
	otherwise  error
}

// sender is a pool, or a transaction somebody began.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// setWorkspace names the workspace of a transaction, which ends with it.
const setWorkspace = "SELECT set_config('carrel.workspace', $1, true)"

// within begins a batch on the rows of a workspace.
func within(ws core.WorkspaceID) *batch {
	b := &batch{}
	b.exec(setWorkspace, ws)
	return b
}

// exec adds a statement whose answer doesn't matter.
func (b *batch) exec(query string, args ...any) {
	b.queue.Queue(query, stored(args)...).Exec(func(pgconn.CommandTag) error {
		b.done++
		return nil
	})
}

// row adds a statement and what reads its one row. scan returns pgx.ErrNoRows as
// it comes.
func (b *batch) row(scan func(scanner) error, query string, args ...any) {
	b.queue.Queue(query, stored(args)...).QueryRow(func(row pgx.Row) error {
		err := scan(row)
		if err == nil {
			b.done++
		}
		return err
	})
}

// rows adds a statement and what reads each of its rows.
func (b *batch) rows(scan func(scanner) error, query string, args ...any) {
	b.queue.Queue(query, stored(args)...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		b.done++
		return nil
	})
}

// unless numbers an expectation for a statement that calls expect, and keeps the
// error there is when it does not hold.
func (b *batch) unless(otherwise func(found int64) error) (number int) {
	b.expectations = append(b.expectations, expectation{b.unit, otherwise})
	return len(b.expectations) - 1
}

// must adds a statement that has to touch one row. The query has no RETURNING of its
// own.
func (b *batch) must(otherwise error, query string, args ...any) {
	b.exec("WITH touched AS ("+query+" RETURNING 1) SELECT expect((SELECT count(*) FROM touched) = 1, "+place(len(args)+1)+")",
		append(args, int32(b.unless(func(int64) error { return otherwise })))...)
}

// unique keeps the error there is when a statement that follows violates a
// constraint.
func (b *batch) unique(constraint string, otherwise error) {
	b.taken = append(b.taken, taken{constraint, b.queue.Len(), otherwise})
}

// send runs the batch. Its error is the first statement's that failed: an
// expectation's own, or one of the database with its kind. When the connection is
// lost the others of the pool are made anew: a server that starts again has closed
// them all.
func (b *batch) send(ctx context.Context, op string, to sender) error {
	err := to.SendBatch(ctx, &b.queue).Close()
	b.unmet = ofNobody
	refusal, answered := asPgError(err)
	switch {
	case err == nil:
		return nil
	case answered && !goesDown(refusal):
		b.refused = true
	case isOwn(err), ctx.Err() != nil:
		return failed(op, err)
	default:
		b.lost = true
		if pool, ok := to.(*pgxpool.Pool); ok {
			pool.Reset()
		}
		return failed(op, err)
	}
	if refusal.Code == codeExpectation {
		return b.unmetBy(op, refusal)
	}
	for _, t := range slices.Backward(b.taken) {
		if t.constraint == refusal.ConstraintName && t.after <= b.done {
			return t.otherwise
		}
	}
	return failed(op, err)
}

// sendSafely is send for whoever serves everybody: a panic in reading an answer is
// its error.
func (b *batch) sendSafely(ctx context.Context, op string, to sender) (err error) {
	defer func() {
		if r := recover(); r != nil {
			b.refused, err = false, &core.Error{Op: op, Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	return b.send(ctx, op, to)
}

// unmetBy is the error of the expectation that expect named.
func (b *batch) unmetBy(op string, refused *pgconn.PgError) error {
	var number int
	var found int64
	if !numbers(refused, &number, &found) || number >= len(b.expectations) {
		return &core.Error{Op: op, Kind: core.Internal, Err: refused}
	}
	b.unmet = b.expectations[number].unit
	return b.expectations[number].otherwise(found)
}

// stored makes arguments what Postgres can keep: its text is valid UTF-8 without
// NUL, and some of it comes from guests. Where it is looked for there is nothing
// to find under such a name.
func stored(args []any) []any {
	for i, arg := range args {
		switch v := reflect.ValueOf(arg); v.Kind() {
		case reflect.String: // of any of core's types
			args[i] = text(v.String())
		case reflect.Slice:
			if list, ok := arg.([]string); ok {
				for j := range list {
					list[j] = text(list[j])
				}
			}
		}
	}
	return args
}

// columnOf is one value of each row, as the argument of a statement for all of them.
func columnOf[R, V any](rows []R, value func(R) V) []V {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return values
}

// text is a string as Postgres can keep it.
func text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
