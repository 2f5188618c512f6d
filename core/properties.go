package core

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Property is a member of a JSON object.
type Property struct {
	Name  string
	Value json.RawMessage // part of the object's text
}

// Properties returns the members of a JSON object that CheckJSON found nothing wrong
// with, in order; false if the text is another value.
func Properties(object []byte) (properties []Property, ok bool) {
	i := afterSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return nil, false
	}
	properties = make([]Property, 0, 8)
	for i = afterSpace(object, i+1); i < len(object) && object[i] == '"'; {
		end := afterValue(object, i)
		name, ok := Unquoted(object[i:end])
		if !ok {
			return nil, false
		}
		i = afterSpace(object, end)
		if i == len(object) || object[i] != ':' {
			return nil, false
		}
		begin := afterSpace(object, i+1)
		end = afterValue(object, begin)
		properties = append(properties, Property{name, object[begin:end:end]})
		if i = afterSpace(object, end); i == len(object) || object[i] != ',' {
			break
		}
		i = afterSpace(object, i+1)
	}
	return properties, i < len(object) && object[i] == '}' && afterSpace(object, i+1) == len(object)
}

func afterSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// afterValue is the end of the value that begins at i.
func afterValue(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(text))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of what is around a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// Unquoted is the value of a JSON string that CheckJSON found nothing wrong with;
// false of another value.
func Unquoted(text []byte) (s string, ok bool) {
	if len(text) < 2 || text[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1]), true
	}
	return s, json.Unmarshal(text, &s) == nil
}

// flat is what is known of a struct whose fields are all easily read from a JSON
// object; nil: it has others.
type flat []flatField

type flatField struct {
	name string
	kind reflect.Kind // String, Bool or Int; Slice: it is a json.RawMessage
}

var flats sync.Map // reflect.Type -> flat

func flatOf(t reflect.Type) flat {
	if known, ok := flats.Load(t); ok {
		return known.(flat)
	}
	s := newFlat(t)
	flats.Store(t, s)
	return s
}

func newFlat(t reflect.Type) flat {
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	s := flat{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		own := reflect.PointerTo(f.Type).Implements(reflect.TypeFor[json.Unmarshaler]())
		kind := f.Type.Kind()
		if kind == reflect.Int64 {
			kind = reflect.Int
		}
		switch {
		case f.Anonymous, !f.IsExported(), name == "", name == "-", strings.Contains(options, "string"):
			return nil
		case f.Type == reflect.TypeFor[json.RawMessage]():
		case own, kind != reflect.String && kind != reflect.Bool && kind != reflect.Int:
			return nil
		}
		s = append(s, flatField{name, kind})
	}
	return s
}

// read sets the fields of a struct to the members of an object. It gives up, with
// false, at whatever it does not know for certain; the struct is then to be read
// anew.
func (s flat) read(object []byte, into reflect.Value) bool {
	properties, ok := Properties(object)
	if !ok {
		return false
	}
	for _, m := range properties {
		at := -1
		for i := range s {
			if s[i].name == m.Name {
				at = i
			}
		}
		if at < 0 || !s[at].read(m.Value, into.Field(at)) {
			return false
		}
	}
	return true
}

func (f flatField) read(value json.RawMessage, into reflect.Value) bool {
	switch f.kind {
	case reflect.Slice:
		into.SetBytes(append(json.RawMessage(nil), value...))
		return true
	case reflect.String:
		s, ok := Unquoted(value)
		into.SetString(s)
		return ok
	case reflect.Bool:
		b := string(value) == "true"
		into.SetBool(b)
		return b || string(value) == "false"
	default:
		n, err := strconv.ParseInt(string(value), 10, into.Type().Bits())
		into.SetInt(n)
		return err == nil
	}
}
