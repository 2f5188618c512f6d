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
	r := plainReader{text: unsafe.String(unsafe.SliceData(data), len(data)), lax: lax}
	r.space()
	if r.value(p, target.UnsafePointer()) {
		if r.space(); r.at == len(r.text) {
			return true
		}
	}
	target.Elem().SetZero()
	return false
}

// value reads one value into the memory of one of p's type. reflect.Value's
// setters would look at each again for what p knows already.
func (r *plainReader) value(p *plain, to unsafe.Pointer) bool {
	c := r.peek()
	switch {
	case c == 'n':
		return !p.own && r.word("null") // what is not there stays zero
	case p.own:
		start := r.at
		if _, ok := r.string(); !ok {
			return false
		}
		return reflect.NewAt(p.of, to).Interface().(json.Unmarshaler).UnmarshalJSON([]byte(r.text[start:r.at])) == nil
	case p.kind == reflect.String:
		s, ok := r.string()
		*(*string)(to) = s
		return ok
	case p.kind == reflect.Bool:
		*(*bool)(to) = c == 't'
		return c == 't' && r.word("true") || c == 'f' && r.word("false")
	case p.kind == reflect.Struct:
		return r.object(p, to)
	case p.kind == reflect.Slice:
		return r.list(p, to)
	case p.kind == reflect.Pointer:
		made := reflect.New(p.elem.of).UnsafePointer()
		*(*unsafe.Pointer)(to) = made
		return r.value(p.elem, made)
	default:
		return r.number(p.kind, to)
	}
}

func (r *plainReader) object(p *plain, to unsafe.Pointer) bool {
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
		for i := range p.fields { // in most texts they come in their order
			if at := (n + i) % len(p.fields); p.fields[at].name == name {
				f = at
				break
			}
		}
		switch {
		case f >= 0 && seen&(1<<f) == 0:
			seen |= 1 << f
			if !r.value(p.fields[f].plain, unsafe.Add(to, p.fields[f].offset)) {
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

func (r *plainReader) list(p *plain, to unsafe.Pointer) bool {
	if !r.byte('[') {
		return false
	}
	list := reflect.NewAt(p.of, to).Elem()
	list.Set(reflect.MakeSlice(p.of, 0, 4))
	items, room, n := list.UnsafePointer(), list.Cap(), 0
	for ; ; n++ {
		if r.space(); r.peek() == ']' && n == 0 {
			break
		}
		if n == room {
			list.SetLen(n)
			list.Grow(n)
			items, room = list.UnsafePointer(), list.Cap()
		}
		if !r.value(p.elem, unsafe.Add(items, uintptr(n)*p.elem.of.Size())) {
			return false
		}
		if r.space(); r.peek() != ',' {
			n++
			break
		}
		r.at++
	}
	list.SetLen(n)
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

// maxDigits is how many digits every int64 has room for.
const maxDigits = 18

// number reads a whole number, in a field of any kind of numbers.
func (r *plainReader) number(kind reflect.Kind, to unsafe.Pointer) bool {
	start := r.at
	negative := r.peek() == '-'
	if negative {
		r.at++
	}
	first, n := r.at, int64(0)
	for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
		n = 10*n + int64(c-'0')
		r.at++
	}
	digits := r.at - first
	switch c := r.peek(); {
	case digits == 0 || digits > maxDigits || digits > 1 && r.text[first] == '0' || c == '.' || c == 'e' || c == 'E':
		return false
	}
	if negative {
		n = -n
	}
	switch kind {
	case reflect.Int:
		return put[int](to, n)
	case reflect.Int8:
		return put[int8](to, n)
	case reflect.Int16:
		return put[int16](to, n)
	case reflect.Int32:
		return put[int32](to, n)
	case reflect.Int64:
		return put[int64](to, n)
	case reflect.Uint:
		return !negative && put[uint](to, n)
	case reflect.Uint8:
		return !negative && put[uint8](to, n)
	case reflect.Uint16:
		return !negative && put[uint16](to, n)
	case reflect.Uint32:
		return !negative && put[uint32](to, n)
	case reflect.Uint64:
		return !negative && put[uint64](to, n)
	case reflect.Float32:
		f, err := strconv.ParseFloat(r.text[start:r.at], 32)
		*(*float32)(to) = float32(f)
		return err == nil
	case reflect.Float64:
		f, err := strconv.ParseFloat(r.text[start:r.at], 64)
		*(*float64)(to) = f
		return err == nil
	default:
		return false
	}
}

// put writes a number, and reports whether there was room for it.
func put[T int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64](to unsafe.Pointer, n int64) bool {
	*(*T)(to) = T(n)
	return int64(T(n)) == n
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
