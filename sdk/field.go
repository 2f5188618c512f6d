package sdk

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core/abi"
)

// field is what a struct field says about itself in its tags; doc.go has their
// words.
type field struct {
	abi.Field
	index  []int
	goType reflect.Type
	source string // body, path or query
	key    string // the name as JSON writes it, with quotes and colon
	plain  *plain // of goType; nil: it is none
}

var fieldTypes = []abi.FieldType{
	abi.TypeString, abi.TypeText, abi.TypeInt, abi.TypeFloat, abi.TypeBool, abi.TypeTime, abi.TypeDate,
	abi.TypeMoney, abi.TypeEmail, abi.TypeURL, abi.TypeID, abi.TypeJSON, abi.TypeArray, abi.TypeObject,
}

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf returns the exported fields of a struct type, embedded structs
// included. It panics on a tag it doesn't understand: that is a mistake in the
// plugin's source, and must not wait for a request to be found.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		part := t.Field(i)
		name, _, _ := strings.Cut(part.Tag.Get("json"), ",")
		if part.Anonymous && name == "" && part.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(part.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if !part.IsExported() {
			continue
		}
		f := field{index: []int{i}, goType: part.Type, source: "body"}
		f.Name = name
		for _, source := range []string{"path", "query"} {
			if from := part.Tag.Get(source); from != "" {
				if name != "-" {
					panic("sdk: " + t.String() + "." + part.Name + ` comes from the ` + source + `: tag it json:"-" too, so that a body cannot set it`)
				}
				f.source, f.Name = source, from
			}
		}
		if f.Name == "-" {
			continue
		}
		if f.Name == "" {
			f.Name = part.Name
		}
		f.readTag(t.String()+"."+part.Name, part.Tag.Get("carrel"))
		f.key, f.plain = string(appendString(nil, f.Name))+":", plainOf(f.goType)
		fields = append(fields, f)
	}
	fieldCache.Store(t, fields)
	return fields
}

func (f *field) readTag(place, tag string) {
	f.Type = typeOf(f.goType)
	var preset string
	for tag != "" {
		if doc, ok := strings.CutPrefix(tag, "doc="); ok {
			f.Doc = doc
			break
		}
		var word string
		word, tag, _ = strings.Cut(tag, ",")
		key, value, _ := strings.Cut(word, "=")
		switch {
		case slices.Contains(fieldTypes, abi.FieldType(word)):
			f.Type = abi.FieldType(word)
		case word == "required":
			f.Required = true
		case word == "unique":
			f.Unique = true
		case word == "index":
			f.Index = true
		case word == "secret":
			f.Secret = true
		case key == "enum":
			f.Enum = strings.Split(value, "|")
		case key == "default":
			preset = value
		case key == "max":
			n, err := strconv.Atoi(value)
			if err != nil {
				panic("sdk: " + place + ": max=" + value + " is not a whole number")
			}
			f.Max = n
		case key == "ref":
			f.Ref, f.Type = value, abi.TypeID
		case key == "on_delete":
			f.OnDelete = value
		default:
			panic("sdk: " + place + ": the carrel tag has an unknown word: " + strconv.Quote(word))
		}
	}
	if preset == "" {
		return
	}
	if f.Default = json.RawMessage(preset); f.Type.IsText() {
		f.Default, _ = json.Marshal(preset)
	}
	if !json.Valid(f.Default) {
		panic("sdk: " + place + ": default=" + preset + " is not a value of type " + string(f.Type))
	}
}

// typeOf is the field type a Go type stands for.
func typeOf(t reflect.Type) abi.FieldType {
	switch t {
	case reflect.TypeFor[time.Time]():
		return abi.TypeTime
	case reflect.TypeFor[ID]():
		return abi.TypeID
	case reflect.TypeFor[Money]():
		return abi.TypeMoney
	case reflect.TypeFor[json.RawMessage]():
		return abi.TypeJSON
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem())
	case reflect.String:
		return abi.TypeString
	case reflect.Bool:
		return abi.TypeBool
	case reflect.Float32, reflect.Float64:
		return abi.TypeFloat
	case reflect.Slice, reflect.Array:
		return abi.TypeArray
	case reflect.Struct, reflect.Map:
		return abi.TypeObject
	case reflect.Interface:
		return abi.TypeJSON
	default:
		return abi.TypeInt
	}
}

// omitted reports whether a value stands for "not there" when a document is
// written: an empty string, no time, no list, no pointer. A zero number and
// false are values, unless the field has a default: then only a pointer can
// say zero.
func (f *field) omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return f.Default != nil && v.IsZero()
	default:
		return v.IsZero()
	}
}

// encodeBody encodes the fields of a struct as a document's body.
func encodeBody(v reflect.Value) (json.RawMessage, error) {
	body := append(make([]byte, 0, usualBody), '{')
	fields := fieldsOf(v.Type())
	for i := range fields {
		f := &fields[i]
		part := v.FieldByIndex(f.index)
		if f.source != "body" || f.omitted(part) {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, f.key...)
		var err error
		if body, err = f.append(body, part); err != nil {
			return nil, err
		}
	}
	return append(body, '}'), nil
}

func (f *field) append(b []byte, v reflect.Value) ([]byte, error) {
	if f.plain != nil {
		return f.plain.append(b, v)
	}
	return appendMarshalled(b, v)
}

// bounded reports whether check has anything to find.
func (f *field) bounded() bool { return f.Required || len(f.Enum) > 0 || f.Max > 0 }

// check adds the violations of a value's own rules. The host checks documents
// again; this also covers requests that never become one, and says it before
// the first host call.
func (f *field) check(v reflect.Value, source string, wrong *violations) {
	refuse := func(format string, args ...any) { wrong.add(source+"."+f.Name, format, args...) }
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			break
		}
		v = v.Elem()
	}
	if f.Required && (v.IsZero() && v.Kind() != reflect.Bool && !isNumber(v.Kind())) {
		refuse("is required")
		return
	}
	switch {
	case v.Kind() == reflect.String && v.Len() > 0:
		if len(f.Enum) > 0 && !slices.Contains(f.Enum, v.String()) {
			refuse("must be one of %s", quoted(f.Enum))
		}
		if f.Max > 0 && v.Len() > f.Max { // in bytes: there may be fewer characters
			if n := utf8.RuneCountInString(v.String()); n > f.Max {
				refuse("has %d characters; at most %d are allowed", n, f.Max)
			}
		}
	case f.Type == abi.TypeArray && v.Kind() == reflect.Slice:
		if f.Max > 0 && v.Len() > f.Max {
			refuse("has %d items; at most %d are allowed", v.Len(), f.Max)
		}
	}
}
