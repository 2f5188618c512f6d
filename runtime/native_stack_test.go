package runtime

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// joining is a function whose frame is made of values in which paths join: so
// many locals, at the end of so many blocks. It calls itself as often as its
// parameter says.
func joining(locals, blocks int) asmFunc {
	code := []byte{0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b} // if the parameter is 0, return
	code = append(code, bytes.Repeat([]byte{0x02, 0x40}, blocks)...)
	for i := range blocks {
		code = slices.Concat(code, []byte{0x20, 0, 0x0d}, u32(uint32(i)))
	}
	for i := range locals {
		code = slices.Concat(code, []byte{0x41, 0, 0x29, 3}, u32(uint32(8*i)), []byte{0x21}, u32(uint32(i+1)))
	}
	code = append(code, bytes.Repeat([]byte{0x0b}, blocks)...)
	code = append(code, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x41, 0)
	for i := range locals {
		code = slices.Concat(code, []byte{0x20}, u32(uint32(i+1)))
		if i > 0 {
			code = append(code, 0x7c)
		}
	}
	return asmFunc{name: "f", signature: "i", private: true, locals: slices.Concat(u32(1), u32(uint32(locals)), []byte{0x7e}), code: append(code, 0x37, 3, 0)}
}

// The deepest calls the budget lets through take
// at most eight times what it says, and an idle instance keeps none of it.
func TestAttack21_NativeStackIsLetGo(t *testing.T) {
	e := newEngine(t, Config{})
	for _, size := range [][2]int{{4, 4}, {100, 100}, {200, 200}} {
		build := func(depth int32) *Module {
			return load(t, e, asm{memory: pages(1), funcs: []asmFunc{joining(size[0], size[1]), {name: "go", code: slices.Concat(i32Const(depth), asmCall(0))}}}.bytes())
		}
		var kept int64
		deepest := int32(0)
		for depth := int32(1 << 14); depth > 0 && deepest == 0; depth = depth * 3 / 4 {
			before := live()
			r := e.Run(t.Context(), build(depth), Call{Function: "go"})
			if r.Err == nil {
				deepest, kept = depth, live()-before
			}
		}
		t.Logf("%d locals in %d blocks: %d deep, %d KiB kept", size[0], size[1], deepest, kept>>10)
		if deepest == 0 || kept > 2<<20 {
			t.Errorf("%d locals in %d blocks: %d deep, and %d bytes are kept", size[0], size[1], deepest, kept)
		}
	}
}

// wazero's stack is found by the name of a field. Should that change, stacks
// would be kept silently.
func TestNativeStackIsFound(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, answering("x"))
	inv := newInvocation(Call{}, Limits{}.within(defaultMemory))
	in, err := m.instantiate(t.Context(), e.wazero, inv)
	if err != nil {
		t.Fatal(err)
	}
	defer in.destroy(t.Context())
	if n := nativeStack(in.module.ExportedFunction(ExportCall)); n <= 0 || n > maxNativeStack {
		t.Errorf("a function that was never called has a stack of %d bytes", n)
	}
}

// An instance whose functions are called one after the other keeps no more than
// one whose one function is.
func TestAttack21_NativeStacksAreLetGoTogether(t *testing.T) {
	const functions = 300
	module := asm{memory: pages(1), funcs: []asmFunc{{name: "deep", signature: "i", private: true, code: slices.Concat(
		[]byte{0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b, 0x20, 0, 0x41, 1, 0x6b}, asmCall(0))}}}
	for n := range functions {
		module.funcs = append(module.funcs, asmFunc{name: fmt.Sprint("f", n), code: slices.Concat(i32Const(2000), asmCall(0))})
	}
	e := newEngine(t, Config{})
	m := load(t, e, module.bytes())
	before := live()
	for n := range functions {
		must(t, e.Run(t.Context(), m, Call{Function: fmt.Sprint("f", n)}))
	}
	if kept := live() - before; kept > 4<<20 || e.pool.alive != 1 {
		t.Errorf("%d instances keep %d bytes", e.pool.alive, kept)
	}
}
