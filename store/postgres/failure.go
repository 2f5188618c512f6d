package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/carrel-dev/carrel/core"
)

// The codes of Postgres this package looks for
// (https://www.postgresql.org/docs/current/errcodes-appendix.html), and its own.
const (
	codeExpectation   = "CA001" // of the function expect
	codeUnique        = "23505"
	codeForeignKey    = "23503"
	codeIntegrity     = "23" // and what else begins like it
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeCancelled     = "57014" // by a timeout of ours
	codeLockTimeout   = "55P03"
	codeNoRole        = "22023" // of SET ROLE: an invalid value
	codeNoTable       = "42P01"
	codeNoRight       = "42501"
	codeGoesDown      = "57P" // and what else begins like it: it stops, or starts
)

func asPgError(err error) (*pgconn.PgError, bool) { return errors.AsType[*pgconn.PgError](err) }

// goesDown reports whether Postgres ends the connection, with an error that says
// why.
func goesDown(refusal *pgconn.PgError) bool { return strings.HasPrefix(refusal.Code, codeGoesDown) }

// isOwn reports whether an error is one of Carrel's, of what read an answer.
func isOwn(err error) bool {
	_, own := errors.AsType[*core.Error](err)
	return own || errors.Is(err, pgx.ErrNoRows)
}

// failed gives an error of the driver its kind: NotFound for no row, Exists for a
// taken unique value, Changed for a transaction that the database gave up for
// another's, Timeout, otherwise Unavailable. Errors that have a kind keep it.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	kind := core.Unavailable
	refused, isRefusal := asPgError(err)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		kind = core.NotFound
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		kind = core.Timeout
	case !isRefusal:
	case refused.Code == codeUnique:
		kind = core.Exists
	case strings.HasPrefix(refused.Code, codeIntegrity):
		kind = core.Internal // the checks before it should have found it
	case refused.Code == codeSerialization, refused.Code == codeDeadlock:
		kind = core.Changed
	case refused.Code == codeCancelled, refused.Code == codeLockTimeout:
		kind = core.Timeout
	}
	return &core.Error{Op: op, Kind: kind, Err: err}
}

// orNone takes no row for an answer.
func orNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// numbers reads what expect says.
func numbers(refused *pgconn.PgError, expectation *int, found *int64) bool {
	var derr, herr error
	*expectation, derr = strconv.Atoi(refused.Detail)
	*found, herr = strconv.ParseInt(refused.Hint, 10, 64)
	return derr == nil && herr == nil && *expectation >= 0
}

// place is the name of an argument in a statement.
func place(n int) string { return "$" + strconv.Itoa(n) }

// scanner is a row being read.
type scanner interface{ Scan(into ...any) error }

// micros is how tables hold a time; 0 is none.
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
