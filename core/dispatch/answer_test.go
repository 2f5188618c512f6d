package dispatch

import (
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var jsonRoute = &target{manifest: &abi.Manifest{Name: "crm"}, handler: "create"}

func TestParseResponse(t *testing.T) {
	rawRoute := &target{manifest: jsonRoute.manifest, handler: "export", raw: true}
	for _, c := range []struct {
		name, output string
		target       *target
		trigger      abi.Trigger
		status       int
		problem      string // part of the message; "" for none
	}{
		{"nothing", ``, jsonRoute, abi.TriggerRequest, 204, ""},
		{"empty object", `{}`, jsonRoute, abi.TriggerRequest, 204, ""},
		{"body", `{"body":{"a":1}}`, jsonRoute, abi.TriggerRequest, 200, ""},
		{"status", `{"status":201,"body":1}`, jsonRoute, abi.TriggerRequest, 201, ""},
		{"raw", `{"raw":"YQ=="}`, rawRoute, abi.TriggerRequest, 200, ""},
		{"body of an event", `{"body":1}`, jsonRoute, abi.TriggerEvent, 0, ""},
		{"error", `{"error":{"kind":"invalid","message":"no"}}`, jsonRoute, abi.TriggerRequest, 0, ""},
		{"headers", `{"headers":{"Content-Type":"text/csv","X-Rows":"3","Location":"/contacts/1"},"body":1}`, jsonRoute, abi.TriggerRequest, 200, ""},

		{"not JSON", `<html>`, jsonRoute, abi.TriggerRequest, 0, "not JSON"},
		{"cut short", `{"body":`, jsonRoute, abi.TriggerRequest, 0, "too early"},
		{"two answers", `{}{}`, jsonRoute, abi.TriggerRequest, 0, "goes on"},
		{"not an object", `[1]`, jsonRoute, abi.TriggerRequest, 0, "object"},
		{"wrong type", `{"status":"ok"}`, jsonRoute, abi.TriggerRequest, 0, "status"},
		{"unknown member", `{"statusCode":200}`, jsonRoute, abi.TriggerRequest, 0, "statusCode"},
		{"impossible status", `{"status":101}`, jsonRoute, abi.TriggerRequest, 0, "200 to 599"},
		{"error and body", `{"error":{"kind":"invalid","message":"no"},"body":1}`, jsonRoute, abi.TriggerRequest, 0, "nothing else"},
		{"bytes from a JSON route", `{"raw":"YQ=="}`, jsonRoute, abi.TriggerRequest, 0, "raw"},
		{"body and bytes", `{"raw":"YQ==","body":1}`, rawRoute, abi.TriggerRequest, 0, "both"},
		{"status of an event", `{"status":200}`, jsonRoute, abi.TriggerEvent, 0, "request"},
		{"cookie", `{"headers":{"Set-Cookie":"a=b"}}`, jsonRoute, abi.TriggerRequest, 0, "set-cookie"},
		{"policy", `{"headers":{"content-security-policy":"*"}}`, jsonRoute, abi.TriggerRequest, 0, "content-security-policy"},
		{"other host", `{"headers":{"location":"https://evil.example"}}`, jsonRoute, abi.TriggerRequest, 0, "path on this server"},
		{"other host without scheme", `{"headers":{"location":"//evil.example"}}`, jsonRoute, abi.TriggerRequest, 0, "path on this server"},
		{"other host by backslash", `{"headers":{"location":"/\\evil.example"}}`, jsonRoute, abi.TriggerRequest, 0, "path on this server"},
		{"split header", `{"headers":{"x-a":"b\r\nset-cookie: c"}}`, jsonRoute, abi.TriggerRequest, 0, "control"},
		{"split name", `{"headers":{"x-a\r\nset-cookie":"b"}}`, jsonRoute, abi.TriggerRequest, 0, "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := parseResponse([]byte(c.output), c.target, c.trigger)
			if c.problem == "" {
				if err != nil || response.Status != c.status {
					t.Fatalf("status %d, %v; want %d", response.Status, err, c.status)
				}
				return
			}
			if core.KindOf(err) != core.Internal || !strings.Contains(core.MessageOf(err), c.problem) || !strings.Contains(core.MessageOf(err), "crm") {
				t.Fatalf("%v; want an internal error of crm that names %q", err, c.problem)
			}
		})
	}
}

func TestGuestErrorKinds(t *testing.T) {
	allowed := map[core.Kind]bool{}
	for _, kind := range guestKinds {
		allowed[kind] = true
	}
	for _, kind := range append(core.Kinds, "made_up", "") {
		err := guestError(jsonRoute, &abi.Error{Kind: string(kind), Message: "the secret is 42", Violations: []abi.Violation{{Location: "body.email", Message: "is taken"}}})
		if allowed[kind] {
			if core.KindOf(err) != kind || core.MessageOf(err) != "the secret is 42" || len(core.ViolationsOf(err)) != 1 {
				t.Errorf("%s: %v", kind, err)
			}
		} else if core.KindOf(err) != core.Internal || strings.Contains(core.MessageOf(err), "42") {
			t.Errorf("%s: %v, want a neutral internal error", kind, err)
		}
	}
	long := guestError(jsonRoute, &abi.Error{Kind: "invalid", Message: strings.Repeat("é", maxGuestMessage)})
	if n := len(core.MessageOf(long)); n > maxGuestMessage {
		t.Errorf("a message of %d bytes", n)
	}
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte(`{"status":200,"headers":{"x-a":"b"},"body":{}}`))
	f.Add([]byte(`{"error":{"kind":"invalid","message":"","violations":[{}]}}`))
	f.Fuzz(func(t *testing.T, output []byte) {
		for _, trigger := range []abi.Trigger{abi.TriggerRequest, abi.TriggerEvent} {
			response, err := parseResponse(output, jsonRoute, trigger)
			if err != nil && core.KindOf(err) != core.Internal {
				t.Fatalf("%v", err)
			}
			if err == nil && response.Error == nil && trigger == abi.TriggerRequest && (response.Status < 200 || response.Status > 599) {
				t.Fatalf("status %d", response.Status)
			}
		}
	})
}

// Browsers take tabs out of an address before they read it, and some proxies
// serve files or other addresses when an answer's header says so.
func TestAttack48_HeadersThatLeadElsewhere(t *testing.T) {
	for name, value := range map[string]string{
		"location":         "/\t/evil.example",
		"x-accel-redirect": "/internal/secrets", "X-Sendfile": "/etc/passwd", "x-lighttpd-send-file": "/etc/passwd",
		"x-litespeed-location": "/internal", "x-reproxy-url": "http://169.254.169.254/",
	} {
		if _, err := checkHeaders(jsonRoute, map[string]string{name: value}); core.KindOf(err) != core.Internal {
			t.Errorf("%s: %q passes: %v", name, value, err)
		}
	}
}
