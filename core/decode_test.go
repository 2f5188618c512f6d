package core_test

import (
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// What the platform decodes has one reading: members once, characters whole.
func TestDecodeTakesOneReading(t *testing.T) {
	type request struct {
		Table string         `json:"table"`
		Body  map[string]any `json:"body"`
	}
	if got, err := core.Decode[request]("test", []byte(`{"table": "a\u0000", "body": {"A": 1, "a": 2}}`)); err != nil || got.Table != "a\x00" {
		t.Errorf("%+v, %v", got, err)
	}
	for text, at := range map[string]string{
		`{"table": "a", "table": "b"}`:              "table",
		`{"table": "a", "\u0074able": "b"}`:         "table",
		`{"body": {"x": [{"y": 1, "y": 2}]}}`:       "body.x[0].y",
		`{"table": "\udc00"}`:                       "table",
		"{\"table\": \"\xc0\xaf\"}":                 "",
		`{"body": {"x": "` + "\xed\xa0\x80" + `"}}`: "",
	} {
		got, err := core.Decode[request]("test", []byte(text))
		if v := core.ViolationsOf(err); core.KindOf(err) != core.Invalid || len(v) != 1 || v[0].Location != at || got.Table != "" {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if message := core.MessageOf(err); strings.HasPrefix(message, " ") {
			t.Errorf("%s: %q", text, message)
		}
	}
}
