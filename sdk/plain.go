package sdk

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// encoding/json takes a guest longer for a small body than all the rest of most
// calls. So what is plain is read and written here: structs of strings, numbers,
// booleans, times and lists of such, in a text without surprises. For every other
// type, and for every text that is not like that, encoding/json decides, so that
// nothing means anything else here than there.

// plain is what is known of a type that is plain.
type plain struct {
	of     reflect.Type
	kind   reflect.Kind
	own    bool         // it reads itself from a JSON string, like time.Time
	elem   *plain       // of a slice or a pointer
	fields []plainField // of a struct
}

type plainField struct {
	name   string
	key    string // the name as it is written, with quotes and colon
	index  int
	offset uintptr
	*plain
}

var plainTypes sync.Map // reflect.Type -> *plain, nil for one that isn't

// plainOf returns what is known of a type, or nil for one that isn't plain.
func plainOf(t reflect.Type) *plain {
	if known, ok := plainTypes.Load(t); ok {
		return known.(*plain)
	}
	plainTypes.Store(t, (*plain)(nil)) // a type that contains itself is not plain
	p := newPlain(t)
	plainTypes.Store(t, p)
	return p
}

func newPlain(t reflect.Type) *plain {
	p := &plain{of: t, kind: t.Kind()}
	has := func(methods reflect.Type) bool {
		return p.kind != reflect.Pointer && reflect.PointerTo(t).Implements(methods)
	}
	marshaler := reflect.TypeFor[json.Marshaler]()
	switch {
	case t == reflect.TypeFor[json.Number](), has(marshaler) && !t.Implements(marshaler):
		return nil
	case has(reflect.TypeFor[json.Unmarshaler]()):
		p.own = true
		return p
	case has(marshaler), has(reflect.TypeFor[encoding.TextMarshaler]()), has(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil
	case p.kind == reflect.String || p.kind == reflect.Bool || isNumber(p.kind):
		return p
	case p.kind == reflect.Pointer || p.kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if p.elem = plainOf(t.Elem()); p.elem == nil {
			return nil
		}
		return p
	case p.kind == reflect.Struct && p.addFields(t):
		return p
	default:
		return nil
	}
}

// addFields notes the fields of a struct, and reports whether it is plain.
func (p *plain) addFields(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return false
		}
		name, more, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" && more == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		of := plainOf(f.Type)
		if of == nil || more != "" || p.field(name) != nil || !isWord(name) {
			return false
		}
		p.fields = append(p.fields, plainField{name, `"` + name + `":`, i, f.Offset, of})
	}
	return len(p.fields) <= 64
}

// field finds a field by its name, whatever its case.
func (p *plain) field(name string) *plainField {
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].name, name) {
			return &p.fields[i]
		}
	}
	return nil
}

// isWord reports whether a name is written in JSON as it is.
func isWord(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
