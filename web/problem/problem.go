package problem

import (
	"encoding/json"
	"errors"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// notFoundDetail is the detail of every not_found: a missing object and another
// workspace's must not be told apart.
const notFoundDetail = "There is nothing here under that name for these credentials. Check the address, the workspace and who you are signed in as."

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type      string          `json:"type" doc:"urn:carrel:problem: and the kind; stable." example:"urn:carrel:problem:not_found"`
	Title     string          `json:"title" doc:"A short sentence, the same for every problem of its kind."`
	Status    int             `json:"status" doc:"The HTTP status." example:"404"`
	Kind      core.Kind       `json:"kind" doc:"What went wrong, for programs." example:"not_found"`
	Detail    string          `json:"detail" doc:"What happened this time and what to do about it, for people."`
	RequestID string          `json:"requestId" doc:"The same as in the X-Request-Id header; quote it when you ask for help."`
	Errors    []abi.Violation `json:"errors,omitempty" nullable:"false" doc:"The places of the request that are wrong."`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status, which huma asks for.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type, which huma asks for.
func (p *Problem) ContentType(string) string { return ContentType }

// Of describes an error. Fiber's own errors are described by their status; the
// text of an error that is neither Fiber's nor core's is never shown.
func Of(err error, requestID string) *Problem {
	if fe, ok := errors.AsType[*fiber.Error](err); ok {
		return OfStatus(fe.Code, requestID)
	}
	p := ofKind(core.KindOf(err), requestID)
	if p.Kind == core.NotFound {
		return p
	}
	p.Detail = core.MessageOf(err)
	p.Errors = core.ViolationsOf(err)
	return p
}

// OfStatus describes a refusal of which only the status is known.
func OfStatus(status int, requestID string) *Problem {
	p := ofKind(kindOfStatus(status), requestID)
	switch p.Kind {
	case core.NotFound: // keeps its constant
	case core.TooLarge:
		p.Detail = "The request's body is larger than this address accepts."
	case MethodNotAllowed:
		p.Detail = "This address does not know that method; the Allow header lists the ones it does."
	case MediaType:
		p.Detail = "Send JSON, with Content-Type: application/json."
	case HeadersTooLarge:
		p.Detail = "The request line and headers may have 16 KiB together."
	case SlowRequest:
		p.Detail = "The request did not arrive completely in time. Send it again."
	case core.Invalid:
		p.Detail = "The request is not well-formed HTTP."
	default:
		p.Detail = p.Title + "."
	}
	return p
}

func ofKind(kind core.Kind, requestID string) *Problem {
	c, ok := classes[kind]
	if !ok {
		kind = core.Internal
		c = classes[kind]
	}
	p := &Problem{Type: "urn:carrel:problem:" + string(kind), Title: c.title, Status: c.status, Kind: kind, RequestID: requestID}
	if kind == core.NotFound {
		p.Detail = notFoundDetail
	}
	return p
}

// Headers returns the header fields a problem's answer needs beside its body.
func (p *Problem) Headers() map[string]string {
	h := map[string]string{"Cache-Control": "no-store"}
	switch p.Kind {
	case core.Unauthenticated:
		h["WWW-Authenticate"] = `Bearer realm="carrel"`
	case core.Unavailable, core.RateLimited:
		h["Retry-After"] = "1"
	}
	return h
}

// Write answers the request with the problem err is, and keeps err for the
// access log.
func Write(c *fiber.Ctx, err error) error {
	Remember(c, err)
	p := Of(err, RequestID(c))
	body, merr := json.Marshal(p)
	if merr != nil {
		return merr
	}
	for name, value := range p.Headers() {
		c.Set(name, value)
	}
	c.Set(fiber.HeaderContentType, ContentType)
	return c.Status(p.Status).Send(body)
}
