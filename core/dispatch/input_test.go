package dispatch

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// What a handler is called with is what encoding/json writes.
func TestInputIsAsMarshalled(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC)
	for name, in := range map[string]abi.Invocation{
		"a request": {
			ID: "inv_1", Kind: abi.KindQuery, Handler: "GET /a", Trigger: abi.TriggerRequest, Attempt: 1, Now: now, Seed: 1<<64 - 1,
			Actor: abi.Actor{Type: "member", ID: "acc_1", Role: "owner"}, PublicURL: "https://h/w/a/b",
			Request: &abi.Request{Method: "GET", Path: "/a"},
		},
		"a request with everything": {
			ID: "inv_1", Kind: abi.KindMutation, Handler: "POST /a/:b", Trigger: abi.TriggerRequest, Attempt: 3, Now: now.Truncate(time.Second),
			Actor: abi.Actor{Type: "anonymous"}, IdempotencyKey: `"key" <&>`,
			Request: &abi.Request{
				Method: "POST", Path: "/a/é\u2028", Params: map[string]string{"b": "\x00\\\x7f"}, Query: map[string]string{"z": "1", "a": "2", "é": ""},
				Headers: map[string]string{"content-type": "application/json", "accept": "*/*"}, Body: json.RawMessage(`{"a":["x",1,null]}`),
			},
		},
		"bytes":    {Now: now, Request: &abi.Request{Raw: []byte{0, 1, 255, 254}}},
		"an event": {Now: now, Event: &abi.Event{ID: "evt_1", Type: "a.b", Time: now, Data: json.RawMessage(`{}`)}, IdempotencyKey: "k"},
		"a job":    {Now: now, Attempt: 8, Payload: json.RawMessage(`{"n":1}`)},
	} {
		want, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encodeInput(&in)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s:\n%s, want\n%s (%v)", name, got, want, err)
		}
	}
	if _, err := encodeInput(&abi.Invocation{Now: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("a year of five digits is written")
	}
}

// A response in the usual form is read as any other, and only if it is one.
func TestUsualResponse(t *testing.T) {
	for _, text := range []string{
		`{"status":201,"body":{"a":1}}`, `{"status":0,"body":"x"}`, `{"status":200,"body": [1,2] }`, `{"status":200,"body":null}`,
		`{"status":200,"body":{"a":1},"raw":"eA=="}`, `{"status":200,"body":1,"body":2}`, `{"status":200,"body":{"a":1,"a":2}}`, `{"status":200,"body":}`,
		`{"status":200,"body":"\ud800"}`, `{"status":200,"body":1}}`, `{"status":200,"body":1} `, `{"status":200,"body":1,"status":1}`, `{"status":0200,"body":1}`,
		`{"status":,"body":1}`, `{"status":-1,"body":1}`, `{"status":2000,"body":1}`, `{"status":200}`, `{}`, ``, `{"status":"200,"body":1}`,
		`{"status":1,"headers":{"a":",\"body\":1"}}`, `{"status":200,"body":"x","error":{"kind":"invalid"}}`,
	} {
		got, ok := usualResponse([]byte(text))
		if !ok {
			continue
		}
		var want abi.Response
		if err := json.Unmarshal([]byte(text), &want); err != nil || got.Status != want.Status || string(got.Body) != string(want.Body) || want.Raw != nil || want.Error != nil {
			t.Errorf("%s is read as %d %s; it is %+v, %v", text, got.Status, got.Body, want, err)
		}
	}
	for text, want := range map[string]bool{
		`{"status":201,"body":{"a":1}}`: true, `{"status":200,"body":{"a":1,"a":2}}`: false, `{"status":200,"body":1,"body":2}`: false, `{"status":200,"body":1,"raw":""}`: false,
	} {
		if _, ok := usualResponse([]byte(text)); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
}
