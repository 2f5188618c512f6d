package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a JSON Schema in a manifest. What it takes to check a value grows
// with the schema's parts, and a $ref is as much as what it leads to: a few
// lines that refer to each other twice are millions.
const (
	maxSchemaBytes  = 64 << 10
	maxSchemaParts  = 5_000 // values in its JSON and instructions of its patterns, each time a $ref leads to them
	maxSchemaDepth  = 64    // levels of its JSON, through what its $refs lead to
	maxSchemaFaults = 20    // reported of one schema
	maxPattern      = 512   // bytes
)

// dialect is the JSON Schema of manifests.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// elsewhere are the keywords that name schemas or change where a $ref leads. A
// schema in a manifest needs none of them, and without them `#/…` means one
// thing to whoever reads it.
var elsewhere = []string{"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"}

// CheckSchema says what keeps a JSON Schema of a manifest from being used, as
// violations located at or below a place. Without any, checking a value against
// it takes time in proportion to parts and the value's size.
func CheckSchema(at string, schema json.RawMessage) (parts int, wrong Violations) {
	if len(schema) > maxSchemaBytes {
		wrong.Add(at, "has %d bytes; at most %d are allowed", len(schema), maxSchemaBytes)
		return 0, wrong
	}
	w := schemaWalk{path: []string{at}}
	if !bytes.HasPrefix(bytes.TrimSpace(schema), []byte("{")) || json.Unmarshal(schema, &w.root) != nil {
		wrong.Add(at, "must be a JSON Schema object")
		return 0, wrong
	}
	w.visit(w.root, asSchema)
	if w.parts > maxSchemaParts {
		w.wrong.Add(at, "has more than %d parts, counted each time a $ref leads to them; make it simpler", maxSchemaParts)
	}
	return w.parts, w.wrong
}

// PatternSize returns how many instructions a regular expression is, which is
// what a byte of text may cost when it is matched. Its error says why it is none.
func PatternSize(pattern string) (int, error) {
	if len(pattern) > maxPattern {
		return 0, fmt.Errorf("has %d bytes; at most %d are allowed", len(pattern), maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("is not a regular expression: %w", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, fmt.Errorf("is not a regular expression: %w", err)
	}
	return len(program.Inst), nil
}

// schemaWalk visits a schema as a validator would: what a $ref leads to, as
// often as it leads there.
type schemaWalk struct {
	root      any
	path      []string // to what is being visited
	following []string // the $refs on the way there
	parts     int
	wrong     Violations
	over      bool // it is certain that the schema is refused
}

// meaning is what a value inside a schema is.
type meaning int

const (
	asSchema  meaning = iota // a schema, or a list of them
	asNames                  // an object whose members are schemas
	asPattern                // the same, and its names are patterns
	asValue                  // nothing a validator looks into
)

func (w *schemaWalk) visit(node any, is meaning) {
	if w.over {
		return
	}
	w.parts++
	if len(w.path) > maxSchemaDepth {
		w.fault("is more than %d levels deep, with what its $refs lead to", maxSchemaDepth)
		w.over = true
	}
	if w.over = w.over || w.parts > maxSchemaParts || len(w.wrong) >= maxSchemaFaults; w.over {
		return
	}
	switch node := node.(type) {
	case []any:
		for i, inner := range node {
			w.enter(strconv.Itoa(i), inner, is)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			switch is {
			case asSchema:
				w.enter(name, node[name], w.keyword(name, node[name]))
			case asPattern:
				w.pattern(name)
				w.enter(name, node[name], asSchema)
			case asNames:
				w.enter(name, node[name], asSchema)
			default:
				w.enter(name, node[name], asValue)
			}
		}
	}
}

func (w *schemaWalk) enter(step string, node any, is meaning) {
	w.path = append(w.path, step)
	w.visit(node, is)
	w.path = w.path[:len(w.path)-1]
}

// keyword checks what a keyword says and returns what its value is.
func (w *schemaWalk) keyword(name string, value any) meaning {
	text, isText := value.(string)
	_, isObject := value.(map[string]any)
	switch {
	case name == "$ref" && isText:
		w.follow(text)
	case name == "$schema" && (!isText || strings.TrimSuffix(text, "#") != dialect):
		w.fault("$schema must be left out, or %s", dialect)
	case slices.Contains(elsewhere, name) && !isObject:
		w.fault("%s has no use in a manifest; name schemas in $defs, and refer to them with $ref", name)
	case name == "pattern" && isText:
		w.pattern(text)
	case slices.Contains([]string{"default", "const", "enum", "examples"}, name):
		return asValue
	case name == "patternProperties" && isObject:
		return asPattern
	case slices.Contains([]string{"properties", "$defs", "definitions", "dependentSchemas", "dependencies"}, name) && isObject:
		return asNames
	}
	return asSchema
}

func (w *schemaWalk) pattern(text string) {
	size, err := PatternSize(text)
	if err != nil {
		w.fault("the pattern %.100q %v", text, err)
		return
	}
	w.parts += size
}

// follow visits what a $ref leads to.
func (w *schemaWalk) follow(ref string) {
	if slices.Contains(w.following, ref) {
		w.fault("the $ref %.100q leads back to itself; settings and events have an end", ref)
		return
	}
	target, ok := resolve(w.root, ref)
	if !ok {
		w.fault("the $ref %.100q leads to nothing in this schema; write it like #/$defs/address", ref)
		return
	}
	w.following = append(w.following, ref)
	w.enter("$ref", target, asSchema)
	w.following = w.following[:len(w.following)-1]
}

func (w *schemaWalk) fault(format string, args ...any) {
	at := strings.Join(w.path, ".")
	if len(at) > maxLine {
		at = strings.ToValidUTF8(at[:maxLine], "") + "…"
	}
	w.wrong.Add(at, format, args...)
}

// resolve finds what a local $ref, `#` and a JSON pointer, leads to.
func resolve(root any, ref string) (any, bool) {
	pointer, local := strings.CutPrefix(ref, "#")
	pointer, err := url.PathUnescape(pointer)
	if !local || err != nil || pointer != "" && pointer[0] != '/' {
		return nil, false
	}
	node := root
	for i, step := range strings.Split(pointer, "/") {
		if i == 0 {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch at := node.(type) {
		case map[string]any:
			inner, ok := at[step]
			if !ok {
				return nil, false
			}
			node = inner
		case []any:
			n, err := strconv.ParseUint(step, 10, 31)
			if err != nil || int(n) >= len(at) {
				return nil, false
			}
			node = at[n]
		default:
			return nil, false
		}
	}
	return node, true
}
