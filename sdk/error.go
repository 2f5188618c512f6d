package sdk

import (
	"errors"
	"fmt"

	"github.com/carrel-dev/carrel/core/abi"
)

// The kinds an error made here can have; they are core.Kind's, which this
// package cannot import. An error of the host can have any other kind, too.
const (
	kindInvalid       = "invalid"
	kindDenied        = "denied"
	kindNotFound      = "not_found"
	kindExists        = "conflict_exists"
	kindStale         = "conflict_stale"
	kindTooLarge      = "too_large"
	kindQuotaExceeded = "quota_exceeded"
	kindUnavailable   = "unavailable"
	kindInternal      = "internal"
)

// NotFound makes an error for a thing that does not exist: 404.
func NotFound(format string, args ...any) error { return failure(kindNotFound, format, args) }

// Invalid makes an error for a request that is wrong as a whole: 400. Use
// Violation when one place of it is to blame.
func Invalid(format string, args ...any) error { return failure(kindInvalid, format, args) }

// Denied makes an error for an actor who may not do this: 403.
func Denied(format string, args ...any) error { return failure(kindDenied, format, args) }

// Exists makes an error for something that would be there twice: 409.
func Exists(format string, args ...any) error { return failure(kindExists, format, args) }

// TooLarge makes an error for a request with too many bytes or items: 413.
func TooLarge(format string, args ...any) error { return failure(kindTooLarge, format, args) }

// Unavailable makes an error for something that may work later: 503.
func Unavailable(format string, args ...any) error { return failure(kindUnavailable, format, args) }

// Violation makes an error that names the place of the request that is wrong,
// a dotted path: "body.email", "query.limit", "path.id".
func Violation(location, format string, args ...any) error {
	return violations{{Location: location, Message: fmt.Sprintf(format, args...)}}.err()
}

// IsNotFound reports whether err says that something does not exist.
func IsNotFound(err error) bool { return kindOf(err) == kindNotFound }

// IsInvalid reports whether err says that the request, or a document, is wrong.
func IsInvalid(err error) bool { return kindOf(err) == kindInvalid }

// IsExists reports whether err says that a unique value is taken.
func IsExists(err error) bool { return kindOf(err) == kindExists }

// IsStale reports whether err says that a document is not the version it was
// asked to be: somebody else changed it.
func IsStale(err error) bool { return kindOf(err) == kindStale }

// IsQuotaExceeded reports whether err says that the plan's quota is used up.
func IsQuotaExceeded(err error) bool { return kindOf(err) == kindQuotaExceeded }

func failure(kind, format string, args []any) error {
	return &abi.Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func kindOf(err error) string {
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return e.Kind
	}
	return ""
}

// violations collects the wrong places of one request.
type violations []abi.Violation

func (v *violations) add(location, format string, args ...any) {
	*v = append(*v, abi.Violation{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (v violations) err() error {
	if len(v) == 0 {
		return nil
	}
	return &abi.Error{Kind: kindInvalid, Message: "The request is not valid.", Violations: v}
}
