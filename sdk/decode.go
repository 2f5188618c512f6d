package sdk

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// strictDecoder is a type that decodes itself strictly.
type strictDecoder interface {
	decodeStrict(data []byte, location string) violations
}

// decodeStrict decodes data into target, a pointer, refusing unknown fields.
// It decodes at full speed; only when that fails it looks again, slowly, for
// every place that is wrong. The target's value is zero.
func decodeStrict(data []byte, target reflect.Value, location string) violations {
	if strict, ok := target.Interface().(strictDecoder); ok {
		return strict.decodeStrict(data, location)
	}
	if readPlain(data, target, false) {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(target.Interface())
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return nil
		}
	}
	var wrong violations
	var generic any
	decoder = json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&generic) != nil {
		wrong.add(location, "is not a JSON value")
		return wrong
	}
	compare(generic, target.Type().Elem(), location, &wrong)
	if wrong == nil {
		wrong.add(location, "cannot be read")
	}
	return wrong
}

// compare adds a violation for each place where a JSON value does not fit a Go
// type.
func compare(value any, t reflect.Type, location string, wrong *violations) {
	if value == nil {
		return // encoding/json leaves the zero value
	}
	if _, ok := reflect.New(t).Interface().(json.Unmarshaler); ok {
		encoded, _ := json.Marshal(value)
		if json.Unmarshal(encoded, reflect.New(t).Interface()) != nil {
			wrong.add(location, "is not a valid %s", strings.ToLower(t.Name()))
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		compare(value, t.Elem(), location, wrong)
	case reflect.Struct:
		members, ok := value.(map[string]any)
		if !ok {
			wrong.add(location, "must be an object")
			return
		}
		known := fieldsOf(t)
		for _, name := range sortedKeys(members) {
			f := fieldNamed(known, name)
			if f == nil || f.source != "body" {
				wrong.add(location+"."+name, "is not a known field")
				continue
			}
			compare(members[name], f.goType, location+"."+name, wrong)
		}
	case reflect.Map:
		members, ok := value.(map[string]any)
		if !ok {
			wrong.add(location, "must be an object")
		}
		for _, name := range sortedKeys(members) {
			compare(members[name], t.Elem(), location+"."+name, wrong)
		}
	case reflect.Slice, reflect.Array:
		items, ok := value.([]any)
		if !ok && t != reflect.TypeFor[[]byte]() {
			wrong.add(location, "must be an array")
		}
		for i, item := range items {
			compare(item, t.Elem(), location+"["+strconv.Itoa(i)+"]", wrong)
		}
	case reflect.String:
		if _, ok := value.(string); !ok {
			wrong.add(location, "must be a string")
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			wrong.add(location, "must be true or false")
		}
	default:
		number, ok := value.(json.Number)
		if !isNumber(t.Kind()) {
			return
		}
		if !ok || json.Unmarshal([]byte(number), reflect.New(t).Interface()) != nil {
			if t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32 {
				wrong.add(location, "must be a number")
			} else {
				wrong.add(location, "must be a whole number")
			}
		}
	}
}

func isNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

// sortedKeys returns the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m)) // in one allocation, which a guest feels
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func quoted(list []string) string { return `"` + strings.Join(list, `", "`) + `"` }

func fieldNamed(fields []field, name string) *field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}
