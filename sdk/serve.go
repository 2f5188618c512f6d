package sdk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/carrel-dev/carrel/core/abi"
)

// serve answers one invocation: it finds the handler, calls it and encodes an
// abi.Response. A panic of the handler is not caught: it traps, which the host
// reports with the stack it finds in the log, and drops the unit of work.
func serve(input []byte) []byte {
	c := new(Ctx)
	if err := decodeInvocation(input, &c.invocation); err != nil {
		return encodeError(&abi.Error{Kind: kindInternal, Message: "The invocation cannot be read."})
	}
	h, ok := declared().handlers[c.invocation.Handler]
	if !ok {
		return encodeError(&abi.Error{Kind: kindInternal, Message: "The plugin has no handler " + strconv.Quote(c.invocation.Handler) + "."})
	}
	body, err := h.call(c)
	if err != nil {
		failure, known := errors.AsType[*abi.Error](err)
		if !known {
			c.Log(Error, "handler failed", "handler", h.name, "error", err.Error())
			failure = &abi.Error{Kind: kindInternal, Message: "The plugin failed; the invocation's log says why."}
		}
		return encodeError(failure)
	}
	return encodeAnswer(c, body)
}

// decodeInvocation decodes an invocation. The bytes of a file are decoded apart:
// to look for escapes in base64 that cannot be there costs a second for 4 MiB.
func decodeInvocation(input []byte, invocation *abi.Invocation) error {
	key := []byte(`"raw":"`)
	before, after, found := bytes.Cut(input, key)
	length := bytes.IndexByte(after, '"')
	if !found || length < 1 {
		return json.Unmarshal(input, invocation)
	}
	file := make([]byte, base64.StdEncoding.DecodedLen(length))
	n, bad := base64.StdEncoding.Decode(file, after[:length])
	rest := slices.Concat(before, key, after[length:])
	if bad == nil && json.Unmarshal(rest, invocation) == nil {
		// What was cut out is the file if the file is now there, and empty.
		if r := invocation.Request; r != nil && r.Raw != nil && len(r.Raw) == 0 {
			r.Raw = file[:n]
			return nil
		}
	}
	*invocation = abi.Invocation{} // it was another member of that name
	return json.Unmarshal(input, invocation)
}

func encodeError(failure *abi.Error) []byte {
	encoded, _ := json.Marshal(abi.Response{Error: failure})
	return encoded
}

// encodeAnswer writes an abi.Response around a body that is JSON already, which
// json.Marshal would read once more.
func encodeAnswer(c *Ctx, body json.RawMessage) []byte {
	out := append(make([]byte, 0, len(body)+64), `{"status":`...)
	out = strconv.AppendInt(out, int64(c.status), 10)
	if c.headers != nil {
		headers, _ := json.Marshal(c.headers)
		out = append(append(out, `,"headers":`...), headers...)
	}
	if len(body) > 0 {
		out = append(append(out, `,"body":`...), body...)
	}
	return append(out, '}')
}
