package mustache

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of a rendered text. Sections inside each other multiply: a few lines
// over a list of a few hundred are millions.
const (
	maxOutput = 256 << 10 // bytes
	maxSteps  = 200_000   // nodes
)

// Escape makes a value harmless where it is put.
type Escape func(string) string

// HTML escapes for text and quoted attributes.
func HTML(s string) string { return htmlEscapes.Replace(s) }

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// Plain is for plain text, which has nothing to escape.
func Plain(s string) string { return s }

// Line makes a value part of one line: a header, in which a line break would
// begin another.
func Line(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
	}), " ")
}

// Render puts values, an object as encoding/json decodes it with UseNumber, into
// the template. unknown lists the names of variables that have no text, each
// once, in their order. It fails only when the result would be too large.
func (t Template) Render(values map[string]any, escape Escape) (rendered string, unknown []string, err error) {
	r := rendering{escape: escape}
	if err := r.nodes(t.nodes, scope{value: values}); err != nil {
		return "", nil, err
	}
	return r.out.String(), r.unknown, nil
}

type rendering struct {
	escape  Escape
	out     strings.Builder
	steps   int
	unknown []string
}

// scope is what names are looked for in: a value, and what is around it.
type scope struct {
	value any
	outer *scope
}

func (r *rendering) nodes(nodes []node, in scope) error {
	for _, n := range nodes {
		if r.steps++; r.steps > maxSteps || r.out.Len() > maxOutput {
			return fmt.Errorf("the text would be too large: it has more than %d KiB, or its sections repeat too often", maxOutput>>10)
		}
		if n.kind == text {
			r.out.WriteString(n.text)
			continue
		}
		value, found := in.find(n.path)
		switch n.kind {
		case variable:
			r.variable(n.name, value, found)
		case inverted:
			if !holds(value) {
				if err := r.nodes(n.children, in); err != nil {
					return err
				}
			}
		case section:
			if err := r.section(n, value, in); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rendering) variable(name string, value any, found bool) {
	text, ok := textOf(value)
	if (!found || !ok) && !slices.Contains(r.unknown, name) {
		r.unknown = append(r.unknown, name)
	}
	r.out.WriteString(r.escape(text))
}

func (r *rendering) section(n node, value any, in scope) error {
	items, isList := value.([]any)
	if !isList && holds(value) {
		items = []any{value}
	}
	for _, item := range items {
		if err := r.nodes(n.children, scope{item, &in}); err != nil {
			return err
		}
	}
	return nil
}

// find looks for a name's first part from the inside out, and follows the others
// from there.
func (s scope) find(path []string) (value any, found bool) {
	if len(path) == 0 {
		return s.value, true
	}
	for at := &s; at != nil; at = at.outer {
		members, _ := at.value.(map[string]any)
		if value, found = members[path[0]]; found {
			return Follow(value, path[1:])
		}
	}
	return nil, false
}
