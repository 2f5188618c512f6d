package sdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestSchema(t *testing.T) {
	for _, one := range []struct {
		t    reflect.Type
		want string
	}{
		{reflect.TypeFor[address](), `{"additionalProperties":false,"properties":{"city":{"minLength":1,"type":"string"}},"required":["city"],"type":"object"}`},
		{reflect.TypeFor[*[]map[string]int](), `{"items":{"additionalProperties":{"type":"integer"},"type":"object"},"type":"array"}`},
		{reflect.TypeFor[[]byte](), `{"contentEncoding":"base64","type":"string"}`},
		{reflect.TypeFor[tree](), `{"additionalProperties":false,"properties":{"Children":{"items":{},"type":"array"}},"type":"object"}`},
		{reflect.TypeFor[Partial[address]](), `{"additionalProperties":false,"properties":{"city":{"minLength":1,"type":"string"}},"type":"object"}`},
		{reflect.TypeFor[find](), `{"additionalProperties":false,"properties":{"note":{"maxLength":5,"type":"string"}},"type":"object"}`},
	} {
		if got := string(schemaJSON(one.t)); got != one.want {
			t.Errorf("%s:\n%s\nwant\n%s", one.t, got, one.want)
		}
	}
}

type find struct {
	ID    ID     `json:"-" path:"id"`
	Limit int    `json:"-" query:"limit"`
	Deep  *bool  `json:"-" query:"deep"`
	Note  string `json:"note" carrel:"max=5"`
}

type tree struct{ Children []tree }

// A document this package encodes is one its schema allows, and the schema is
// one a validator takes.
func TestSchemaAllowsWhatIsEncoded(t *testing.T) {
	yes := true
	doc := Doc[person]{ID: "doc_1", Version: 1, Body: person{
		Email: "a@b.example", Name: "A", Stage: "lead", Active: &yes, Born: "2000-02-29", Company: "doc_2",
		Budget: Money{100, "EUR"}, Tags: []string{"x"}, Address: address{"Basel"}, Extra: json.RawMessage(`[1]`),
	}}
	for _, one := range []struct {
		t     reflect.Type
		value any
		valid bool
	}{
		{reflect.TypeFor[Doc[person]](), doc, true},
		{reflect.TypeFor[Page[person]](), map[string]any{"data": []any{doc}, "nextCursor": "c"}, true},
		{reflect.TypeFor[Page[person]](), map[string]any{"data": []any{map[string]any{"id": "doc_1"}}}, false},
		{reflect.TypeFor[Partial[person]](), map[string]any{"stage": "customer", "companyId": nil}, true},
		{reflect.TypeFor[Partial[person]](), map[string]any{"stage": "enemy"}, false},
		{reflect.TypeFor[Partial[person]](), map[string]any{"email": nil}, false},
		{reflect.TypeFor[Partial[person]](), map[string]any{"age": 1}, false},
	} {
		var schema, value any
		encoded, err := json.Marshal(one.value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(schemaJSON(one.t), &schema); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &value); err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource("type.json", schema); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile("type.json")
		if err != nil {
			t.Fatalf("%s: %v", one.t, err)
		}
		if err := compiled.Validate(value); (err == nil) != one.valid {
			t.Errorf("%s: %s: %v", one.t, encoded, err)
		}
	}
}

// What a typed event encodes to fits its own schema, also where Go has nil.
func TestEventsFitTheirOwnSchema(t *testing.T) {
	type inner struct {
		Tags []string `json:"tags"`
	}
	type data struct {
		Name  string            `json:"name" carrel:"required"`
		When  *time.Time        `json:"when"`
		Lines []inner           `json:"lines"`
		Words map[string]string `json:"words"`
		One   *inner            `json:"one"`
		ID    ID                `json:"id"`
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(Event[data]("town.moved", 1, "").event().Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("event.json", root); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, one := range []data{{Name: "a"}, {Name: "a", When: &now, Lines: []inner{{}}, One: &inner{Tags: []string{"x"}}}} {
		encoded, _ := json.Marshal(one)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(value); err != nil {
			t.Errorf("%s: %v", encoded, err)
		}
	}
}
