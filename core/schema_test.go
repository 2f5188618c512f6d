package core_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// doubling is a schema of n levels, each of which refers to the next one twice.
func doubling(n int, refer string) string {
	var b strings.Builder
	b.WriteString(`{"type": "object", "$defs": {`)
	for i := range n {
		next := fmt.Sprintf(`{"$ref": "#/$defs/l%d"}`, i+1)
		fmt.Fprintf(&b, `"l%d": %s, `, i, fmt.Sprintf(refer, next, next))
	}
	fmt.Fprintf(&b, `"l%d": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/l0"}}}`, n)
	return b.String()
}

// TestAttack16_SchemaBombs: a schema is as big as what its references come to,
// and one that would take long to check with can't be published. Whatever
// followed them all here would never end.
func TestAttack16_SchemaBombs(t *testing.T) {
	for name, c := range map[string]struct{ schema, says string }{
		"doubling":                    {doubling(15, `{"allOf": [%s, %s]}`), "5000 parts"},
		"doubling many times":         {doubling(60, `{"allOf": [%s, %s]}`), "levels deep"},
		"doubling in properties":      {doubling(30, `{"properties": {"x": %s, "y": %s}}`), "levels deep"},
		"named like a value":          {strings.Replace(doubling(15, `{"anyOf": [%s, %s]}`), `"a":`, `"default":`, 1), "parts"},
		"its own part":                {`{"type": "object", "properties": {"a": {"$ref": "#"}}}`, "leads back to itself"},
		"a circle":                    {`{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}`, "leads back to itself"},
		"a circle in two spellings":   {`{"$defs": {"a": {"items": {"$ref": "#/%24defs/a"}}}, "$ref": "#/$defs/a"}`, "leads back to itself"},
		"deep":                        {strings.Repeat(`{"items": `, 500) + "{}" + strings.Repeat("}", 500), "64 levels"},
		"large":                       {`{"description": "` + strings.Repeat("x", 64<<10) + `"}`, "65536 are allowed"},
		"many values":                 {`{"enum": [` + strings.Repeat("0, ", 6000) + `0]}`, "parts"},
		"a long pattern":              {`{"properties": {"a": {"pattern": "` + strings.Repeat("x", 600) + `"}}}`, "512 are allowed"},
		"a large pattern":             {`{"properties": {"a": {"pattern": "` + strings.Repeat("x{1000}", 60) + `"}}}`, "parts"},
		"a large pattern of names":    {`{"patternProperties": {"` + strings.Repeat("x{1000}", 60) + `": true}}`, "parts"},
		"a pattern, again and again":  {doubling(4, `{"pattern": "x{1000}", "allOf": [%s, %s]}`), "parts"},
		"not a pattern":               {`{"properties": {"a": {"pattern": "("}}}`, "not a regular expression"},
		"a reference out of it":       {`{"$ref": "https://example.com/s.json"}`, "leads to nothing in this schema"},
		"a reference to a file":       {`{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`, "leads to nothing in this schema"},
		"a reference to an anchor":    {`{"$defs": {"a": {"$anchor": "a"}}, "$ref": "#a"}`, "leads to nothing in this schema"},
		"another base":                {`{"properties": {"a": {"$id": "https://example.com/", "$ref": "#/properties"}}}`, "$id has no use"},
		"a dynamic reference":         {`{"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}}`, "$dynamicRef has no use"},
		"another dialect":             {`{"$schema": "http://json-schema.org/draft-04/schema#"}`, "$schema must be left out"},
		"another dialect for a part":  {`{"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}`, "$schema must be left out"},
		"nothing":                     {`null`, "must be a JSON Schema object"},
		"a reference past a list":     {`{"allOf": [true], "$ref": "#/allOf/1"}`, "leads to nothing"},
		"a reference past a boolean":  {`{"allOf": [true], "$ref": "#/allOf/0/x"}`, "leads to nothing"},
		"a reference with a sign":     {`{"allOf": [true], "$ref": "#/allOf/+0"}`, "leads to nothing"},
		"a reference badly encoded":   {`{"allOf": [true], "$ref": "#/%zz"}`, "leads to nothing"},
		"a reference that is a value": {`{"default": {"type": "string"}, "properties": {"a": {"$ref": "#/default/x"}}}`, "leads to nothing"},
	} {
		_, wrong := core.CheckSchema("settings", json.RawMessage(c.schema))
		if !strings.Contains(wrong.Error(), c.says) || !strings.HasPrefix(wrong.Error(), "settings") {
			t.Errorf("%s: %.400q doesn't say %q", name, wrong.Error(), c.says)
		}
		if len(wrong.Error()) > 20_000 {
			t.Errorf("%s: says %d bytes", name, len(wrong.Error()))
		}
	}
}

func TestSchemasOfPlugins(t *testing.T) {
	for schema, want := range map[string]int{
		`{}`:                 1,
		`{"type": "object"}`: 2,
		`{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}`:         3,
		`{"properties": {"$ref": {}, "$id": {}, "pattern": {}, "default": {"type": "string"}}}`: 7,
		`{"properties": {"a": {"default": {"$ref": "x", "$id": 1, "pattern": "("}}}}`:           7,
		`{"$defs": {"a/b~c": {"type": "string"}}, "items": {"$ref": "#/%24defs/a~1b~0c"}}`:      8,
		`{"$defs": {"s": true}, "allOf": [{"$ref": "#/$defs/s"}, {"$ref": "#/allOf/0"}]}`:       12,
		`{"pattern": "x"}`: 5, // the pattern is three instructions
	} {
		parts, wrong := core.CheckSchema("settings", json.RawMessage(schema))
		if len(wrong) > 0 || parts != want {
			t.Errorf("%s has %d parts, want %d; %v", schema, parts, want, wrong)
		}
	}
}
