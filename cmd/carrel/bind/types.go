package bind

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// schema is what is read of a JSON Schema. What it says beyond that is for the
// host to check: a listener's types only have to hold what may come.
type schema struct {
	Type        types              `json:"type"`
	Format      string             `json:"format"`
	Encoding    string             `json:"contentEncoding"`
	Description string             `json:"description"`
	Enum        []json.RawMessage  `json:"enum"`
	Items       *schema            `json:"items"`
	Properties  map[string]*schema `json:"properties"`
	Additional  json.RawMessage    `json:"additionalProperties"`
	Required    []string           `json:"required"`
	Secret      bool               `json:"secret"`
}

// types is a schema's type: one word or several.
type types []string

// UnmarshalJSON reads both.
func (t *types) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = types{one}
		return nil
	}
	var several []string
	if err := json.Unmarshal(data, &several); err != nil {
		return err
	}
	*t = several
	return nil
}

// maxDepth is how deep objects in objects become types; what is deeper stays JSON.
const maxDepth = 16

// anything is the type of what has no other.
const anything = "json.RawMessage"

// goType returns the Go type of a schema. The structs it takes are written to f
// under names that begin with the given one.
func (f *file) goType(s *schema, name string, depth int) string {
	if s == nil || depth > maxDepth {
		return f.use(anything)
	}
	kinds := slices.DeleteFunc(slices.Clone(s.Type), func(kind string) bool { return kind == "null" })
	if len(kinds) != 1 {
		return f.use(anything)
	}
	pointer := ""
	if len(kinds) < len(s.Type) {
		pointer = "*" // null is something else than nothing
	}
	switch kinds[0] {
	case "string":
		switch {
		case s.Format == "date-time":
			return pointer + f.use("time.Time")
		case s.Encoding == "base64":
			return "[]byte"
		default:
			return pointer + "string"
		}
	case "integer":
		return pointer + "int64"
	case "number":
		return pointer + "float64"
	case "boolean":
		return pointer + "bool"
	case "array":
		return "[]" + f.goType(s.Items, name, depth+1)
	case "object":
		if len(s.Properties) > 0 {
			return pointer + f.structType(s, name, depth)
		}
		var values schema
		if json.Unmarshal(s.Additional, &values) == nil && len(values.Type) > 0 {
			return "map[string]" + f.goType(&values, name, depth+1)
		}
		return "map[string]" + f.use(anything)
	default:
		return f.use(anything)
	}
}

// structType writes an object as a struct type and returns its name.
func (f *file) structType(s *schema, name string, depth int) string {
	name = f.names.take(name)
	fields := names{}
	var b strings.Builder
	for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[property]
		if p == nil {
			p = &schema{}
		}
		if !taggable(property) {
			b.WriteString(comment("\t", "The member "+strconv.Quote(property)+" has a name that no struct field can have."))
			continue
		}
		field := fields.take(exported(property))
		b.WriteString(comment("\t", p.doc()))
		tag := property
		if !slices.Contains(s.Required, property) {
			tag += ",omitzero"
		}
		fmt.Fprintf(&b, "\t%s %s `json:%q`\n", field, f.goType(p, name+field, depth+1), tag)
	}
	about := s.doc()
	if depth == 0 {
		about = "" // whose type it is says so
	}
	f.structs = append(f.structs, structure{name: name, doc: about, fields: b.String()})
	return name
}

// taggable reports whether encoding/json can read a member into a field.
func taggable(property string) bool {
	return property != "" && property != "-" && !strings.ContainsFunc(property, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.$:@/ ", r))
	})
}

// doc is what people read of a schema.
func (s *schema) doc() string {
	doc := s.Description
	var values []string
	for _, value := range s.Enum {
		values = append(values, string(value))
	}
	if len(values) > 0 {
		doc = strings.TrimSpace(doc + "\nOne of " + strings.Join(values, ", ") + ".")
	}
	if s.Secret {
		doc = strings.TrimSpace(doc + "\nIt is a secret: written, never read back.")
	}
	return doc
}
