package runtime

import (
	"context"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// growsUntilRefused grows a memory by pages until that fails, then crashes.
func growsUntilRefused(pages int32) []byte {
	return slices.Concat([]byte{0x03, 0x40}, i32Const(pages), []byte{0x40, 0x00}, i32Const(-1), []byte{0x47, 0x0d, 0x00, 0x0b, 0x00}) // loop memory.grow i32.ne br_if end unreachable
}

// Memory grows to the limit of the call and no further, however it is asked
// for, and what grew is gone in the next call.
func TestAttack19_Growth(t *testing.T) {
	const limit = 16 << 20
	for name, step := range map[string]int32{"a page at a time": 1, "by 15 MiB": 240, "past the limit at once": 256} {
		t.Run(name, func(t *testing.T) {
			module := asm{memory: pages(1), funcs: []asmFunc{{name: "f", code: growsUntilRefused(step)}}}.bytes()
			r := attack(t, module, Limits{Memory: limit, Fuel: 100_000_000, Time: time.Minute})
			wantError(t, r, core.OutcomeMemoryExceeded, "16 MiB")
		})
	}
	// More than any memory may have is not worth a word: the guest is answered -1.
	for _, step := range []int32{65535, -1} {
		module := asm{memory: pages(1), funcs: []asmFunc{{name: "f", signature: ":i", code: slices.Concat(i32Const(step), []byte{0x40, 0x00}, i32Const(-1), []byte{0x47})}}}.bytes()
		must(t, attack(t, module, Limits{}))
	}
	// One that lives with being refused finds its own size, and finds it again.
	ends := slices.Concat(i32Const(200), []byte{0x40, 0x00, 0x1a}, i32Const(100), []byte{0x40, 0x00}, i32Const(-1), []byte{0x46},
		[]byte{0x3f, 0x00}, i32Const(201), []byte{0x46, 0x71, 0x45}) // second grow == -1 and memory.size == 201, else 1
	m := load(t, shared(), asm{memory: pages(1), funcs: []asmFunc{{name: "f", signature: ":i", code: ends}}}.bytes())
	for range 3 {
		must(t, shared().Run(t.Context(), m, Call{Function: "f", Limits: Limits{Memory: limit}}))
	}
}

// Tables lie outside the memory limit, so they have a bound of their own.
func TestAttack20_Tables(t *testing.T) {
	const most = 100_000
	table := func(limits ...byte) []byte { return asm{table: limits, funcs: []asmFunc{{name: "f"}}}.bytes() }
	for _, elements := range []uint32{most + 1, 1<<32 - 1} {
		if message := refused(t, table(append([]byte{0}, u32(elements)...)...)); !strings.Contains(message, "elements; the limit is 100000 (at byte") {
			t.Errorf("%d elements: %s", elements, message)
		}
	}
	// A maximum reserves nothing.
	load(t, shared(), table(append([]byte{1, 0}, u32(1<<32-1)...)...))

	grow := func(by int32) []byte { return slices.Concat([]byte{0xd0, 0x70}, i32Const(by), bulkOp(0x0f, 0)) }
	size := bulkOp(0x10, 0)
	// Growing step by step until that fails leaves at most the bound.
	steps := slices.Concat([]byte{0x03, 0x40}, grow(1000), i32Const(-1), []byte{0x47, 0x0d, 0x00, 0x0b}, size, i32Const(most), []byte{0x4a}) // table.size > most
	for name, code := range map[string][]byte{
		"step by step": steps,
		"at once":      slices.Concat(grow(1<<31-1), i32Const(-1), []byte{0x47}), // != -1
		"-1":           slices.Concat(grow(-1), i32Const(-1), []byte{0x47}),
	} {
		t.Run(name, func(t *testing.T) {
			module := asm{table: []byte{0, 1}, funcs: []asmFunc{{name: "f", signature: ":i", code: code}}}.bytes()
			must(t, attack(t, module, fuel(100_000_000)))
		})
	}
	endless := asm{table: []byte{0, 1}, funcs: []asmFunc{{name: "f", code: slices.Concat([]byte{0x03, 0x40}, grow(1000), opDrop, []byte{0x0c, 0x00, 0x0b})}}}.bytes()
	wantError(t, attack(t, endless, fuel(1_000_000)), core.OutcomeOutOfFuel, "its fuel")
}

// Calls that nest too deep end by the stack's budget, before wazero's own stack
// does, whatever a frame holds; the memory of a module has no part in it.
func TestAttack21_Recursion(t *testing.T) {
	// Locals that are needed after the call have to lie in the frame.
	fat := func(locals uint32) asmFunc {
		var set, get []byte
		for i := range locals {
			set = slices.Concat(set, []byte{0x42}, u32(i%60), []byte{0x21}, u32(i)) // i64.const, local.set
			get = slices.Concat(get, []byte{0x20}, u32(i), opDrop)
		}
		return asmFunc{name: "f", locals: slices.Concat(u32(1), u32(locals), []byte{0x7e}), code: slices.Concat(set, asmCall(0), get)}
	}
	for name, module := range map[string]asm{
		"itself":     {funcs: []asmFunc{{name: "f", code: asmCall(0)}}},
		"each other": {funcs: []asmFunc{{name: "f", code: asmCall(1)}, {name: "g", code: slices.Concat(asmCall(0), asmCall(1))}}},
		"by a table": {table: []byte{0, 1}, funcs: []asmFunc{{name: "f", code: slices.Concat(
			i32Const(0), []byte{0xd2, 0x00, 0x26, 0x00}, i32Const(0), []byte{0x11, 0x00, 0x00})}}},
		"in a loop":         {funcs: []asmFunc{{name: "f", code: slices.Concat([]byte{0x03, 0x40}, asmCall(0), []byte{0x0b})}}},
		"in a block":        {funcs: []asmFunc{{name: "f", code: slices.Concat([]byte{0x02, 0x40, 0x41, 0x00, 0x0d, 0x01}, asmCall(0), []byte{0x0b})}}}, // it may branch to its end
		"with 500 locals":   {funcs: []asmFunc{fat(500)}},
		"with 5,000 locals": {funcs: []asmFunc{fat(5000)}},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, attack(t, module.bytes(), fuel(100_000_000)), core.OutcomeTrap, "call each other too deep: they passed the stack of 1 MiB")
		})
	}
	// The next call of the module has its whole stack again.
	twice := asm{imports: carrelImports, memory: pages(1), funcs: []asmFunc{speaks(1),
		{name: ExportCall, signature: ":i", code: slices.Concat(i32Const(1), asmCall(1), opDrop, i32Const(0))}, {name: "deep", code: asmCall(5)}}}.bytes()
	m := load(t, shared(), twice)
	for range 3 {
		wantError(t, shared().Run(t.Context(), m, Call{Function: "deep"}), core.OutcomeTrap, "too deep")
		must(t, shared().Run(context.Background(), m, Call{Function: ExportCall}))
	}
}

// What the host keeps of a block counts to the call's memory, too.
func TestAttack19_SmallBlocks(t *testing.T) {
	m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", locals: counter,
		code: counting(10_000_000, slices.Concat(i64Const(1), asmCall(0), []byte{0x1a})...)}}}.bytes())
	before := live()
	r := shared().Run(t.Context(), m, Call{Function: "f", Limits: Limits{Memory: 64 << 20}})
	wantError(t, r, core.OutcomeMemoryExceeded, "memory")
	if r.Fuel > (64<<20)/(arenaAlign+blockRoom)*(hostCallFuel+4) {
		t.Errorf("it came to %d units", r.Fuel)
	}
	if held := live() - before; held > 8<<20 {
		t.Errorf("%d bytes are held afterwards", held)
	}
}

func live() int64 {
	goruntime.GC()
	goruntime.GC()
	var s goruntime.MemStats
	goruntime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
