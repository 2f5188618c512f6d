package core

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// Kind says what went wrong in a way a caller can act on. It is stable: clients
// see it as the last part of a problem's type, guests as an error's kind.
type Kind string

// Every kind there is. The table from kind to HTTP status is in package web.
const (
	Invalid         Kind = "invalid"          // the request is wrong; sending it again won't help
	Unauthenticated Kind = "unauthenticated"  // who are you?
	Denied          Kind = "denied"           // known, but not allowed
	NotFound        Kind = "not_found"        // missing, or another workspace's
	Exists          Kind = "conflict_exists"  // a unique value is taken
	Stale           Kind = "conflict_stale"   // the caller's version is not the current one
	Changed         Kind = "conflict_changed" // what the unit read has changed; run it again
	TooLarge        Kind = "too_large"
	QuotaExceeded   Kind = "quota_exceeded" // the plan's, per period
	RateLimited     Kind = "rate_limited"
	OutOfFuel       Kind = "out_of_fuel"
	Timeout         Kind = "timeout"
	Unavailable     Kind = "unavailable" // try again later
	Internal        Kind = "internal"
)

// Kinds lists every kind, for tables that must be complete.
var Kinds = []Kind{
	Invalid, Unauthenticated, Denied, NotFound, Exists, Stale, Changed, TooLarge,
	QuotaExceeded, RateLimited, OutOfFuel, Timeout, Unavailable, Internal,
}

// Error is the one error type. Op is the operation, `package.Verb`; Msg is a
// sentence for the person who caused it and names the fix where there is one;
// Err is the cause, which is logged but never shown to a client unless it is a
// Violations.
type Error struct {
	Op   string
	Kind Kind
	Msg  string
	Err  error
}

// Error implements error, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	if e.Msg != "" {
		b.WriteString(e.Msg)
	} else {
		b.WriteString(string(e.Kind))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// E makes an error of a kind with a message for the person who caused it.
func E(op string, kind Kind, format string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause an operation and a kind. It returns nil for a nil cause,
// and keeps the kind and message of a cause that already is an Error.
func Wrap(op string, kind Kind, err error) error {
	if err == nil {
		return nil
	}
	if inner, ok := errors.AsType[*Error](err); ok {
		return &Error{Op: op, Kind: inner.Kind, Msg: inner.Msg, Err: err}
	}
	return &Error{Op: op, Kind: kind, Err: err}
}

// KindOf returns the kind of err: Internal when it is not an Error, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// MessageOf returns the sentence a client may see: the message of an Error, or
// a neutral one. The cause is never part of it.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Msg != "" {
		return e.Msg
	}
	if KindOf(err) == Internal {
		return "Something went wrong on our side."
	}
	return strings.ReplaceAll(string(KindOf(err)), "_", " ")
}

// Violations are the places of a request that are wrong; the Err of an Error
// of kind Invalid.
type Violations []abi.Violation

// Error implements error.
func (v Violations) Error() string {
	parts := make([]string, len(v))
	for i, one := range v {
		parts[i] = one.Location + ": " + one.Message
	}
	return strings.Join(parts, "; ")
}

// Add appends a violation.
func (v *Violations) Add(location, format string, args ...any) {
	*v = append(*v, abi.Violation{Location: location, Message: fmt.Sprintf(format, args...)})
}

// Err returns an Invalid error holding the violations, or nil without any.
func (v Violations) Err(op, msg string) error {
	if len(v) == 0 {
		return nil
	}
	return &Error{Op: op, Kind: Invalid, Msg: msg, Err: v}
}

// ViolationsOf returns the violations inside err, if any.
func ViolationsOf(err error) Violations {
	v, _ := errors.AsType[Violations](err)
	return v
}
