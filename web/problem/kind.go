package problem

import (
	"net/http"

	"github.com/carrel-dev/carrel/core"
)

// Kinds that exist only between HTTP and its client.
const (
	MethodNotAllowed core.Kind = "method_not_allowed"
	MediaType        core.Kind = "media_type"
	HeadersTooLarge  core.Kind = "headers_too_large"
	SlowRequest      core.Kind = "slow_request"
)

// class is what every problem of a kind shares.
type class struct {
	status int
	title  string
}

// classes is the only table from kind to HTTP status. out_of_fuel is a 500 and
// not a 503, because a client that sends the request again would only burn as
// much again.
var classes = map[core.Kind]class{
	core.Invalid:         {http.StatusBadRequest, "The request is not valid"},
	core.Unauthenticated: {http.StatusUnauthorized, "Sign in first"},
	core.Denied:          {http.StatusForbidden, "Not allowed"},
	core.NotFound:        {http.StatusNotFound, "Not found"},
	core.Exists:          {http.StatusConflict, "Already exists"},
	core.Stale:           {http.StatusPreconditionFailed, "Changed since you read it"},
	core.Changed:         {http.StatusConflict, "Changed while it ran"},
	core.TooLarge:        {http.StatusRequestEntityTooLarge, "Too large"},
	core.QuotaExceeded:   {http.StatusTooManyRequests, "The plan's quota is used up"},
	core.RateLimited:     {http.StatusTooManyRequests, "Too many requests"},
	core.OutOfFuel:       {http.StatusInternalServerError, "The plugin used up its fuel"},
	core.Timeout:         {http.StatusGatewayTimeout, "Took too long"},
	core.Unavailable:     {http.StatusServiceUnavailable, "Not available right now"},
	core.Internal:        {http.StatusInternalServerError, "Something went wrong"},

	MethodNotAllowed: {http.StatusMethodNotAllowed, "Method not allowed"},
	MediaType:        {http.StatusUnsupportedMediaType, "Content type not supported"},
	HeadersTooLarge:  {http.StatusRequestHeaderFieldsTooLarge, "Request headers too large"},
	SlowRequest:      {http.StatusRequestTimeout, "The request took too long to arrive"},
}

// Status returns the HTTP status of a kind: 500 for one that does not exist.
func Status(kind core.Kind) int {
	if c, ok := classes[kind]; ok {
		return c.status
	}
	return http.StatusInternalServerError
}

// kindOfStatus finds the kind for a status that a library chose. Of several
// kinds with one status it is the most general one.
func kindOfStatus(status int) core.Kind {
	switch status {
	case http.StatusUnauthorized:
		return core.Unauthenticated
	case http.StatusForbidden:
		return core.Denied
	case http.StatusNotFound:
		return core.NotFound
	case http.StatusMethodNotAllowed:
		return MethodNotAllowed
	case http.StatusConflict:
		return core.Exists
	case http.StatusPreconditionFailed:
		return core.Stale
	case http.StatusRequestEntityTooLarge:
		return core.TooLarge
	case http.StatusUnsupportedMediaType:
		return MediaType
	case http.StatusRequestHeaderFieldsTooLarge:
		return HeadersTooLarge
	case http.StatusRequestTimeout:
		return SlowRequest
	case http.StatusTooManyRequests:
		return core.RateLimited
	case http.StatusServiceUnavailable:
		return core.Unavailable
	}
	if status >= 400 && status < 500 {
		return core.Invalid
	}
	return core.Internal
}
