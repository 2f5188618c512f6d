package core_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// sealing writes where a value was, so that a test sees what is sealed as what.
func sealing(path []string, value json.RawMessage) (string, error) {
	return strings.Join(path, "/") + "=" + string(value), nil
}

func opening(path []string, sealed string) (json.RawMessage, error) {
	place, value, _ := strings.Cut(sealed, "=")
	if place != strings.Join(path, "/") {
		return nil, errors.New("sealed for another place")
	}
	return json.RawMessage(value), nil
}

func TestSealSettings(t *testing.T) {
	schema := json.RawMessage(`{"properties": {"key": {"secret": true}, "smtp": {"properties": {"host": {}, "password": {"secret": true}}}, "a.b": {"secret": true}}}`)
	for settings, sealed := range map[string]string{
		`{}`:                                   `{}`,
		`{"key":"x","n":12345678901234567890}`: `{"key":{"$sealed":"key=\"x\""},"n":12345678901234567890}`,
		`{"key":{"a":[1,null]}}`:               `{"key":{"$sealed":"key={\"a\":[1,null]}"}}`,
		`{"key":null,"other":{"key":1}}`:       `{"key":{"$sealed":"key=null"},"other":{"key":1}}`,
		`{"smtp":{"host":"h","password":"p"}}`: `{"smtp":{"host":"h","password":{"$sealed":"smtp/password=\"p\""}}}`,
		`{"smtp":"x","a.b":1}`:                 `{"a.b":{"$sealed":"a.b=1"},"smtp":"x"}`,
		`{"key":{"$sealed":"key=1"}}`:          `{"key":{"$sealed":"key=1"}}`,
	} {
		got, err := core.SealSettings(schema, json.RawMessage(settings), nil, sealing)
		if err != nil || string(got) != sealed {
			t.Errorf("%s is sealed as %s, %v, not %s", settings, got, err, sealed)
		}
		if public, _, err := core.PublicSettings(nil, got); err != nil || strings.Contains(string(public), "$sealed") {
			t.Errorf("public of %s is %s, %v", got, public, err)
		}
		opened, paths, err := core.OpenSettings(got, opening)
		if err != nil || len(paths) != strings.Count(sealed, "$sealed") {
			t.Errorf("%s opens as %s, %v, at %v", sealed, opened, err, paths)
		}
		// What was secret once stays sealed, whatever a later schema says.
		again, err := core.SealSettings(nil, opened, paths, sealing)
		if err != nil || string(again) != sealed {
			t.Errorf("%s is sealed again as %s, %v", opened, again, err)
		}
	}
	if _, _, err := core.OpenSettings(json.RawMessage(`{"a":{"b":{"$sealed":"a/c=1"}}}`), opening); err == nil {
		t.Error("what was sealed for another place was opened")
	}
	settings := json.RawMessage(`{"smtp":{"password":{"$sealed":"s"},"host":"h"}}`)
	if sealed, plain := core.SealedSetting(settings, "smtp", "password"); sealed != "s" || plain != nil {
		t.Errorf("%q, %s", sealed, plain)
	}
	if sealed, plain := core.SealedSetting(settings, "smtp", "host"); sealed != "" || string(plain) != `"h"` {
		t.Errorf("%q, %s", sealed, plain)
	}
	if sealed, plain := core.SealedSetting(settings, "smtp", "host", "x"); sealed != "" || plain != nil {
		t.Errorf("%q, %s", sealed, plain)
	}
}

func TestCheckUnsealed(t *testing.T) {
	err := core.CheckUnsealed(json.RawMessage(`{"a":{"b":{"$sealed":"x"}},"c":{"$sealed":"x","more":1},"d":{"$sealed":1}}`))
	wrong := core.ViolationsOf(err)
	if core.KindOf(err) != core.Invalid || len(wrong) != 1 || wrong[0].Location != "settings.a.b" {
		t.Errorf("%v", err)
	}
	for _, fine := range []string{`{}`, `{"a":"$sealed"}`, `not JSON`, ``} {
		if err := core.CheckUnsealed(json.RawMessage(fine)); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}

func TestWithoutSealed(t *testing.T) {
	for settings, want := range map[string]string{
		`{}`:                          `{}`,
		`{"a":1,"b":{"$sealed":"x"}}`: `{"a":1}`,
		`{"a":{"b":{"$sealed":"x"},"c":[{"d":2}]}}`: `{"a":{"c":[{"d":2}]}}`,
	} {
		if got, err := core.WithoutSealed(json.RawMessage(settings)); err != nil || string(got) != want {
			t.Errorf("%s without is %s, %v", settings, got, err)
		}
	}
	if got, err := core.WithoutSealed(json.RawMessage(`[]`)); err == nil {
		t.Errorf("a list is read as %s", got)
	}
}
