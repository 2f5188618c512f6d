package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Limits of a declaration. Every index is written with every document, which
// is what they bound.
const (
	MaxFields  = 200 // per table
	MaxIndexes = 32  // per table, those of unique, index and ref fields included
)

// Tables are the compiled tables of a release, by name.
type Tables map[string]*Table

// Table is a compiled table.
type Table struct {
	Name     string
	Fields   []*Field
	Indexes  []*Index
	Incoming []Reference // fields, of any table of the release, that refer to this one

	fields map[string]*Field
}

// Field is a compiled field.
type Field struct {
	abi.Field
	position int
	key      string // the name as a body has it, with quotes and colon
	fallback Value  // the default
}

// Index is a compiled index. Two declarations of the same fields are one index.
type Index struct {
	Fields []*Field
	Unique bool
	table  *Table
}

// Reference is a field that refers to a table, with the index that finds who
// refers to a document.
type Reference struct {
	Table    *Table
	Field    *Field
	Index    *Index
	OnDelete string // OnDeleteRestrict, OnDeleteCascade or OnDeleteClear
}

// What happens to a document when one it refers to is deleted.
const (
	OnDeleteRestrict = "restrict" // it forbids it
	OnDeleteCascade  = "cascade"  // it is deleted too
	OnDeleteClear    = "clear"    // its field is emptied
)

// Compile checks the declared tables of a release and compiles them. It fails
// with Invalid and the places that are wrong (`tables[0].fields[2].type`).
func Compile(declared []abi.Table) (Tables, error) {
	var wrong core.Violations
	tables := make(Tables, len(declared))
	for i, d := range declared {
		at := fmt.Sprintf("tables[%d]", i)
		if d.Name == "" || strings.ContainsAny(d.Name, "./()! ") {
			wrong.Add(at+".name", "a table needs a name without any of ./()! and spaces")
		}
		if tables[d.Name] != nil {
			wrong.Add(at+".name", "declared twice")
		}
		tables[d.Name] = compileTable(at, d, &wrong)
	}
	for i, d := range declared {
		for j, f := range d.Fields {
			if f.Ref == "" {
				continue
			}
			target := tables[f.Ref]
			if target == nil {
				wrong.Add(fmt.Sprintf("tables[%d].fields[%d].ref", i, j), "no table %s in this plugin", f.Ref)
				continue
			}
			if table := tables[d.Name]; table.fields[f.Name] != nil {
				target.Incoming = append(target.Incoming, table.reference(table.fields[f.Name]))
			}
		}
	}
	if err := wrong.Err("schema.Compile", "The declared tables are not valid."); err != nil {
		return nil, err
	}
	return tables, nil
}

func compileTable(at string, d abi.Table, wrong *core.Violations) *Table {
	t := &Table{Name: d.Name, fields: make(map[string]*Field, len(d.Fields))}
	if len(d.Fields) > MaxFields {
		wrong.Add(at+".fields", "at most %d fields", MaxFields)
	}
	for i, declared := range d.Fields {
		at := fmt.Sprintf("%s.fields[%d]", at, i)
		f := &Field{Field: declared, position: i, key: string(quote(declared.Name)) + ":"}
		switch {
		case f.Name == "" || strings.ContainsAny(f.Name, ".:,()[] \""):
			wrong.Add(at+".name", "a field needs a name without any of .:,()[]\" and spaces")
		case slices.Contains(core.ReservedFields, f.Name):
			wrong.Add(at+".name", "%s belongs to the host", f.Name)
		case t.fields[f.Name] != nil:
			wrong.Add(at+".name", "declared twice")
		}
		f.check(at, wrong)
		t.Fields = append(t.Fields, f)
		t.fields[f.Name] = f
		if f.Index || f.Unique || f.Ref != "" {
			t.addIndex([]*Field{f}, f.Unique)
		}
	}
	for i, declared := range d.Indexes {
		at := fmt.Sprintf("%s.indexes[%d].fields", at, i)
		var fields []*Field
		for _, name := range declared.Fields {
			f := t.fields[name]
			switch {
			case f == nil:
				wrong.Add(at, "no field %s in this table", name)
			case !f.indexable():
				wrong.Add(at, "%s is a %s, which cannot be indexed", name, f.Type)
			case slices.Contains(fields, f):
				wrong.Add(at, "%s is named twice", name)
			default:
				fields = append(fields, f)
			}
		}
		if len(declared.Fields) == 0 {
			wrong.Add(at, "an index needs a field")
		}
		t.addIndex(fields, declared.Unique)
	}
	if len(t.Indexes) > MaxIndexes {
		wrong.Add(at+".indexes", "at most %d indexes", MaxIndexes)
	}
	return t
}

func (f *Field) check(at string, wrong *core.Violations) {
	if !slices.Contains(types, f.Type) {
		wrong.Add(at+".type", "no such type: %s", f.Type)
		return
	}
	if (f.Index || f.Unique) && !f.indexable() {
		wrong.Add(at+".index", "a %s cannot be indexed", f.Type)
	}
	if len(f.Enum) > 0 && f.Type != abi.TypeString {
		wrong.Add(at+".enum", "only a string has an enum")
	}
	if f.Max < 0 {
		wrong.Add(at+".max", "must not be negative")
	}
	if f.Ref != "" && f.Type != abi.TypeID {
		wrong.Add(at+".ref", "only an id refers to a table")
	}
	switch f.OnDelete {
	case "", OnDeleteRestrict, OnDeleteCascade:
	case OnDeleteClear:
		if f.Required {
			wrong.Add(at+".on_delete", "a required field cannot be cleared; use restrict or cascade")
		}
	default:
		wrong.Add(at+".on_delete", "one of restrict, cascade, clear")
	}
	if f.OnDelete != "" && f.Ref == "" {
		wrong.Add(at+".on_delete", "belongs to a field with ref")
	}
	if len(f.Default) > 0 {
		if f.Ref != "" {
			wrong.Add(at+".default", "a reference has no default")
		}
		var problems core.Violations
		f.fallback = f.accept(json.RawMessage(f.Default), at+".default", &problems)
		*wrong = append(*wrong, problems...)
	}
}

func (f *Field) indexable() bool {
	switch f.Type {
	case abi.TypeText, abi.TypeJSON, abi.TypeArray, abi.TypeObject:
		return false
	default:
		return true
	}
}

func (t *Table) addIndex(fields []*Field, unique bool) {
	for _, ix := range t.Indexes {
		if slices.Equal(ix.Fields, fields) {
			ix.Unique = ix.Unique || unique
			return
		}
	}
	t.Indexes = append(t.Indexes, &Index{Fields: fields, Unique: unique, table: t})
}

func (t *Table) reference(f *Field) Reference {
	r := Reference{Table: t, Field: f, OnDelete: f.OnDelete}
	if r.OnDelete == "" {
		r.OnDelete = OnDeleteRestrict
	}
	for _, ix := range t.Indexes {
		if len(ix.Fields) == 1 && ix.Fields[0] == f {
			r.Index = ix
		}
	}
	return r
}

// Field returns a field by name, or nil.
func (t *Table) Field(name string) *Field { return t.fields[name] }

// FieldNames lists the names of the fields in declared order.
func (t *Table) FieldNames() []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

// String names the index by what it holds, `contacts(stage:string,name:string)`,
// with a `!` when it is unique: an index that changes gets another name.
func (ix *Index) String() string {
	parts := make([]string, len(ix.Fields))
	for i, f := range ix.Fields {
		parts[i] = f.Name + ":" + string(f.Type)
	}
	name := ix.table.Name + "(" + strings.Join(parts, ",") + ")"
	if ix.Unique {
		name += "!"
	}
	return name
}
