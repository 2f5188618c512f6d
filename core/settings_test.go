package core_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestPublicSettings(t *testing.T) {
	schema := json.RawMessage(`{"type": "object", "properties": {
		"host": {"type": "string"}, "any": true, "secret": {"type": "boolean"},
		"password": {"type": "string", "secret": true},
		"keys": {"type": "object", "secret": true, "properties": {"a": {"type": "string"}}},
		"smtp": {"type": "object", "properties": {"user": {"type": "string"}, "password": {"secret": true}}}}}`)
	for given, want := range map[string]struct {
		public  string
		secrets []string
	}{
		``:                              {`{}`, nil},
		`{"host": "h", "secret": true}`: {`{"host":"h","secret":true}`, nil},
		`{"password": "x", "any": {"password": 1}}`:                    {`{"any":{"password":1}}`, []string{"password"}},
		`{"keys": {"a": "x"}, "smtp": {"user": "u", "password": "x"}}`: {`{"smtp":{"user":"u"}}`, []string{"keys", "smtp.password"}},
		`{"smtp": "x", "password": null}`:                              {`{"smtp":"x"}`, []string{"password"}},
		`{"big": 9007199254740993, "password": ""}`:                    {`{"big":9007199254740993}`, []string{"password"}},
	} {
		public, secrets, err := core.PublicSettings(schema, json.RawMessage(given))
		if err != nil || string(public) != want.public || !slices.Equal(secrets, want.secrets) {
			t.Errorf("%s: %s without %v, %v; want %s without %v", given, public, secrets, err, want.public, want.secrets)
		}
	}
	if public, _, err := core.PublicSettings(nil, json.RawMessage(`{"a":1}`)); err != nil || string(public) != `{"a":1}` {
		t.Errorf("without a schema: %s, %v", public, err)
	}
	for _, broken := range []string{`{`, `[]`} {
		if public, _, err := core.PublicSettings(schema, json.RawMessage(broken)); err == nil || public != nil {
			t.Errorf("%s: %s, %v", broken, public, err)
		}
	}
}

func TestMisplacedSecrets(t *testing.T) {
	for schema, want := range map[string][]string{
		`{"properties": {"a": {"secret": true}, "b": {"properties": {"c": {"secret": true}}}}}`: nil,
		`{"properties": {"secret": {"default": {"secret": true}, "enum": [{"secret": true}]}}}`: nil,
		`{"secret": true}`: {"settings"},
		`{"properties": {"a": {"items": {"properties": {"b": {"secret": true}}}}}}`: {"settings.properties.a.items.properties.b"},
		`{"allOf": [{"properties": {"a": {"secret": true}}}]}`:                      {"settings.allOf.properties.a"},
		`{"$defs": {"k": {"secret": true}}, "additionalProperties": {"secret": true}, "patternProperties": {"^x": {"secret": true}}}`: {
			"settings.$defs.k", "settings.additionalProperties", "settings.patternProperties.^x"},
		`not JSON`: nil,
	} {
		if got := core.MisplacedSecrets(json.RawMessage(schema)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", schema, got, want)
		}
	}
}

// TestAttack51_ASettingIsNotCalledLikeASecret: a form's field and a dotted path
// mean one setting. A plugin whose settings have "smtp.password" beside smtp would
// be given in the clear what people type as the password of their mail server.
func TestAttack51_ASettingIsNotCalledLikeASecret(t *testing.T) {
	m := manifest(t, "good.json")
	smtp := `"smtp": {"type": "object", "properties": {"password": {"type": "string", "secret": true}%s}}`
	for extra, want := range map[string]string{
		fmt.Sprintf(smtp, ""): "",
		fmt.Sprintf(smtp, "") + `, "smtp.password": {"type": "string", "default": "x"}`: "settings.properties.smtp.password",
		fmt.Sprintf(smtp, `, "a.b": {"type": "string"}`):                                "settings.properties.smtp.properties.a.b",
		`"a": {"type": "string", "enum": ["x.y"], "default": "x.y"}`:                    "",
	} {
		m.Settings = json.RawMessage(`{"type": "object", "properties": {` + extra + `}}`)
		var at string
		for _, v := range core.ViolationsOf(core.CheckManifest(m)) {
			at += v.Location
		}
		if at != want {
			t.Errorf("%s is refused at %q, want %q", extra, at, want)
		}
	}
}
