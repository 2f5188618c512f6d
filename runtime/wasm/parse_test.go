package wasm

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// small is a module with something in each section that is read: a type, an
// import, a function, a table, a memory, two exports, a body and a custom
// section.
var small = slices.Concat(
	[]byte("\x00asm\x01\x00\x00\x00"),
	[]byte{1, 6, 1, 0x60, 1, byte(I64), 1, byte(I32)},
	[]byte{2, 9, 1, 1, 'm', 3, 'f', 'o', 'o', 0, 0},
	[]byte{3, 2, 1, 0},
	[]byte{4, 4, 1, 0x70, 0, 1},
	[]byte{5, 4, 1, 1, 1, 2},
	[]byte{7, 14, 2, 3, 'm', 'e', 'm', 2, 0, 4, 'c', 'a', 'l', 'l', 0, 1},
	[]byte{10, 8, 1, 6, 1, 2, byte(I32), 0x41, 0, 0x0b},
	[]byte{0, 5, 2, 'h', 'i', 1, 2},
)

func TestParse(t *testing.T) {
	m, err := Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	signature := Signature{Params: []ValueType{I64}, Results: []ValueType{I32}}
	if len(m.Imports) != 1 || m.Imports[0].Module != "m" || m.Imports[0].Name != "foo" || !m.Imports[0].Type.Equal(signature) {
		t.Errorf("imports %+v", m.Imports)
	}
	if got := signature.String(); got != "(i64) -> (i32)" {
		t.Error(got)
	}
	if len(m.Memories) != 1 || m.Memories[0] != (Memory{Min: 1, Max: 2, Bounded: true}) {
		t.Errorf("memories %+v", m.Memories)
	}
	if e, ok := m.Export("call"); !ok || !e.Type.Equal(signature) {
		t.Errorf("export %+v", e)
	}
	if _, ok := m.Export("mem"); ok {
		t.Error("a memory was taken for a function")
	}
	if payload, ok := m.Custom("hi"); !ok || !bytes.Equal(payload, []byte{1, 2}) {
		t.Errorf("custom %v", payload)
	}
}

// Every module cut short is refused, or ends between two sections.
func TestParseCutShort(t *testing.T) {
	for i := range small {
		m, err := Parse(small[:i])
		if err == nil && len(m.Customs) > 0 {
			t.Errorf("%d bytes were taken for all of it", i)
		}
		if refusal, ok := errors.AsType[*Error](err); err != nil && (!ok || refusal.Offset < 0 || refusal.Offset > i) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

func TestParseNumbers(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		value uint32
		ok    bool
	}{
		{[]byte{0}, 0, true}, {[]byte{0x80, 0}, 0, true}, {[]byte{0xe5, 0x8e, 0x26}, 624485, true},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, 1<<32 - 1, true},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0x1f}, 0, false}, {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, 0, false}, {[]byte{0x80}, 0, false}, {nil, 0, false},
	} {
		r := newReader(c.bytes)
		v := r.u32()
		if (r.err == nil) != c.ok || c.ok && v != c.value {
			t.Errorf("% x: %d %v", c.bytes, v, r.err)
		}
	}
}

func TestWithCustom(t *testing.T) {
	for _, payload := range []string{"", "x", strings.Repeat("long", 100)} {
		out, err := WithCustom(small, "hi", []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Custom("hi"); len(m.Customs) != 1 || string(got) != payload {
			t.Errorf("%q in %d sections", got, len(m.Customs))
		}
		if rest := len(small) - 7; !bytes.Equal(out[:rest], small[:rest]) {
			t.Error("other sections changed")
		}
	}
	if _, err := WithCustom([]byte("no module"), "hi", nil); err == nil {
		t.Error("what is no module was taken for one")
	}
}

// FuzzParse: no panic, and nothing larger than the input is made.
func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, module []byte) {
		m, err := Parse(module)
		if err != nil {
			return
		}
		if n := len(m.Imports) + len(m.Exports) + len(m.Customs) + len(m.Types) + len(m.functions); n > len(module) {
			t.Errorf("%d things in %d bytes", n, len(module))
		}
		out, err := WithCustom(module, "n", []byte("payload"))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(out); err != nil || len(again.Exports) != len(m.Exports) {
			t.Errorf("%v", err)
		}
	})
}
