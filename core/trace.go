package core

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// RequestID names a request and all that was done because of it: the calls of
// plugins it came to, the events they emitted, the deliveries of those. What
// nobody requested, as an occurrence of a schedule, has one of its own. It is
// "req_" and 32 random hexadecimal digits, which are also the id of its trace.
type RequestID string

// NewRequestID makes one that nobody can guess.
func NewRequestID() RequestID {
	var random [16]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	return RequestID("req_" + hex.EncodeToString(random[:]))
}

// Trace is a place in what is done because of a request: which request, and
// which of its steps, if they are recorded. The zero value is no place.
type Trace struct {
	Request RequestID
	Span    [8]byte // the step, as OpenTelemetry names it; zero: steps are not recorded
	Sampled bool    // those of this request are
}

// IsZero reports whether it is no place.
func (t Trace) IsZero() bool { return t.Request == "" }

// String is the trace as a traceparent of W3C Trace Context; "" when it is no
// place. That of a step that isn't recorded has zeros for it, which nobody else
// would understand.
func (t Trace) String() string {
	if t.IsZero() {
		return ""
	}
	flags := "00"
	if t.Sampled {
		flags = "01"
	}
	return "00-" + strings.TrimPrefix(string(t.Request), "req_") + "-" + hex.EncodeToString(t.Span[:]) + "-" + flags
}

// ParseTrace reads what String wrote, and the traceparent of anybody; no place
// when it is neither.
func ParseTrace(s string) (t Trace) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' || s != strings.ToLower(s) ||
		s[:2] == "ff" || s[:2] == "00" && len(s) != length || len(s) > length && s[length] != '-' {
		return Trace{}
	}
	id, err := hex.DecodeString(s[3:35])
	if err != nil || [16]byte(id) == [16]byte{} {
		return Trace{}
	}
	if _, err := hex.Decode(t.Span[:], []byte(s[36:52])); err != nil {
		return Trace{}
	}
	flags, err := hex.DecodeString(s[53:55])
	if err != nil {
		return Trace{}
	}
	t.Request, t.Sampled = RequestID("req_"+s[3:35]), flags[0]&1 == 1
	return t
}

type traceKey struct{}

// WithTrace returns a context of what is done at a place.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf returns the place a context is of, or none.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}
