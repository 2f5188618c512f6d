package core

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
)

// FuzzProperties: what CheckJSON takes has the properties that encoding/json finds, and
// reads as encoding/json reads it.
func FuzzProperties(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { "table" : "t" , "body":{"a":[1,{"b":"}"}],"c":"\\"},"n":-3,"yes":true } `, `{"table":"\u0061","\u006e":1,"body":null}`,
		`[1]`, `"a"`, `{"Table":"t"}`, `{"table":null}`, `{"n":1.5}`, `{"n":1e3}`, `{"n":9223372036854775808}`, `{"other":1}`, `{"a":1,}`, `{"a"}`, ``, `{"a":1}x`,
		`{"n":01}`, `{"yes":1}`, `{"0":{"0`, "{\"body\":\n1\t}",
	} {
		f.Add([]byte(text))
	}
	type sample struct {
		Table string          `json:"table"`
		Body  json.RawMessage `json:"body,omitempty"`
		N     int64           `json:"n,omitempty"`
		Yes   bool            `json:"yes"`
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		given := bytes.Clone(text)
		if _, fault := CheckJSON(text); fault == "" {
			var want map[string]json.RawMessage
			isObject := json.Unmarshal(text, &want) == nil && want != nil
			properties, ok := Properties(text)
			got := map[string]json.RawMessage{}
			for _, m := range properties {
				got[m.Name] = m.Value
			}
			if ok != isObject || ok && !maps.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Errorf("%q has %q, %v; want %q, %v", text, got, ok, want, isObject)
			}
		} else {
			Properties(text) // ends
		}
		got, err := Decode[sample]("test", text)
		want, wanted := decode[sample]("test", text)
		if (err == nil) != (wanted == nil) || err != nil && err.Error() != wanted.Error() ||
			err == nil && (got.Table != want.Table || !bytes.Equal(got.Body, want.Body) || got.N != want.N || got.Yes != want.Yes) {
			t.Errorf("%q reads as %+v, %v; want %+v, %v", text, got, err, want, wanted)
		}
		if !bytes.Equal(text, given) {
			t.Errorf("%q became %q", given, text)
		}
	})
}
