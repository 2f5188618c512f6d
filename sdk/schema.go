package sdk

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// schema is a JSON Schema 2020-12 being built. Encoded, its keys are sorted, so
// a module's manifest is the same bytes at every build.
type schema map[string]any

// selfDescribed is a type that knows its schema better than reflection.
type selfDescribed interface{ schema() schema }

func schemaJSON(t reflect.Type) json.RawMessage {
	encoded, err := json.Marshal(schemaOf(t, nil))
	if err != nil {
		panic("sdk: the schema of " + t.String() + ": " + err.Error())
	}
	return encoded
}

// schemaOf describes the JSON of a Go type. A type inside itself is described
// as "anything": references would not survive being moved into OpenAPI.
func schemaOf(t reflect.Type, inside []reflect.Type) schema {
	for _, outer := range inside {
		if outer == t {
			return schema{}
		}
	}
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem(), inside)
	}
	if described, ok := reflect.Zero(t).Interface().(selfDescribed); ok {
		return described.schema()
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return schema{}
	case reflect.TypeFor[[]byte]():
		return schema{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice, reflect.Array:
		return schema{"type": "array", "items": schemaOf(t.Elem(), append(inside, t))}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem(), append(inside, t))}
	case reflect.Struct:
		properties, required := propertiesOf(t, append(inside, t))
		return object(properties, required)
	case reflect.Interface:
		return schema{}
	default:
		return schema{"type": "integer"}
	}
}

func object(properties schema, required []string) schema {
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// propertiesOf describes the fields of a struct that travel in a body.
func propertiesOf(t reflect.Type, inside []reflect.Type) (properties schema, required []string) {
	properties = schema{}
	for _, f := range fieldsOf(t) {
		if f.source != "body" {
			continue
		}
		properties[f.Name] = f.describe(schemaOf(f.goType, inside))
		if f.Required {
			required = append(required, f.Name)
		}
	}
	return properties, required
}

// describe adds what the tags say to the schema of the field's Go type.
func (f *field) describe(s schema) schema {
	switch f.Type {
	case abi.TypeEmail:
		s["format"] = "email"
	case abi.TypeURL:
		s["format"] = "uri"
	case abi.TypeDate:
		s["format"] = "date"
	}
	if f.Max > 0 && f.Type == abi.TypeArray {
		s["maxItems"] = f.Max
	} else if f.Max > 0 {
		s["maxLength"] = f.Max
	}
	if f.Required && f.Type.IsText() {
		s["minLength"] = 1
	}
	if len(f.Enum) > 0 {
		s["enum"] = f.Enum
	}
	if f.Default != nil {
		s["default"] = f.Default
	}
	if f.Secret {
		s["secret"] = true
	}
	if f.Doc != "" {
		s["description"] = f.Doc
	}
	return s
}

// documentSchema describes a flat document whose body is a T.
func documentSchema(t reflect.Type) schema {
	properties, required := propertiesOf(t, []reflect.Type{t})
	properties["id"] = schema{"type": "string"}
	properties["version"] = schema{"type": "integer", "description": "Changes with every write."}
	properties["createdAt"] = schema{"type": "string", "format": "date-time"}
	properties["updatedAt"] = schema{"type": "string", "format": "date-time"}
	return object(properties, append([]string{"id", "version", "createdAt", "updatedAt"}, required...))
}
