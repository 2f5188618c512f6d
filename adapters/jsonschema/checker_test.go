package jsonschema_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/core"
)

const schema = `{"type": "object", "additionalProperties": false, "required": ["from"],
	"properties": {
		"from": {"type": "string", "format": "email"},
		"rate": {"type": "integer", "default": 60, "minimum": 1},
		"mode": {"enum": ["live", "test"], "default": "test"},
		"hosts": {"type": "array", "items": {"type": "string"}, "default": ["localhost"]},
		"smtp": {"type": "object", "required": ["host"], "properties": {
			"host": {"type": "string"}, "port": {"type": "integer", "default": 25},
			"password": {"type": "string", "secret": true, "pattern": "^[a-z]+$"}}}}}`

func TestDefaults(t *testing.T) {
	for given, want := range map[string]string{
		`{"from": "a@example.com"}`:                                         `{"from":"a@example.com","hosts":["localhost"],"mode":"test","rate":60}`,
		`{"from": "a@example.com", "rate": 1, "hosts": [], "mode": "live"}`: `{"from":"a@example.com","hosts":[],"mode":"live","rate":1}`,
		`{"from": "a@example.com", "smtp": {"host": "h"}}`:                  `{"from":"a@example.com","hosts":["localhost"],"mode":"test","rate":60,"smtp":{"host":"h","port":25}}`,
		`{"from": "a@example.com", "rate": 9007199254740993}`:               `{"from":"a@example.com","hosts":["localhost"],"mode":"test","rate":9007199254740993}`,
	} {
		got, err := jsonschema.Checker{}.Check(json.RawMessage(schema), json.RawMessage(given))
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s, %v; want %s", given, got, err, want)
		}
	}
	for _, empty := range []string{"", "{}"} {
		if got, err := (jsonschema.Checker{}).Check(nil, json.RawMessage(empty)); err != nil || string(got) != "{}" {
			t.Errorf("no schema, %q: %s, %v", empty, got, err)
		}
	}
}

func TestViolations(t *testing.T) {
	for given, want := range map[string][]string{
		``:                                    {"settings.from"},
		`null`:                                {"settings"},
		`[]`:                                  {"settings"},
		`{"from": "a@example.com"} {}`:        {"settings"},
		`{"from": "nobody"}`:                  {"settings.from"},
		`{"from": 1, "rate": 0, "mode": "x"}`: {"settings.from", "settings.mode", "settings.rate"},
		`{"from": "a@example.com", "x": 1, "y": 2}`:                            {"settings.x", "settings.y"},
		`{"from": "a@example.com", "hosts": ["a", 2]}`:                         {"settings.hosts[1]"},
		`{"from": "a@example.com", "smtp": {"port": "x"}}`:                     {"settings.smtp.host", "settings.smtp.port"},
		`{"from": "a@example.com", "smtp": {"host": "h", "password": "Cana"}}`: {"settings.smtp.password"},
	} {
		_, err := jsonschema.Checker{}.Check(json.RawMessage(schema), json.RawMessage(given))
		var at []string
		for _, v := range core.ViolationsOf(err) {
			at = append(at, v.Location)
		}
		slices.Sort(at)
		if core.KindOf(err) != core.Invalid || !slices.Equal(at, want) {
			t.Errorf("%s: %v at %v, want %v", given, err, at, want)
		}
		if err != nil && strings.Contains(err.Error(), "Cana") {
			t.Errorf("a secret is quoted: %v", err)
		}
	}
	if _, err := (jsonschema.Checker{}).Check(nil, json.RawMessage(`{"a": 1}`)); core.KindOf(err) != core.Invalid {
		t.Errorf("settings for a plugin without: %v", err)
	}
}

// TestNothingIsLoaded refers to a file and a server that are there.
func TestNothingIsLoaded(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Write([]byte(`{"type": "string"}`))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(`{"type": "string"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, refers := range []string{
		`{"type": "object", "properties": {"a": {"$ref": "` + server.URL + `/s.json"}}}`,
		`{"type": "object", "properties": {"a": {"$ref": "file://` + file + `"}}}`,
		`{"$id": "file://` + file + `", "type": "object", "properties": {"a": {"$ref": "other.json"}}}`,
		`{"$schema": "` + server.URL + `/meta.json", "type": "object"}`,
	} {
		if _, err := (jsonschema.Checker{}).Check(json.RawMessage(refers), json.RawMessage(`{"a": "x"}`)); core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), "author") {
			t.Errorf("%s: %v", refers, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("the server was asked")
	}
	inside := `{"type": "object", "$defs": {"s": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/s"}}}`
	if _, err := (jsonschema.Checker{}).Check(json.RawMessage(inside), json.RawMessage(`{"a": "x"}`)); err != nil {
		t.Errorf("a reference within the manifest: %v", err)
	}
}

func TestFaultySchemas(t *testing.T) {
	for name, faulty := range map[string]string{
		"not JSON":          `{`,
		"unknown type":      `{"type": "thing"}`,
		"bad pattern":       `{"type": "object", "properties": {"a": {"pattern": "("}}}`,
		"endless reference": `{"$ref": "#"}`,
		"misplaced secret":  `{"type": "object", "$defs": {"s": {"type": "string", "secret": true}}, "properties": {"a": {"$ref": "#/$defs/s"}}}`,
		"secret in a list":  `{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"s": {"secret": true}}}}}}`,
	} {
		if _, err := (jsonschema.Checker{}).Check(json.RawMessage(faulty), nil); core.KindOf(err) != core.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAttack16_SettingsAndSchemaBombs: neither a schema nor settings, nor the
// two together, can be much work. What is refused here would take from seconds
// to for ever.
func TestAttack16_SettingsAndSchemaBombs(t *testing.T) {
	levels := &strings.Builder{}
	for i := range 20 {
		fmt.Fprintf(levels, `"l%d": {"allOf": [{"$ref": "#/$defs/l%d"}, {"$ref": "#/$defs/l%d"}]}, `, i, i+1, i+1)
	}
	alternatives := strings.Repeat(`{"type": "array"}, `, 2000)
	for name, c := range map[string]struct{ schema, settings, says string }{
		"a schema that doubles":         {`{"type": "object", "$defs": {` + levels.String() + `"l20": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/l0"}}}`, `{"a": "x"}`, "Its author"},
		"large settings":                {`{"type": "object"}`, `{"a": "` + strings.Repeat("x", 64<<10) + `"}`, "65536 are allowed"},
		"many alternatives":             {`{"type": "object", "additionalProperties": {"anyOf": [` + alternatives + `true]}}`, distinct(500, `0`), "more than 124 names and values"},
		"long texts":                    {`{"type": "object", "additionalProperties": {"pattern": "(x+x+){400}y"}}`, distinct(100, `"`+strings.Repeat("x", 500)+`"`), "too long for the plugin's patterns"},
		"a long name":                   {`{"type": "object", "patternProperties": {"(x|xx|x*y){250}z": true}}`, `{"` + strings.Repeat("x", 60_000) + `": 1}`, "too long for the plugin's patterns"},
		"texts that are large patterns": {`{"type": "object", "additionalProperties": {"format": "regex"}}`, distinct(3000, `"x{1000}"`), "too long for the plugin's patterns"},
	} {
		_, err := jsonschema.Checker{}.Check(json.RawMessage(c.schema), json.RawMessage(c.settings))
		if text := core.MessageOf(err) + core.ViolationsOf(err).Error(); core.KindOf(err) != core.Invalid || !strings.Contains(text, c.says) {
			t.Errorf("%s: %.400q doesn't say %q", name, text, c.says)
		}
	}
	// What isn't meant to be a bomb passes.
	for schema, settings := range map[string]string{
		`{"type": "object", "properties": {"hosts": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9.-]{1,63}$"}}}}`: `{"hosts":[` + strings.TrimSuffix(strings.Repeat(`"mail.example.com",`, 1000), ",") + `]}`,
		`{"type": "object", "properties": {"template": {"type": "string", "maxLength": 60000, "pattern": "^[^<>]*$"}}}`:                `{"template":"` + strings.Repeat("é", 25_000) + `"}`,
	} {
		if got, err := (jsonschema.Checker{}).Check(json.RawMessage(schema), json.RawMessage(settings)); err != nil || string(got) != settings {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

// distinct is an object of n members with the same value.
func distinct(n int, value string) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"%d": %s`, i, value)
	}
	return `{` + strings.Join(members, ", ") + `}`
}
