package sdk

import (
	"encoding/json"
	"reflect"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// plainReader reads a JSON text into plain values. It gives up, with false, at
// whatever it does not know for certain: encoding/json then starts afresh.
type plainReader struct {
	text string
	at   int
	lax  bool // members that are not fields are skipped
}

// readPlain decodes data into target, a pointer whose value is zero, as a strict
// decoder or, if it is lax, json.Unmarshal would. Nobody writes to data
// afterwards: strings are parts of it. After false the target is zero again.
func readPlain(data []byte, target reflect.Value, lax bool) bool {
	return plainOf(target.Type().Elem()).read(data, target, lax)
}

// read is readPlain of a type that is known; nil: it is not plain.
func (p *plain) read(data []byte, target reflect.Value, lax bool) bool {
	if p == nil {
		return false
	}
	v := target.Elem()
	r := plainReader{text: unsafe.String(unsafe.SliceData(data), len(data)), lax: lax}
	r.space()
	if r.value(p, v) {
		if r.space(); r.at == len(r.text) {
			return true
		}
	}
	v.SetZero()
	return false
}

// value reads one value.
func (r *plainReader) value(p *plain, v reflect.Value) bool {
	c := r.peek()
	switch {
	case c == 'n':
		return !p.own && r.word("null") // what is not there stays zero
	case p.own:
		start := r.at
		if _, ok := r.string(); !ok {
			return false
		}
		return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON([]byte(r.text[start:r.at])) == nil
	case p.kind == reflect.String:
		s, ok := r.string()
		v.SetString(s)
		return ok
	case p.kind == reflect.Bool:
		v.SetBool(c == 't')
		return c == 't' && r.word("true") || c == 'f' && r.word("false")
	case p.kind == reflect.Struct:
		return r.object(p, v)
	case p.kind == reflect.Slice:
		return r.list(p.elem, v)
	case p.kind == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return r.value(p.elem, v.Elem())
	default:
		return r.number(p.kind, v)
	}
}

func (r *plainReader) object(p *plain, v reflect.Value) bool {
	var seen uint64 // fields
	if !r.byte('{') {
		return false
	}
	for n := 0; ; n++ {
		if r.space(); r.peek() == '}' && n == 0 {
			break
		}
		name, ok := r.string()
		if r.space(); !ok || !r.byte(':') {
			return false
		}
		r.space()
		f := -1
		for i := range p.fields {
			if p.fields[i].name == name {
				f = i
				break
			}
		}
		switch {
		case f >= 0 && seen&(1<<f) == 0:
			seen |= 1 << f
			if !r.value(p.fields[f].plain, v.Field(p.fields[f].index)) {
				return false
			}
		case f >= 0 || !r.lax || p.field(name) != nil:
			return false
		default:
			s := scanner{text: r.text, at: r.at}
			s.skip()
			if r.at = s.at; s.bad {
				return false
			}
		}
		if r.space(); r.peek() != ',' {
			break
		}
		r.at++
	}
	return r.byte('}')
}

func (r *plainReader) list(elem *plain, v reflect.Value) bool {
	if !r.byte('[') {
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 4))
	for {
		n := v.Len()
		if r.space(); r.peek() == ']' && n == 0 {
			break
		}
		if n == v.Cap() {
			v.Grow(n)
		}
		v.SetLen(n + 1)
		if !r.value(elem, v.Index(n)) {
			return false
		}
		if r.space(); r.peek() != ',' {
			break
		}
		r.at++
	}
	return r.byte(']')
}

// string reads a string without escapes.
func (r *plainReader) string() (string, bool) {
	if !r.byte('"') {
		return "", false
	}
	var all byte
	for i := r.at; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			s := r.text[r.at:i]
			r.at = i + 1
			return s, all < utf8.RuneSelf || utf8.ValidString(s)
		case c == '\\' || c < ' ':
			return "", false
		default:
			all |= c
		}
	}
	return "", false
}

// number reads a whole number, in a field of any kind of numbers.
func (r *plainReader) number(kind reflect.Kind, v reflect.Value) bool {
	start := r.at
	if r.peek() == '-' {
		r.at++
	}
	first := r.at
	for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
		r.at++
	}
	digits := r.at - first
	switch c := r.peek(); {
	case digits == 0 || digits > 1 && r.text[first] == '0' || c == '.' || c == 'e' || c == 'E':
		return false
	}
	text := r.text[start:r.at]
	switch {
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
		return err == nil
	default:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(n)
		return err == nil
	}
}

func (r *plainReader) word(w string) bool {
	if len(r.text)-r.at < len(w) || r.text[r.at:r.at+len(w)] != w {
		return false
	}
	r.at += len(w)
	return true
}

func (r *plainReader) byte(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *plainReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// peek returns the next byte, and 0 at the end.
func (r *plainReader) peek() byte {
	if r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}
