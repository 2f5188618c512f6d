package dispatch

import (
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
	if !utf8.Valid(r.Raw) {
		wrong.Add("body", "is not JSON: it is not valid UTF-8")
		return wrong.Err(op, "The body is not JSON.")
	}
	var value json.RawMessage
	if err := json.Unmarshal(r.Raw, &value); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			wrong.Add("body", "is not JSON: %s at byte %d", syntax, syntax.Offset)
		} else {
			wrong.Add("body", "is not JSON")
		}
		return wrong.Err(op, "The body is not JSON.")
	}
	if at, fault := core.CheckJSON(value); fault != "" {
		wrong.Add(strings.TrimSuffix("body."+at, "."), "%s", fault)
		return wrong.Err(op, "The body can be read in more than one way.")
	}
	r.Body, r.Raw = value, nil
	return nil
}
