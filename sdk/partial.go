package sdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// Partial is some of the fields of a T: the body of a PATCH. It knows which
// fields were sent; null stands for a field to remove.
type Partial[T any] struct{ fields map[string]json.RawMessage }

// Has reports whether a field was sent.
func (p Partial[T]) Has(name string) bool {
	_, ok := p.fields[name]
	return ok
}

// Set puts a field among the changes; nil removes it from the document.
func (p *Partial[T]) Set(name string, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if p.fields == nil {
		p.fields = map[string]json.RawMessage{}
	}
	p.fields[name] = encoded
	return nil
}

// Empty reports whether there is nothing to change.
func (p Partial[T]) Empty() bool { return len(p.fields) == 0 }

// Values decodes the fields that were sent; the others have their zero value.
func (p Partial[T]) Values() (T, error) {
	var values T
	encoded, err := p.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(encoded, &values)
	}
	return values, err
}

// MarshalJSON encodes the fields that were sent.
func (p Partial[T]) MarshalJSON() ([]byte, error) {
	if p.fields == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(p.fields)
}

// decodeStrict implements strictDecoder.
func (p *Partial[T]) decodeStrict(data []byte, location string) (wrong violations) {
	if err := json.Unmarshal(data, &p.fields); err != nil || p.fields == nil {
		wrong.add(location, "must be an object")
		return wrong
	}
	known := fieldsOf(reflect.TypeFor[T]())
	for _, name := range sortedKeys(p.fields) {
		value, place := p.fields[name], location+"."+name
		f := fieldNamed(known, name)
		switch {
		case f == nil || f.source != "body":
			wrong.add(place, "is not a known field")
		case bytes.Equal(value, []byte("null")):
			if f.Required {
				wrong.add(place, "is required and cannot be removed")
			}
		default:
			target := reflect.New(f.goType)
			if bad := decodeStrict(value, target, place); bad != nil {
				wrong = append(wrong, bad...)
				continue
			}
			f.check(target.Elem(), location, &wrong)
		}
	}
	return wrong
}

func (Partial[T]) schema() schema {
	properties, required := propertiesOf(reflect.TypeFor[T](), []reflect.Type{reflect.TypeFor[T]()})
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		if one, ok := properties[f.Name].(schema); ok {
			delete(one, "default") // a patch leaves the field as it is
		}
	}
	for name, one := range properties {
		if !slices.Contains(required, name) {
			properties[name] = schema{"anyOf": []any{one, schema{"type": "null"}}}
		}
	}
	return object(properties, nil)
}
