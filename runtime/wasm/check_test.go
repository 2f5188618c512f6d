package wasm

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// assembly is a module for tests, section by section.
type assembly struct{ code }

func module(sections ...func(*assembly)) []byte {
	a := &assembly{code: slices.Clone(header)}
	for _, s := range sections {
		s(a)
	}
	return a.code
}

// entries is a section of entries that are written out.
func entries(id byte, entries ...string) func(*assembly) {
	return func(a *assembly) {
		a.raw(id)
		a.sized(func() {
			a.code = appendU32(a.code, uint32(len(entries)))
			for _, e := range entries {
				a.raw([]byte(e)...)
			}
		})
	}
}

// bodies is a code section of functions without locals, their last end left out.
func bodies(functions ...string) func(*assembly) {
	sized := make([]string, len(functions))
	for i, f := range functions {
		var c code
		c.sized(func() { c.raw([]byte("\x00" + f + "\x0b")...) })
		sized[i] = string(c)
	}
	return entries(sectionCode, sized...)
}

// Types, by index: () -> (), (i32) -> (), () -> (i32), () -> (i32, i64).
var (
	types   = entries(sectionType, "\x60\x00\x00", "\x60\x01\x7f\x00", "\x60\x00\x01\x7f", "\x60\x00\x02\x7f\x7e")
	one     = entries(sectionFunction, "\x00")
	memory1 = entries(sectionMemory, "\x00\x01")
	table1  = entries(sectionTable, "\x70\x00\x02")
)

func TestCheckRefuses(t *testing.T) {
	function := func(body string) []byte { return module(types, one, table1, memory1, bodies(body)) }
	bounded := PluginBounds
	bounded.Nesting, bounded.BranchTable, bounded.LoopLocals, bounded.Locals = 3, 2, 1, 4
	for _, c := range []struct {
		name   string
		module []byte
		says   string // "" when it is accepted
	}{
		{"nothing", module(), ""},
		{"empty function", function(""), ""},
		{"cut off", function("")[:40], "announces"},
		{"sections out of order", module(memory1, table1), "tables is out of order"},
		{"functions before their types", module(one, types), "type 0 is named"},
		{"a section twice", module(types, types), "out of order"},
		{"a section nobody knows", module(entries(13)), "no section 13"},
		{"no body", module(types, one), "declares 1 functions"},
		{"a body too many", module(types, bodies("")), "declares 0 functions"},
		{"import of the engine's", module(types, entries(sectionImport, "\x0dcarrel:engine\x05yield\x00\x00")), "the engine's own"},
		{"export of the engine's", module(types, one, entries(sectionExport, "\x0bcarrel:fuel\x00\x00"), bodies("")), "the engine's own"},
		{"two memories", module(entries(sectionMemory, "\x00\x01", "\x00\x01")), "more than one memory"},
		{"shared memory", module(entries(sectionMemory, "\x03\x01\x01")), "shared"},
		{"a big table", module(entries(sectionTable, "\x70\x00\xff\xff\xff\xff\x0f")), "limit is 100000"},
		{"a start function with a parameter", module(types, entries(sectionFunction, "\x01"), func(a *assembly) { a.raw(sectionStart, 1, 0) }, bodies("")), "start function"},
		{"function out of range", function("\x10\x01"), "function 1 is named; there are 1"},
		{"global out of range", function("\x23\x00\x1a"), "global 0"},
		{"local out of range", function("\x20\x00\x1a"), "local 0"},
		{"label out of range", function("\x0c\x01"), "block 1"},
		{"label of the function", function("\x0c\x00"), ""},
		{"type out of range", function("\x41\x00\x11\x04\x00"), "type 4"},
		{"table out of range", function("\x41\x00\x11\x00\x01"), "table 1"},
		{"block type out of range", function("\x02\x04\x0b"), "type of a block"},
		{"block type of its own", function("\x02\x03\x41\x00\x42\x00\x0b\x1a\x1a"), ""},
		{"element out of range", function("\xfc\x0d\x00"), "element segment 0"},
		{"data without its count", function("\xfc\x09\x00"), "data segment 0"},
		{"a reference nobody declared", function("\xd2\x00\x1a"), "refers to function 0"},
		{"memory that is not there", module(types, one, bodies("\x41\x00\x28\x02\x00\x1a")), "needs a memory"},
		{"no such instruction", function("\x06"), "no such instruction"},
		{"tail call", function("\x12\x00"), "no such instruction"},
		{"atomic", function("\xfe\x00"), "no such instruction"},
		{"relaxed vector", function("\xfd\x80\x02"), "no such vector instruction"},
		// A decoder that reads one byte of the opcode takes the constant for code.
		{"vector opcode in a longer form", function("\xfd\x8c\x00" + strings.Repeat("\x00", 16) + "\x1a"), "no such vector instruction"},
		{"missing operand", function("\x1a"), "lacks an operand"},
		{"missing operand behind a branch", function("\x00\x1a\x1a\x1a"), ""},
		{"a value too many", function("\x41\x00"), "leaves 1 values"},
		{"a value too few", module(types, entries(sectionFunction, "\x02"), bodies("")), "leaves 0 values"},
		{"else without if", function("\x05"), "belongs to no if"},
		{"code behind the end", function("\x0b\x01"), "too many"},
		{"no end", module(types, one, entries(sectionCode, "\x02\x00\x01")), "too early"},
		{"nesting", function(strings.Repeat("\x02\x40", 4) + strings.Repeat("\x0b", 4)), "nested more than 3"},
		{"branch table", function("\x41\x00\x0e\x03\x00\x00\x00\x00"), "limit is 2"},
		{"locals", module(types, one, entries(sectionCode, "\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b")), "more than 4 locals"},
		{"data without a memory", module(types, one, bodies(""), entries(sectionData, "\x00\x41\x00\x0b\x00")), "needs a memory"},
		{"a count of other data", module(memory1, func(a *assembly) { a.raw(sectionDataCount, 1, 2) }, entries(sectionData, "\x00\x41\x00\x0b\x00")), "announces 2 data segments and has 1"},
		{"data placed by a number that is no i32", module(memory1, entries(sectionData, "\x00\x42\x00\x0b\x00")), "not an i32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Check(c.module, bounded)
			refusal, ok := errors.AsType[*Error](err)
			switch {
			case c.says == "" && err != nil:
				t.Fatal(err)
			case c.says != "" && (!ok || !strings.Contains(refusal.Reason, c.says)):
				t.Fatalf("got %v, want %q", err, c.says)
			case ok && (refusal.Offset < 0 || refusal.Offset > len(c.module)):
				t.Fatalf("offset %d of %d bytes", refusal.Offset, len(c.module))
			}
		})
	}
}

func TestLoopsTimesLocals(t *testing.T) {
	b := PluginBounds
	b.LoopLocals = 2 * 3
	nested := func(loops int) []byte {
		var f code
		f.sized(func() {
			f.raw(1, 3, byte(I32)) // three locals
			f.raw(bytes.Repeat([]byte{opLoop, emptyBlock}, loops)...)
			f.raw(bytes.Repeat([]byte{opEnd}, loops+1)...)
		})
		return module(types, one, entries(sectionCode, string(f)))
	}
	if _, err := Check(nested(2), b); err != nil {
		t.Error(err)
	}
	if _, err := Check(nested(3), b); err == nil {
		t.Error("three loops around three locals were accepted")
	}
}

// FuzzCheck: no panic; what is accepted is accepted again when it is woven and
// when it is detached, with no more than weaving adds, and so is its shell.
func FuzzCheck(f *testing.F) {
	f.Add(small)
	f.Add(module())
	for _, body := range everything {
		f.Add(withBody(body))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := Check(in, PluginBounds)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%T", err)
			}
			return
		}
		if n := len(c.types) + len(c.functions) + len(c.edits) + len(c.bodies) + len(c.data); n > 2*len(in) {
			t.Fatalf("%d things in %d bytes", n, len(in))
		}
		woven := c.Weave(Weaving{Stack: 1 << 20})
		again, err := check(woven, Unbounded, true)
		if err != nil {
			t.Fatalf("woven: %v", err)
		}
		if got, want := len(again.bodies), len(c.bodies)+len(c.bulk); got != want {
			t.Fatalf("%d functions, want %d", got, want)
		}
		d, err := Detach(woven)
		if err != nil {
			t.Fatalf("detaching: %v", err)
		}
		if _, err := check(d.Module, Unbounded, true); err != nil {
			t.Fatalf("detached: %v", err)
		}
		shell, err := Shell(d.Module)
		if err == nil {
			_, err = check(shell, Unbounded, true)
		}
		if err != nil {
			t.Fatalf("its shell: %v", err)
		}
	})
}
