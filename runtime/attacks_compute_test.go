package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// A loop ends when its fuel is spent, or its time is over, whichever comes
// first, and in whatever form it comes.
func TestAttack13_Loops(t *testing.T) {
	loops := map[string][]byte{
		"br":       forever,
		"br_if":    {0x03, 0x40, 0x41, 0x01, 0x0d, 0x00, 0x0b},
		"br_table": {0x03, 0x40, 0x41, 0x05, 0x0e, 0x01, 0x00, 0x00, 0x0b},
		"nested":   {0x03, 0x40, 0x03, 0x40, 0x0c, 0x01, 0x0b, 0x0b},
		"behind a block": slices.Concat(
			[]byte{0x02, 0x40, 0x0b}, forever),
		"in a block that is left": { // loop block br 0 end br 0 end
			0x03, 0x40, 0x02, 0x40, 0x0c, 0x00, 0x0b, 0x0c, 0x00, 0x0b},
	}
	for name, code := range loops {
		t.Run(name, func(t *testing.T) {
			module := asm{funcs: []asmFunc{{name: "f", code: code}}}.bytes()
			wantError(t, attack(t, module, fuel(10_000_000)), core.OutcomeOutOfFuel, "its fuel of 10000000 units")
			wantError(t, attack(t, module, Limits{Time: 50 * time.Millisecond}), core.OutcomeTimeout, "50ms")
		})
	}
	var r Result
	beside(t, func() { r = do(t, Call{Limits: fuel(10_000_000)}, `{"do":"loop"}`) })
	wantError(t, r, core.OutcomeOutOfFuel, "its fuel")
}

// What a module runs before anybody calls it runs in the worker, and is
// refused there. No instance of it ever starts.
func TestAttack13_LoopsBeforeTheFirstCall(t *testing.T) {
	loop := asmFunc{name: "go", code: forever}
	for name, module := range map[string]asm{
		"start section": {start: "go", funcs: []asmFunc{loop, {name: "f"}}},
		"_initialize":   {funcs: []asmFunc{{name: "_initialize", code: forever}, {name: "f"}}},
		ExportWarm:      {funcs: []asmFunc{{name: ExportWarm, code: forever}, {name: "f"}}},
		ExportABI: {imports: carrelImports, funcs: []asmFunc{
			{name: ExportABI, signature: ":i", code: append(slices.Clone(forever), 0x00)}, {name: ExportCall, signature: ":i", code: i32Const(0)}}},
	} {
		t.Run(name, func(t *testing.T) {
			beside(t, func() {
				if message := refused(t, module.bytes()); !strings.Contains(message, "could not be started") {
					t.Error(message)
				}
			})
		})
	}
}

// tree is calls of calls, two in each function: 2^depth of them, no loop, and
// never deep.
func tree(depth int) asm {
	var funcs []asmFunc
	for i := range depth {
		f := asmFunc{name: "f", private: i > 0}
		if i < depth-1 {
			f.code = slices.Concat(asmCall(uint32(i+1)), asmCall(uint32(i+1)))
		}
		funcs = append(funcs, f)
	}
	return asm{funcs: funcs}
}

func TestAttack14_CallTrees(t *testing.T) {
	direct := tree(64)
	// The same by way of a table: the function calls what it has put there.
	ref := func(slot, f uint32) []byte {
		return slices.Concat(i32Const(int32(slot)), []byte{0xd2}, u32(f), []byte{0x26, 0x00})
	}
	indirect := []byte{0x11, 0x00, 0x00} // call_indirect of type 0 in table 0
	table := asm{table: []byte{0, 64}, funcs: []asmFunc{{name: "f"}}}
	for i := range uint32(64) {
		f := asmFunc{name: fmt.Sprint("f", i)}
		if i < 63 {
			f.code = slices.Concat(row(2, i32Const(int32(i+1)), indirect))
		}
		table.funcs = append(table.funcs, f)
		table.funcs[0].code = append(table.funcs[0].code, ref(i, i+1)...)
	}
	table.funcs[0].code = slices.Concat(table.funcs[0].code, i32Const(0), indirect)
	for name, module := range map[string]asm{"direct": direct, "indirect": table} {
		t.Run(name, func(t *testing.T) {
			wantError(t, attack(t, module.bytes(), fuel(10_000_000)), core.OutcomeOutOfFuel, "its fuel")
			wantError(t, attack(t, module.bytes(), Limits{Time: 50 * time.Millisecond}), core.OutcomeTimeout, "50ms")
		})
	}
}

// Bulk operations cost by size, in a row or in a loop, so that none of them
// gets more done than its fuel pays for.
func TestAttack15_BulkRows(t *testing.T) {
	const size = 16 << 20
	whole := slices.Concat(i32Const(0), i32Const(1), i32Const(size))
	halves := slices.Concat(i32Const(0), i32Const(size/2), i32Const(size/2))
	elements := slices.Concat(i32Const(0), []byte{0xd0, 0x70}, i32Const(90_000)) // ref.null func
	for name, op := range map[string][]byte{
		"memory.fill":                    slices.Concat(whole, bulkOp(0x0b, 0)),
		"memory.copy":                    slices.Concat(halves, bulkOp(0x0a, 0, 0)),
		"memory.copy, overlapping":       slices.Concat(i32Const(1), i32Const(0), i32Const(size-1), bulkOp(0x0a, 0, 0)),
		"table.fill":                     slices.Concat(elements, bulkOp(0x11, 0)),
		"table.copy":                     slices.Concat(i32Const(0), i32Const(45_000), i32Const(45_000), bulkOp(0x0e, 0, 0)),
		"memory.grow and fill what came": slices.Concat(i32Const(1), []byte{0x40, 0x00}, opDrop, whole, bulkOp(0x0b, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			module := asm{memory: pages(size / 65536), table: append([]byte{0}, u32(90_000)...), funcs: []asmFunc{{name: "f", code: row(20_000, op)}}}.bytes()
			wantError(t, attack(t, module, fuel(10_000_000)), core.OutcomeOutOfFuel, "its fuel")
			wantError(t, attack(t, module, Limits{Time: 50 * time.Millisecond}), core.OutcomeTimeout, "50ms")
		})
	}
}

// The host's work for a guest is paid by the guest: calls by number, bytes by
// size.
func TestAttack16_WorkInsideHostCalls(t *testing.T) {
	const size = 1 << 20
	imports := append(slices.Clone(carrelImports), asmFunc{module: "wasi_snapshot_preview1", name: "random_get", signature: "ii:i"})
	for name, code := range map[string][]byte{
		"requests": slices.Concat(i32Const(0), i32Const(size), asmCall(0), i32Const(anyOp), asmCall(1), opDrop),
		"reads":    slices.Concat(i32Const(0), i32Const(size), asmCall(2), opDrop),
		"random":   slices.Concat(i32Const(0), i32Const(size), asmCall(3), opDrop),
	} {
		t.Run(name, func(t *testing.T) {
			loop := slices.Concat([]byte{0x03, 0x40}, code, []byte{0x0c, 0x00, 0x0b})
			m := load(t, shared(), asm{imports: imports, memory: pages(2 * size / 65536), funcs: []asmFunc{speaks(1), {name: "f", code: loop}}}.bytes())
			var asked atomic.Int32
			host := hostWith(func(_ context.Context, _ abi.Op, request []byte) ([]byte, error) {
				asked.Add(1)
				return request, nil
			})
			var r Result
			beside(t, func() {
				r = shared().Run(t.Context(), m, Call{Function: "f", Host: host, Limits: fuel(1_000_000)})
			})
			wantError(t, r, core.OutcomeOutOfFuel, "its fuel")
			if most := int32(1_000_000/(size/bytesPerUnit) + 2); asked.Load() > most {
				t.Errorf("%d requests of 1 MiB; the fuel pays for %d", asked.Load(), most)
			}
			if r.Fuel > 1_100_000 {
				t.Errorf("it used %d units of a million", r.Fuel)
			}
		})
	}
}

// A row of host calls ends where its fuel does, though there is no loop in it.
func TestAttack16_HostCallsInARow(t *testing.T) {
	const size = 1 << 20
	write := slices.Concat(i32Const(0), i32Const(size), asmCall(0), i32Const(anyOp), asmCall(1), opDrop)
	m := load(t, shared(), asm{imports: carrelImports, memory: pages(size / 65536), funcs: []asmFunc{speaks(1), {name: "f", code: row(2_000, write)}}}.bytes())
	asked := 0
	r := shared().Run(t.Context(), m, Call{Function: "f", Host: hostFunc(func() { asked++ }), Limits: fuel(1_000_000)})
	wantError(t, r, core.OutcomeOutOfFuel, "its fuel")
	if most := 1_000_000/(size/bytesPerUnit) + 2; asked > most {
		t.Errorf("%d requests of 1 MiB; the fuel pays for %d", asked, most)
	}
}
