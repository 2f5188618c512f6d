package mustache

import (
	"fmt"
	"strings"
)

const (
	maxDepth = 8   // sections inside each other
	maxName  = 100 // bytes
)

// Template is a text that was understood.
type Template struct{ nodes []node }

// node is a piece of text, a variable, or a section with what is inside.
type node struct {
	kind     kind
	text     string   // of kind text
	name     string   // as it is written
	path     []string // the name's parts; none is "."
	children []node
}

type kind byte

const (
	text     kind = iota
	variable      // {{name}}
	section       // {{#name}}…{{/name}}: once for each item, or if there is a value
	inverted      // {{^name}}…{{/name}}: if there is none
)

// Parse reads a template. Its error says in a sentence what is wrong, and on
// which line.
func Parse(source string) (Template, error) {
	p := parser{source: source, line: 1}
	nodes, err := p.until("", 0)
	return Template{nodes}, err
}

type parser struct {
	source string // what is left
	line   int
}

// until reads up to the end of the section of a name, or of the whole source.
func (p *parser) until(open string, depth int) (nodes []node, err error) {
	begins := p.line
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: more than %d sections are inside each other", p.line, maxDepth)
	}
	for {
		before, rest, found := strings.Cut(p.source, "{{")
		if before != "" {
			nodes = append(nodes, node{kind: text, text: before})
		}
		p.line += strings.Count(before, "\n")
		if !found {
			if open != "" {
				return nil, fmt.Errorf("line %d: {{#%s}} is never closed; write {{/%s}} where it ends", begins, open, open)
			}
			return nodes, nil
		}
		tag, rest, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("line %d: {{ is never closed; write }} behind the name", p.line)
		}
		at := p.line
		p.source, p.line = rest, p.line+strings.Count(tag, "\n")
		sign, name := split(tag)
		if sign == '!' {
			continue
		}
		path, fault := readName(name)
		if fault != "" {
			return nil, fmt.Errorf("line %d: {{%s}} %s", at, shorten(tag), fault)
		}
		switch sign {
		case '/':
			if name != open {
				return nil, fmt.Errorf("line %d: {{/%s}} closes what is not open here", at, name)
			}
			return nodes, nil
		case '#', '^':
			one := node{kind: section, name: name, path: path}
			if sign == '^' {
				one.kind = inverted
			}
			if one.children, err = p.until(name, depth+1); err != nil {
				return nil, err
			}
			nodes = append(nodes, one)
		default:
			nodes = append(nodes, node{kind: variable, name: name, path: path})
		}
	}
}

// split takes a tag's sign off its name.
func split(tag string) (sign byte, name string) {
	tag = strings.TrimSpace(tag)
	if tag != "" && strings.IndexByte("#^/!", tag[0]) >= 0 {
		return tag[0], strings.TrimSpace(tag[1:])
	}
	return 0, tag
}

// readName takes "order.number" apart.
func readName(name string) (path []string, fault string) {
	if name == "." {
		return nil, ""
	}
	if len(name) > maxName {
		return nil, "has a name that is too long"
	}
	path = strings.Split(name, ".")
	for _, part := range path {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !isNamed(r) }) {
			return nil, "is not a name; names are letters, digits, _ and -, with dots between"
		}
	}
	return path, ""
}

func isNamed(r rune) bool {
	return r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func shorten(tag string) string {
	if len(tag) > 40 {
		return strings.ToValidUTF8(tag[:40], "") + "…"
	}
	return tag
}
