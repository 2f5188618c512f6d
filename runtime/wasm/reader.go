package wasm

import (
	"fmt"
	"unicode/utf8"
)

// reader walks bytes. base is where they begin in the module, so that errors
// can name the place.
type reader struct {
	bytes []byte
	at    int
	base  int
}

// Error is why a module was refused and where.
type Error struct {
	Offset int
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Reason, e.Offset) }

func (r *reader) fail(format string, args ...any) error {
	return &Error{Offset: r.base + r.at, Reason: fmt.Sprintf(format, args...)}
}

func (r *reader) left() int { return len(r.bytes) - r.at }

func (r *reader) byte() (byte, error) {
	if r.left() < 1 {
		return 0, r.fail("the module ends too early")
	}
	b := r.bytes[r.at]
	r.at++
	return b, nil
}

func (r *reader) take(n uint32) ([]byte, error) {
	if uint64(n) > uint64(r.left()) {
		return nil, r.fail("%d bytes are announced, %d are left", n, r.left())
	}
	b := r.bytes[r.at : r.at+int(n) : r.at+int(n)]
	r.at += int(n)
	return b, nil
}

// sub returns a reader of the next n bytes and steps over them.
func (r *reader) sub(n uint32) (*reader, error) {
	base := r.base + r.at
	b, err := r.take(n)
	if err != nil {
		return nil, err
	}
	return &reader{bytes: b, base: base}, nil
}

func (r *reader) u32() (uint32, error) {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, r.fail("a number is longer than 32 bits")
}

// count reads the length of a vector whose elements take at least one byte
// each, so that no more can be announced than there are bytes left.
func (r *reader) count(what string) (int, error) {
	n, err := r.u32()
	if err != nil {
		return 0, err
	}
	if uint64(n) > uint64(r.left()) {
		return 0, r.fail("%d %s are announced, but only %d bytes are left", n, what, r.left())
	}
	return int(n), nil
}

func (r *reader) name() (string, error) {
	n, err := r.u32()
	if err != nil {
		return "", err
	}
	b, err := r.take(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", r.fail("a name is not UTF-8")
	}
	return string(b), nil
}

func (r *reader) valueTypes(what string) ([]ValueType, error) {
	n, err := r.count(what)
	if err != nil {
		return nil, err
	}
	if n > MaxParameters {
		return nil, r.fail("a function type has %d %s; the limit is %d", n, what, MaxParameters)
	}
	b, err := r.take(uint32(n))
	if err != nil {
		return nil, err
	}
	types := make([]ValueType, n)
	for i := range b {
		types[i] = ValueType(b[i])
	}
	return types, nil
}

// limits reads the limits of a table or memory.
func (r *reader) limits(what string) (minimum, maximum uint32, bounded bool, err error) {
	flag, err := r.byte()
	if err != nil {
		return 0, 0, false, err
	}
	if flag > 1 {
		return 0, 0, false, r.fail("a %s is shared or 64 bits wide, which is not supported", what)
	}
	if minimum, err = r.u32(); err != nil || flag == 0 {
		return minimum, 0, false, err
	}
	maximum, err = r.u32()
	return minimum, maximum, true, err
}
