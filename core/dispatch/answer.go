package dispatch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxHeaders       = 32
	maxHeaderValue   = 4 << 10 // bytes
	maxGuestMessage  = 2 << 10 // bytes
	maxGuestProblems = 100
)

// parseResponse reads what a handler answered. Whatever a Response doesn't
// declare, or its trigger has no use for, makes the answer rubbish: better than
// to guess which half of it was meant.
func parseResponse(output []byte, t *target, trigger abi.Trigger) (abi.Response, error) {
	response, usual := usualResponse(output)
	var err error
	if !usual {
		if response, err = core.Decode[abi.Response]("dispatch.Answer", output); err != nil {
			return response, rubbish(t, core.MessageOf(err))
		}
	}
	if response.Error != nil {
		if response.Status != 0 || len(response.Headers) > 0 || response.Body != nil || response.Raw != nil {
			return response, rubbish(t, "An answer with an error holds nothing else.")
		}
		return response, nil
	}
	if response.Raw != nil && !t.raw {
		return response, rubbish(t, "Only routes declared raw answer bytes.")
	}
	if response.Raw != nil && response.Body != nil {
		return response, rubbish(t, "It holds both body and raw.")
	}
	if trigger != abi.TriggerRequest {
		if response.Status != 0 || len(response.Headers) > 0 {
			return response, rubbish(t, "Only the answer to a request has a status and headers.")
		}
		return response, nil
	}
	switch {
	case response.Status == 0 && response.Body == nil && response.Raw == nil:
		response.Status = 204
	case response.Status == 0:
		response.Status = 200
	case response.Status < 200 || response.Status > 599:
		return response, rubbish(t, "Its status is not one of 200 to 599.")
	}
	response.Headers, err = checkHeaders(t, response.Headers)
	return response, err
}

// usualResponse reads a response that is written as the SDK writes most: a status
// and a body, and nothing between or around them. That it is strict JSON is looked
// at once, and not again for every way encoding/json takes through it.
func usualResponse(output []byte) (r abi.Response, ok bool) {
	rest, ok := bytes.CutPrefix(output, []byte(`{"status":`))
	status, rest, ok2 := bytes.Cut(rest, []byte(`,"body":`))
	body, ok3 := bytes.CutSuffix(rest, []byte("}"))
	if !ok || !ok2 || !ok3 || len(status) == 0 || len(status) > 3 || len(status) > 1 && status[0] == '0' {
		return r, false
	}
	n, err := strconv.ParseUint(string(status), 10, 16)
	if err != nil {
		return r, false
	}
	if _, fault := core.CheckJSON(body); fault != "" {
		return r, false
	}
	return abi.Response{Status: int(n), Body: bytes.TrimSpace(body)}, true
}

// answerHeaders may be set by a handler, and those that begin with "x-". The
// others are the host's: cookies, caching of credentials, security policies.
var answerHeaders = []string{"content-type", "cache-control", "content-disposition", "location", "etag"}

// proxyHeaders begin the names by which proxies take orders: to serve a file, or
// another address, in place of the answer.
var proxyHeaders = []string{"x-accel-", "x-sendfile", "x-lighttpd-", "x-litespeed-", "x-reproxy-"}

func checkHeaders(t *target, headers map[string]string) (map[string]string, error) {
	if len(headers) > maxHeaders {
		return nil, rubbish(t, "It has more than 32 headers.")
	}
	checked := make(map[string]string, len(headers))
	for name, value := range headers {
		lower := strings.ToLower(name)
		switch {
		case !isToken(lower):
			return nil, rubbish(t, "The name of a header is not valid.")
		case !slices.Contains(answerHeaders, lower) && !strings.HasPrefix(lower, "x-"):
			return nil, rubbish(t, "A handler may not set the header "+lower+". It may set "+strings.Join(answerHeaders, ", ")+" and those that begin with x-.")
		case slices.ContainsFunc(proxyHeaders, func(prefix string) bool { return strings.HasPrefix(lower, prefix) }):
			return nil, rubbish(t, "A handler may not set the header "+lower+": proxies take it for an order.")
		case len(value) > maxHeaderValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return nil, rubbish(t, "The value of the header "+lower+" is too long, or holds control characters.")
		case lower == "location" && !isRelative(value):
			return nil, rubbish(t, "The header location must be a path on this server.")
		}
		checked[lower] = value
	}
	return checked, nil
}

func isToken(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// isRelative reports whether a browser stays on this server: not "//host", and
// neither "/\host" nor "/<tab>/host", which browsers read the same way.
func isRelative(location string) bool {
	return strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") && !strings.ContainsAny(location, "\\\t")
}

func rubbish(t *target, why string) error {
	return core.E("dispatch.Answer", core.Internal,
		"The handler %s of %s answered something that is not a response. %s", t.handler, t.manifest.Name, why)
}

// guestKinds are the kinds a handler may fail with. The rest are the host's to
// report.
var guestKinds = []core.Kind{
	core.Invalid, core.Unauthenticated, core.Denied, core.NotFound, core.Exists, core.Stale,
	core.TooLarge, core.QuotaExceeded, core.RateLimited, core.Unavailable,
}

// guestError is a handler's refusal. An error it didn't mean to report, of a
// kind that isn't its own, is kept for the workspace's log only.
func guestError(t *target, guest *abi.Error) error {
	op := t.manifest.Name + "." + t.handler
	kind := core.Kind(guest.Kind)
	guest.Message = cut(guest.Message)
	if !slices.Contains(guestKinds, kind) {
		return &core.Error{Op: op, Kind: core.Internal, Msg: "The plugin " + t.manifest.Name + " failed.", Err: guest}
	}
	refusal := &core.Error{Op: op, Kind: kind, Msg: guest.Message}
	if n := min(len(guest.Violations), maxGuestProblems); n > 0 {
		violations := make(core.Violations, n)
		for i, one := range guest.Violations[:n] {
			violations[i] = abi.Violation{Location: cut(one.Location), Message: cut(one.Message)}
		}
		refusal.Err = violations
	}
	return refusal
}

func cut(s string) string {
	if len(s) > maxGuestMessage {
		s = s[:maxGuestMessage]
	}
	return strings.ToValidUTF8(s, "")
}
