package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

func TestCompileRefuses(t *testing.T) {
	field := func(f abi.Field) []abi.Table {
		if f.Name == "" {
			f.Name = "f"
		}
		return []abi.Table{{Name: "t", Fields: []abi.Field{f}}}
	}
	many := abi.Table{Name: "t"}
	for i := range MaxFields + 1 {
		many.Fields = append(many.Fields, abi.Field{Name: fmt.Sprintf("f%d", i), Type: abi.TypeInt, Index: true})
	}
	for _, c := range []struct {
		tables   []abi.Table
		location string
	}{
		{[]abi.Table{{}}, "tables[0].name"},
		{[]abi.Table{{Name: "a.b"}}, "tables[0].name"},
		{[]abi.Table{{Name: "t"}, {Name: "t"}}, "tables[1].name"},
		{[]abi.Table{many}, "tables[0].fields"},
		{[]abi.Table{many}, "tables[0].indexes"},
		{field(abi.Field{Type: "number"}), "tables[0].fields[0].type"},
		{field(abi.Field{Name: "version", Type: abi.TypeInt}), "tables[0].fields[0].name"},
		{field(abi.Field{Name: "a.b", Type: abi.TypeInt}), "tables[0].fields[0].name"},
		{[]abi.Table{{Name: "t", Fields: []abi.Field{{Name: "f", Type: abi.TypeInt}, {Name: "f", Type: abi.TypeInt}}}}, "tables[0].fields[1].name"},
		{field(abi.Field{Type: abi.TypeText, Index: true}), "tables[0].fields[0].index"},
		{field(abi.Field{Type: abi.TypeJSON, Unique: true}), "tables[0].fields[0].index"},
		{field(abi.Field{Type: abi.TypeInt, Enum: []string{"1"}}), "tables[0].fields[0].enum"},
		{field(abi.Field{Type: abi.TypeString, Max: -1}), "tables[0].fields[0].max"},
		{field(abi.Field{Type: abi.TypeString, Ref: "t"}), "tables[0].fields[0].ref"},
		{field(abi.Field{Type: abi.TypeID, Ref: "u"}), "tables[0].fields[0].ref"},
		{field(abi.Field{Type: abi.TypeID, Ref: "t", OnDelete: "explode"}), "tables[0].fields[0].on_delete"},
		{field(abi.Field{Type: abi.TypeID, Ref: "t", OnDelete: "clear", Required: true}), "tables[0].fields[0].on_delete"},
		{field(abi.Field{Type: abi.TypeID, OnDelete: "cascade"}), "tables[0].fields[0].on_delete"},
		{field(abi.Field{Type: abi.TypeInt, Default: json.RawMessage(`"x"`)}), "tables[0].fields[0].default"},
		{field(abi.Field{Type: abi.TypeString, Enum: []string{"a"}, Default: json.RawMessage(`"b"`)}), "tables[0].fields[0].default"},
		{[]abi.Table{{Name: "t", Indexes: []abi.Index{{Name: "i"}}}}, "tables[0].indexes[0].fields"},
		{[]abi.Table{{Name: "t", Indexes: []abi.Index{{Name: "i", Fields: []string{"nope"}}}}}, "tables[0].indexes[0].fields"},
		{[]abi.Table{{Name: "t", Fields: []abi.Field{{Name: "f", Type: abi.TypeInt}}, Indexes: []abi.Index{{Name: "i", Fields: []string{"f", "f"}}}}}, "tables[0].indexes[0].fields"},
	} {
		_, err := Compile(c.tables)
		found := false
		for _, v := range core.ViolationsOf(err) {
			found = found || v.Location == c.location
		}
		if core.KindOf(err) != core.Invalid || !found {
			t.Errorf("%+v: %v, want %s", c.tables, err, c.location)
		}
	}
}

func TestIndexesOfTheSameFieldsAreOne(t *testing.T) {
	tables, err := Compile([]abi.Table{{
		Name:    "t",
		Fields:  []abi.Field{{Name: "a", Type: abi.TypeInt, Index: true}, {Name: "b", Type: abi.TypeInt}},
		Indexes: []abi.Index{{Name: "x", Fields: []string{"a"}, Unique: true}, {Name: "y", Fields: []string{"b", "a"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ix := range tables["t"].Indexes {
		names = append(names, ix.String())
	}
	if got := strings.Join(names, " "); got != "t(a:int)! t(b:int,a:int)" {
		t.Errorf("the indexes are %s", got)
	}
}

// TestBodiesAreCanonical: a body that was accepted comes out the same when it
// goes in again, and its record is the one loaded from it.
func TestBodiesAreCanonical(t *testing.T) {
	var fields []abi.Field
	for _, typ := range types {
		fields = append(fields, abi.Field{Name: "a_" + string(typ), Type: typ})
	}
	tables, err := Compile([]abi.Table{{Name: "t", Fields: fields}})
	if err != nil {
		t.Fatal(err)
	}
	table := tables["t"]
	candidates := []string{
		`null`, `true`, `0`, `-0`, `-0.0`, `1.0`, `1e3`, `1e-3`, `9007199254740993`, `9223372036854775807`, `-9223372036854775808`, `1e400`, `12345678901234567890`,
		`""`, `"x"`, `"\u003c&>\u2028"`, `"a\u0000b"`, `"\ud800"`, `"A@b.c"`, `"HTTP://a.b"`, `"https://a.b/?q=<>"`, `"2020-02-29"`, `"2020-02-29T10:00:00.120+02:00"`, `"0000-01-01T00:00:00+01:00"`,
		`[]`, `[ 1 , {"a": 1.0} ]`, `{}`, `{ "b":1, "a" : 2 }`, `{"amount":1,"currency":"EUR"}`, `{"currency":"EUR","amount":1e2}`,
	}
	rapid.Check(t, func(t *rapid.T) {
		var members []string
		for _, f := range fields {
			if rapid.Bool().Draw(t, "have") {
				members = append(members, fmt.Sprintf("%q : %s", f.Name, rapid.SampledFrom(candidates).Draw(t, f.Name)))
			}
		}
		record, err := table.New(json.RawMessage("{" + strings.Join(members, " , ") + "}"))
		if err != nil {
			if core.KindOf(err) != core.Invalid || len(core.ViolationsOf(err)) == 0 {
				t.Fatal(err)
			}
			return
		}
		body, err := table.Body(record)
		if err != nil || !json.Valid(body) {
			t.Fatalf("%s %v", body, err)
		}
		again, err := table.New(body)
		if err != nil {
			t.Fatalf("%s went in once: %v", body, err)
		}
		loaded, err := table.Load(body)
		if err != nil {
			t.Fatal(err)
		}
		second, _ := table.Body(again)
		third, _ := table.Body(loaded)
		if string(second) != string(body) || string(third) != string(body) {
			t.Fatalf("%s became %s and loads as %s", body, second, third)
		}
		for i, f := range table.Fields {
			if !f.indexable() {
				continue
			}
			a, b := AppendKey(nil, record[i].Go), AppendKey(nil, loaded[i].Go)
			if string(a) != string(b) {
				t.Fatalf("%s: the key of %v and that of %v stored differ", f.Name, record[i].Go, loaded[i].Go)
			}
		}
	})
}

func TestAnEmptyStringCanBeNoValue(t *testing.T) {
	tables, err := Compile([]abi.Table{{Name: "t", Fields: []abi.Field{
		{Name: "stage", Type: abi.TypeString, Enum: []string{"a", "b"}, Default: json.RawMessage(`"a"`)},
		{Name: "email", Type: abi.TypeEmail}, {Name: "born", Type: abi.TypeDate}, {Name: "name", Type: abi.TypeString, Default: json.RawMessage(`"x"`)},
		{Name: "size", Type: abi.TypeInt, Default: json.RawMessage(`7`)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{}`: `{"stage":"a","name":"x","size":7}`,
		`{"stage":"","email":"","born":"","name":"","size":0}`: `{"stage":"a","name":"","size":0}`,
		`{"stage":null,"name":null,"size":null}`:               `{}`,
	} {
		record, err := tables["t"].New(json.RawMessage(body))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := tables["t"].Body(record); string(got) != want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
	if _, err := tables["t"].New(json.RawMessage(`{"size":""}`)); core.KindOf(err) != core.Invalid {
		t.Errorf("an empty string for a number: %v", err)
	}
}

func FuzzNew(f *testing.F) {
	for _, s := range []string{`{}`, `{"name":"x","balance":{"amount":1,"currency":"EUR"}}`, `{"seen":"2020-01-01T00:00:00Z"}`, `[`, `{"a":`, "\x00"} {
		f.Add([]byte(s))
	}
	var fields []abi.Field
	for _, typ := range types {
		fields = append(fields, abi.Field{Name: "a_" + string(typ), Type: typ})
	}
	tables, err := Compile([]abi.Table{{Name: "t", Fields: fields}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		record, err := tables["t"].New(body)
		if err != nil {
			if k := core.KindOf(err); k != core.Invalid && k != core.TooLarge {
				t.Fatal(err)
			}
			return
		}
		stored, err := tables["t"].Body(record)
		if err != nil {
			return // defaults or escapes made it too large
		}
		if again, err := tables["t"].New(stored); err != nil {
			t.Fatalf("%s: %v", stored, err)
		} else if second, _ := tables["t"].Body(again); string(second) != string(stored) {
			t.Fatalf("%s became %s", stored, second)
		}
	})
}
