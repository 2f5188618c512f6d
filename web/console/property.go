package console

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// property is what the form understands of a JSON Schema.
type property struct {
	Type        kinds               `json:"type"`
	Title       string              `json:"title"`
	Description string              `json:"description"`
	Default     json.RawMessage     `json:"default"`
	Enum        []json.RawMessage   `json:"enum"`
	Format      string              `json:"format"`
	Secret      bool                `json:"secret"`
	Items       *property           `json:"items"`
	Properties  map[string]property `json:"properties"`
	Required    []string            `json:"required"`
}

// kinds is a schema's type: a name, or a list of names.
type kinds []string

// UnmarshalJSON implements json.Unmarshaler.
func (k *kinds) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*k = kinds{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(k))
}

// control is how a property is shown.
type control string

const (
	controlText   control = "text"
	controlEmail  control = "email"
	controlURL    control = "url"
	controlNumber control = "number"
	controlSwitch control = "switch"
	controlChoice control = "choice"
	controlSecret control = "secret"
	controlLines  control = "lines" // a list of texts, one a line
	controlGroup  control = "group"
	controlJSON   control = "json"
)

func (p property) control(depth int) control {
	var kind string
	for _, k := range p.Type {
		if k != "null" {
			kind = k
			break
		}
	}
	switch {
	case p.Secret:
		return controlSecret
	case len(p.Enum) > 0:
		return controlChoice
	case kind == "boolean":
		return controlSwitch
	case kind == "integer" || kind == "number":
		return controlNumber
	case kind == "string" && p.Format == "email":
		return controlEmail
	case kind == "string" && p.Format == "uri":
		return controlURL
	case kind == "string":
		return controlText
	case kind == "array" && p.Items != nil && p.Items.control(maxGroups) == controlText:
		return controlLines
	case kind == "object" && len(p.Properties) > 0 && depth < maxGroups:
		return controlGroup
	default:
		return controlJSON
	}
}

// names are the properties of an object: the required ones first.
func (p property) names() []string {
	return slices.SortedFunc(maps.Keys(p.Properties), func(a, b string) int {
		x, y := slices.Contains(p.Required, a), slices.Contains(p.Required, b)
		if x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}

// parse reads what was typed into one control.
func (p property) parse(c control, text string) (value any, fault string) {
	switch c {
	case controlNumber:
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, "is not a number"
		}
		return json.Number(text), ""
	case controlChoice:
		for _, choice := range p.Enum {
			if textOf(choice) == text {
				return choice, ""
			}
		}
		return nil, "is not one of the choices"
	case controlLines:
		var lines []string
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		return lines, ""
	case controlJSON:
		if !json.Valid([]byte(text)) {
			return nil, "is not JSON"
		}
		return json.RawMessage(text), ""
	case controlSecret:
		if !slices.Contains(p.Type, "string") && len(p.Type) > 0 && json.Valid([]byte(text)) {
			return json.RawMessage(text), ""
		}
		return text, ""
	default:
		return text, ""
	}
}

// textOf is a choice as a person reads it: a text without its quotes.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// spaced writes a property's name for people: fromAddress is "From address".
func spaced(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_' || r == '-':
			b.WriteRune(' ')
		case i > 0 && r >= 'A' && r <= 'Z':
			b.WriteString(" " + strings.ToLower(string(r)))
		case i == 0 && r >= 'a' && r <= 'z':
			b.WriteString(strings.ToUpper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
