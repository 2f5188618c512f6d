package wasm

import (
	"fmt"
	"unicode/utf8"
)

// Error is why a module was refused and where.
type Error struct {
	Offset int // in bytes from the module's beginning
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Reason, e.Offset) }

// reader walks a module. The first failure sticks: from then on nothing is
// left, every read returns zero, and loops over what is left end.
type reader struct {
	bytes []byte // the whole module, so that at is the place errors name
	at    int
	end   int // of what may be read
	err   *Error
}

func newReader(module []byte) *reader { return &reader{bytes: module, end: len(module)} }

func (r *reader) fail(format string, args ...any) { r.failAt(r.at, format, args...) }

func (r *reader) failAt(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
	r.end = r.at
}

func (r *reader) left() int { return r.end - r.at }

// within reads the next n bytes as a part of their own: read sees nothing
// behind them and must leave nothing of them.
func (r *reader) within(n uint32, what string, read func()) {
	if uint64(n) > uint64(r.left()) {
		r.fail("%s announces %d bytes, %d are left", what, n, r.left())
		return
	}
	outer := r.end
	r.end = r.at + int(n)
	read()
	if r.left() > 0 {
		r.fail("%s has %d bytes too many", what, r.left())
	}
	if r.err == nil {
		r.end = outer
	}
}

func (r *reader) byte() byte {
	if r.at >= r.end {
		r.fail("the module ends too early")
		return 0
	}
	b := r.bytes[r.at]
	r.at++
	return b
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(r.left()) {
		r.fail("%d bytes are announced, %d are left", n, r.left())
		return nil
	}
	b := r.bytes[r.at : r.at+int(n) : r.at+int(n)]
	r.at += int(n)
	return b
}

// rest takes what is left of the part.
func (r *reader) rest() []byte { return r.take(uint32(r.left())) }

func (r *reader) u32() uint32 {
	if r.at < r.end && r.bytes[r.at] < 0x80 { // nearly all of them
		r.at++
		return uint32(r.bytes[r.at-1])
	}
	return r.longU32()
}

func (r *reader) longU32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail("a number is longer than 32 bits")
	return 0
}

// signed reads a signed number of at most that many bytes. Bits beyond the
// type's are not looked at.
func (r *reader) signed(most int) int64 {
	var v int64
	for shift := 0; shift < 7*most; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 && shift < 57 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.fail("a number is longer than %d bytes", most)
	return 0
}

// skip steps over a number of at most that many bytes.
func (r *reader) skip(most int) {
	for range most {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail("a number is longer than %d bytes", most)
}

// The most bytes signed numbers take.
const (
	bytesOfI32 = 5
	bytesOfI33 = 5
	bytesOfI64 = 10
)

// count reads the length of a vector whose elements take at least one byte
// each, so that no more can be announced than there are bytes left.
func (r *reader) count(what string) int {
	n := r.u32()
	if uint64(n) > uint64(r.left()) {
		r.fail("%d %s are announced, but only %d bytes are left", n, what, r.left())
		return 0
	}
	return int(n)
}

// each reads a vector.
func (r *reader) each(what string, read func()) {
	for range r.count(what) {
		if read(); r.err != nil {
			return
		}
	}
}

// few reads a vector of not more than so many entries: what is kept of an entry
// takes many times the bytes it has.
func (r *reader) few(what string, most int, read func()) {
	n := r.count(what)
	if n > most {
		r.fail("the module has %d %s; the limit is %d", n, what, most)
		return
	}
	for range n {
		if read(); r.err != nil {
			return
		}
	}
}

func (r *reader) name() string {
	b := r.take(r.u32())
	if !utf8.Valid(b) {
		r.fail("a name is not UTF-8")
		return ""
	}
	return string(b)
}

func (r *reader) valueType() ValueType {
	t := ValueType(r.byte())
	if !t.valid() && r.err == nil {
		r.failAt(r.at-1, "%#x is not a type of a value", byte(t))
	}
	return t
}

// valueTypes reads the parameters or results of a function type.
func (r *reader) valueTypes(what string, most int) []ValueType {
	n := r.count(what)
	if n > most {
		r.fail("a function type has %d %s; the limit is %d", n, what, most)
		return nil
	}
	if n == 0 {
		return nil
	}
	types := make([]ValueType, n)
	for i := range types {
		types[i] = r.valueType()
	}
	return types
}

// limits reads the limits of a table or memory.
func (r *reader) limits(what string) (minimum, maximum uint32, bounded bool) {
	switch r.byte() {
	case 0:
		return r.u32(), 0, false
	case 1:
		minimum, maximum = r.u32(), r.u32()
		return minimum, maximum, true
	}
	r.fail("a %s is shared or 64 bits wide, which is not supported", what)
	return 0, 0, false
}

func (r *reader) signature(most int) Signature {
	if r.byte() != 0x60 {
		r.fail("a type is not a function type")
		return Signature{}
	}
	return Signature{Params: r.valueTypes("parameters", most), Results: r.valueTypes("results", most)}
}

// table reads a table's type, and how many elements it starts with.
func (r *reader) table(most int) (t ValueType, minimum uint32) {
	t = r.reference()
	minimum, _, _ = r.limits("table")
	if int64(minimum) > int64(most) {
		r.fail("a table starts with %d elements; the limit is %d", minimum, most)
	}
	return t, minimum
}

func (r *reader) reference() ValueType {
	t := ValueType(r.byte())
	if t != FuncRef && t != ExternRef && r.err == nil {
		r.failAt(r.at-1, "%#x is not a type of a reference", byte(t))
	}
	return t
}

// global reads a global's type and whether it can change.
func (r *reader) global() (ValueType, bool) {
	t, mutable := r.valueType(), r.byte()
	if mutable > 1 {
		r.failAt(r.at-1, "a global is neither constant nor variable")
	}
	return t, mutable == 1
}

// locals adds up what a function's local declarations announce: five bytes can
// declare four thousand million of them.
func (r *reader) locals(most int) (locals, wide int) {
	r.each("groups of locals", func() {
		n := r.u32()
		if r.valueType() == V128 {
			wide += int(n)
		}
		if locals += int(n); locals > most {
			r.fail("a function declares more than %d locals", most)
		}
	})
	return locals, wide
}
