package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// readBody makes the bytes a request came with what its route declares: bytes,
// or one JSON value. A guest gets either as it was sent.
func readBody(route *abi.Route, r *abi.Request) error {
	const op = "dispatch.Request"
	if route.Raw || len(r.Raw) == 0 {
		return nil
	}
	var wrong core.Violations
	media, _, err := mime.ParseMediaType(r.Headers["content-type"])
	if r.Headers["content-type"] != "" && (err != nil || media != "application/json" && !strings.HasSuffix(media, "+json")) {
		wrong.Add("header.content-type", "must be application/json")
		return wrong.Err(op, "This route takes JSON.")
	}
	at, fault := core.CheckJSON(r.Raw)
	if fault == "" {
		r.Body, r.Raw = bytes.TrimSpace(r.Raw), nil
		return nil
	}
	var value any // decoded for what is wrong with it only
	err = json.Unmarshal(r.Raw, &value)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case !utf8.Valid(r.Raw):
		wrong.Add("body", "is not JSON: it is not valid UTF-8")
	case isSyntax:
		wrong.Add("body", "is not JSON: %s at byte %d", syntax, syntax.Offset)
	default:
		wrong.Add(strings.TrimSuffix("body."+at, "."), "%s", fault)
		return wrong.Err(op, "The body can be read in more than one way.")
	}
	return wrong.Err(op, "The body is not JSON.")
}
