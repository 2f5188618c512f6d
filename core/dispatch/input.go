package dispatch

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// encodeInput encodes what a handler is called with, as json.Marshal would, but
// for bodies, payloads and data: they are JSON that was looked at when it came,
// and stay as they are.
func encodeInput(in *abi.Invocation) ([]byte, error) {
	if y := in.Now.UTC().Year(); y < 0 || y > 9999 {
		return nil, core.E("dispatch.Run", core.Internal, "The year %d cannot be written.", y)
	}
	b := make([]byte, 0, 768+inputSize(in))
	b = appendText(append(b, `{"id":`...), in.ID)
	b = appendText(append(b, `,"kind":`...), string(in.Kind))
	b = appendText(append(b, `,"handler":`...), in.Handler)
	b = appendText(append(b, `,"trigger":`...), string(in.Trigger))
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(in.Attempt), 10)
	b = append(in.Now.AppendFormat(append(b, `,"now":"`...), time.RFC3339Nano), '"')
	b = strconv.AppendUint(append(b, `,"seed":`...), in.Seed, 10)
	b = appendText(append(b, `,"actor":{"type":`...), in.Actor.Type)
	b = appendMember(b, `,"id":`, in.Actor.ID)
	b = append(appendMember(b, `,"role":`, in.Actor.Role), '}')
	b = appendText(append(b, `,"publicUrl":`...), in.PublicURL)
	b = appendMember(b, `,"idempotencyKey":`, in.IdempotencyKey)
	if in.Request != nil {
		b = appendRequest(append(b, `,"request":`...), in.Request)
	}
	if in.Event != nil {
		encoded, err := json.Marshal(in.Event)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"event":`...), encoded...)
	}
	if len(in.Payload) > 0 {
		b = append(append(b, `,"payload":`...), in.Payload...)
	}
	return append(b, '}'), nil
}

func inputSize(in *abi.Invocation) int {
	n := len(in.Payload)
	if in.Request != nil {
		n += len(in.Request.Body) + base64.StdEncoding.EncodedLen(len(in.Request.Raw))
	}
	return n
}

func appendRequest(b []byte, r *abi.Request) []byte {
	b = appendText(append(b, `{"method":`...), r.Method)
	b = appendText(append(b, `,"path":`...), r.Path)
	b = appendTexts(b, `,"params":{`, r.Params)
	b = appendTexts(b, `,"query":{`, r.Query)
	b = appendTexts(b, `,"headers":{`, r.Headers)
	if len(r.Body) > 0 {
		b = append(append(b, `,"body":`...), r.Body...)
	}
	if len(r.Raw) > 0 {
		b = base64.StdEncoding.AppendEncode(append(b, `,"raw":"`...), r.Raw)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendMember appends a member unless it is empty.
func appendMember(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(append(b, name...), text)
}

// appendTexts appends an object unless it is empty, its members in the order of
// their names: the same call has the same input, and so uses the same fuel.
func appendTexts(b []byte, name string, texts map[string]string) []byte {
	if len(texts) == 0 {
		return b
	}
	b = append(b, name...)
	for i, key := range slices.Sorted(maps.Keys(texts)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, key), ':'), texts[key])
	}
	return append(b, '}')
}

// appendText appends a text as a JSON string.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			encoded, _ := json.Marshal(text) // a string always encodes
			return append(b, encoded...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
