package bind_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/cmd/carrel/bind"
	"github.com/carrel-dev/carrel/core/abi"
)

// emitting is a manifest whose only event has a schema.
func emitting(schema string) *abi.Manifest {
	return &abi.Manifest{Publisher: "acme", Name: "shop", Version: "1.0.0", Summary: "Sells things.",
		Emits: []abi.EventType{{Type: "shop.sold", Version: 1, Schema: json.RawMessage(schema)}}}
}

// declarations parses a file, and fails unless all it declares is what it should:
// constants, types and the functions of listeners.
func declarations(t *testing.T, source []byte) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "events.go", source, parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	fields := map[string]string{}
	for _, decl := range parsed.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if !strings.HasPrefix(d.Name.Name, "On") || d.Recv != nil || len(d.Body.List) != 1 {
				t.Errorf("it declares the function %s:\n%s", d.Name.Name, source)
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				t.Errorf("it declares variables:\n%s", source)
			}
			for _, spec := range d.Specs {
				declared, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if s, ok := declared.Type.(*ast.StructType); ok {
					for _, f := range s.Fields.List {
						fields[declared.Name.Name+"."+f.Names[0].Name] = f.Tag.Value
					}
				}
			}
		}
	}
	return fields
}

// A schema is a stranger's: whatever its names and texts are, the code is code of
// the same few declarations.
func TestSourceOfAStranger(t *testing.T) {
	source, err := bind.Source(emitting(`{"type": "object", "description": "*/\nfunc init() {}\r\u2028func init() {}", "properties": {
		"dealId": {"type": "string", "description": "one\n\n//go:embed x\n*/ var X = 1"}, "deal_id": {"type": "string"}, "DealID": {"type": "string"},
		"type": {"type": "string", "enum": ["a", "`+"`"+`b\n"]}, "3d": {"type": "integer"}, "日本": {"type": "string"}, "-": {"type": "string"}, "": {"type": "string"},
		"a,string": {"type": "integer"}, "a`+"`"+` json:\"b": {"type": "integer"}, "_": {"type": "boolean"}, "nothing": null,
		"sold": {"type": "object", "properties": {"sold": {"type": "object", "properties": {"id": {"type": "string"}}}}},
		"either": {"type": ["string", "integer"]}, "many": {"type": "array"}, "odd": {"type": "tuple"}
	}}`), "shop")
	if err != nil {
		t.Fatal(err)
	}
	got := declarations(t, source)
	want := map[string]string{
		"Sold.DealID": "`json:\"DealID,omitzero\"`", "Sold.DealID2": "`json:\"dealId,omitzero\"`", "Sold.DealID3": "`json:\"deal_id,omitzero\"`",
		"Sold.Type": "`json:\"type,omitzero\"`", "Sold.X3d": "`json:\"3d,omitzero\"`", "Sold.X": "`json:\"_,omitzero\"`", "Sold.Nothing": "`json:\"nothing,omitzero\"`",
		"Sold.Sold": "`json:\"sold,omitzero\"`", "SoldSold.Sold": "`json:\"sold,omitzero\"`", "SoldSoldSold.ID": "`json:\"id,omitzero\"`",
		"Sold.Either": "`json:\"either,omitzero\"`", "Sold.Many": "`json:\"many,omitzero\"`", "Sold.Odd": "`json:\"odd,omitzero\"`",
	}
	for field, tag := range want {
		if got[field] != tag {
			t.Errorf("%s has the tag %s, want %s", field, got[field], tag)
		}
	}
	if len(got) != len(want) {
		t.Errorf("fields: %v", got)
	}
}

// The same manifest is the same file, and what cannot be read is said.
func TestSource(t *testing.T) {
	m := emitting(`{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {}, "d": {"type": "number"}}}`)
	m.Settings = json.RawMessage(`{"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}}`)
	m.Emits = append(m.Emits, abi.EventType{Type: "shop.settings", Version: 1}, abi.EventType{Type: "shop.type.sold", Version: 1})
	first, err := bind.Source(m, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, err := bind.Source(m, "shop"); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("another time it is\n%s\nnot\n%s", again, first)
		}
	}
	fields := declarations(t, first)
	if fields["Settings2.X"] == "" { // an event has the name
		t.Errorf("fields %v of\n%s", fields, first)
	}
	if _, err := bind.Source(emitting(`{"type": 7}`), "shop"); err == nil || !strings.Contains(err.Error(), "version 1 of shop.sold") {
		t.Errorf("a schema that is none: %v", err)
	}
	for plugin, want := range map[string]string{"crm": "crm", "my-shop": "myshop", "func": "funcevents", "time": "timeevents"} {
		if got := bind.PackageName(plugin); got != want {
			t.Errorf("the package of %s is %s, want %s", plugin, got, want)
		}
	}
}

func FuzzSource(f *testing.F) {
	f.Add(`{"type": "object", "properties": {"a": {"type": ["array", "null"], "items": {"type": "object", "properties": {"b": {}}}}}}`, "A\nB")
	f.Add(`{"properties": {"a": null}, "additionalProperties": {"type": "string"}, "type": "object"}`, "*/")
	f.Fuzz(func(t *testing.T, schema, doc string) {
		m := emitting(schema)
		m.Emits[0].Doc = doc
		if source, err := bind.Source(m, "shop"); err == nil {
			declarations(t, source)
		}
	})
}
