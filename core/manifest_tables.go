package core

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/carrel-dev/carrel/core/abi"
)

var fieldTypes = []abi.FieldType{
	abi.TypeString, abi.TypeText, abi.TypeInt, abi.TypeFloat, abi.TypeBool, abi.TypeTime, abi.TypeDate,
	abi.TypeMoney, abi.TypeEmail, abi.TypeURL, abi.TypeID, abi.TypeJSON, abi.TypeArray, abi.TypeObject,
}

// Every index is written with every document, which is what these bound.
const (
	maxFields  = 200
	maxIndexes = 32
)

func (c *manifestCheck) tables() {
	seen := map[string]bool{}
	for i, t := range c.m.Tables {
		at := fmt.Sprintf("tables[%d]", i)
		switch {
		case !tablePattern.MatchString(t.Name):
			c.wrong.Add(at+".name", "%q must be lower-case letters, digits and underscores, beginning with a letter", t.Name)
		case seen[t.Name]:
			c.wrong.Add(at+".name", "%q is declared twice", t.Name)
		}
		seen[t.Name] = true
		if n := len(t.Fields); n == 0 || n > maxFields {
			c.wrong.Add(at+".fields", "are %d; a table has 1 to %d", n, maxFields)
		}
		fields := map[string]*abi.Field{}
		for j := range t.Fields {
			f := &t.Fields[j]
			at := fmt.Sprintf("%s.fields[%d]", at, j)
			switch {
			case !fieldPattern.MatchString(f.Name):
				c.wrong.Add(at+".name", "%q must be letters and digits in camelCase", f.Name)
			case slices.Contains(ReservedFields, f.Name):
				c.wrong.Add(at+".name", "%q is the host's; every document has it", f.Name)
			case fields[f.Name] != nil:
				c.wrong.Add(at+".name", "%q is declared twice", f.Name)
			}
			fields[f.Name] = f
			c.field(at, f)
		}
		c.indexes(at, &t, fields)
	}
}

func (c *manifestCheck) field(at string, f *abi.Field) {
	if !slices.Contains(fieldTypes, f.Type) {
		c.wrong.Add(at+".type", "%q is no type; there are %s", f.Type, join(fieldTypes))
		return
	}
	if (f.Unique || f.Index) && !indexable(f.Type) {
		c.wrong.Add(at+".type", "a field of type %s cannot be indexed", f.Type)
	}
	if len(f.Enum) > 0 && f.Type != abi.TypeString {
		c.wrong.Add(at+".enum", "belongs to a field of type string, not %s", f.Type)
	}
	switch f.Type {
	case abi.TypeString, abi.TypeText, abi.TypeEmail, abi.TypeURL, abi.TypeArray:
		if f.Max < 0 {
			c.wrong.Add(at+".max", "must not be negative")
		}
	default:
		if f.Max != 0 {
			c.wrong.Add(at+".max", "means nothing for type %s; it counts characters or items", f.Type)
		}
	}
	c.reference(at, f)
	if len(f.Default) > 0 {
		c.preset(at+".default", f)
	}
}

func (c *manifestCheck) reference(at string, f *abi.Field) {
	if f.Ref == "" {
		if f.OnDelete != "" {
			c.wrong.Add(at+".on_delete", "belongs to a field with ref")
		}
		return
	}
	if f.Type != abi.TypeID {
		c.wrong.Add(at+".type", "a field with ref is of type id, not %s", f.Type)
	}
	if !slices.ContainsFunc(c.m.Tables, func(t abi.Table) bool { return t.Name == f.Ref }) {
		c.wrong.Add(at+".ref", "there is no table %q in this plugin", f.Ref)
	}
	switch f.OnDelete {
	case "", "restrict", "cascade":
	case "clear":
		if f.Required {
			c.wrong.Add(at+".on_delete", "a required field cannot be cleared; choose restrict or cascade")
		}
	default:
		c.wrong.Add(at+".on_delete", "%q must be restrict, cascade or clear", f.OnDelete)
	}
}

// preset checks a field's default against its type.
func (c *manifestCheck) preset(at string, f *abi.Field) {
	var value any
	if json.Unmarshal(f.Default, &value) != nil {
		c.wrong.Add(at, "must be a JSON value")
		return
	}
	fits := true
	switch v := value.(type) {
	case nil:
		fits = false
	case string:
		fits = f.Type.IsText() || f.Type == abi.TypeJSON
		if fits && len(f.Enum) > 0 && !slices.Contains(f.Enum, v) {
			c.wrong.Add(at, "%q is not in the field's enum", v)
		}
	case bool:
		fits = f.Type == abi.TypeBool || f.Type == abi.TypeJSON
	case float64:
		fits = f.Type == abi.TypeFloat || f.Type == abi.TypeJSON || f.Type == abi.TypeInt && v == float64(int64(v))
	case []any:
		fits = f.Type == abi.TypeArray || f.Type == abi.TypeJSON
	case map[string]any:
		fits = f.Type == abi.TypeObject || f.Type == abi.TypeMoney || f.Type == abi.TypeJSON
	}
	switch {
	case !fits:
		c.wrong.Add(at, "must be a value of type %s", f.Type)
	case f.Ref != "":
		c.wrong.Add(at, "a reference has no default: the document would have to exist everywhere")
	}
}

func (c *manifestCheck) indexes(at string, t *abi.Table, fields map[string]*abi.Field) {
	names := map[string]bool{}
	for _, f := range t.Fields {
		if f.Index || f.Unique || f.Ref != "" {
			names[f.Name] = true
		}
	}
	if n := len(names) + len(t.Indexes); n > maxIndexes {
		c.wrong.Add(at+".indexes", "are %d with those of single fields; a table has at most %d", n, maxIndexes)
	}
	for i, index := range t.Indexes {
		at := fmt.Sprintf("%s.indexes[%d]", at, i)
		switch {
		case !indexPattern.MatchString(index.Name):
			c.wrong.Add(at+".name", "%q must be letters, digits and underscores", index.Name)
		case names[index.Name]:
			c.wrong.Add(at+".name", "%q is taken by another index of the table", index.Name)
		}
		names[index.Name] = true
		if len(index.Fields) == 0 {
			c.wrong.Add(at+".fields", "are missing; an index needs at least one")
		}
		for j, name := range index.Fields {
			at := fmt.Sprintf("%s.fields[%d]", at, j)
			switch f := fields[name]; {
			case f == nil:
				c.wrong.Add(at, "there is no field %q in this table", name)
			case !indexable(f.Type):
				c.wrong.Add(at, "%q is of type %s, which cannot be indexed", name, f.Type)
			case slices.Contains(index.Fields[:j], name):
				c.wrong.Add(at, "%q is named twice", name)
			}
		}
	}
}

// indexable reports whether values of a type have one order.
func indexable(t abi.FieldType) bool {
	switch t {
	case abi.TypeText, abi.TypeJSON, abi.TypeArray, abi.TypeObject:
		return false
	default:
		return true
	}
}
