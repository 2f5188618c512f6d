package runtime

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

var update = flag.Bool("update", false, "write testdata/bombs.golden")

// bomb is a module that is small for what it does to whoever decodes, checks or
// compiles it.
type bomb struct {
	name   string
	module []byte
}

// repeat is an instruction many times over.
func repeat(n int, code ...byte) []byte { return bytes.Repeat(code, n) }

// nest is blocks within each other that a byte begins.
func nest(n int, opcode byte) []byte {
	return slices.Concat(repeat(n, opcode, 0x40), repeat(n, 0x0b))
}

// locals declares n locals of i64.
func locals(n uint32) []byte { return slices.Concat(u32(1), u32(n), []byte{0x7e}) }

// branches is a br_table of n targets, in a block.
func branches(n uint32) []byte {
	return slices.Concat([]byte{0x02, 0x40, 0x41, 0x00, 0x0e}, u32(n), repeat(int(n)+1, 0), []byte{0x0b})
}

// one is a module of one function.
func one(locals, code []byte) []byte {
	return asm{memory: pages(1), funcs: []asmFunc{{name: "f", locals: locals, code: code}}}.bytes()
}

// bombs are refused for what they declare, before anything of that size is made
// and before a compiler sees them.
func bombs() []bomb {
	header := []byte("\x00asm\x01\x00\x00\x00")
	huge := u32(1<<32 - 1)
	i32s := func(n int) []byte { return append(u32(uint32(n)), repeat(n, 0x7f)...) }
	signature := func(params, results int) []byte {
		return slices.Concat(header, section(1, vector(slices.Concat([]byte{0x60}, i32s(params), i32s(results)))))
	}
	return []bomb{
		{"imports, 2^32-1 of them", slices.Concat(header, section(2, huge))},
		{"locals, 100 million", one(locals(100_000_000), nil)},
		{"locals, 2^32-1 and one more", one(slices.Concat(u32(2), huge, []byte{0x7e}, u32(1), []byte{0x7f}), nil)},
		{"loops within each other, 1,000, with 1,000 locals", one(locals(1000), nest(1000, 0x03))},
		{"br_table of 65,536", one(nil, branches(65_536))},
		{"br_table of a million", one(nil, branches(1_000_000))},
		{"blocks within each other, 30,000", one(nil, nest(30_000, 0x02))},
		{"blocks within each other, 100,000", one(nil, nest(100_000, 0x02))},
		{"ifs within each other, 30,000", one(nil, slices.Concat(repeat(30_000, 0x41, 0x00, 0x04, 0x40), repeat(30_000, 0x0b)))},
		{"parameters, 100,000", signature(100_000, 0)},
		{"results, 100,000", signature(0, 100_000)},
		{"table of 2^32-1", asm{table: append([]byte{0}, huge...)}.bytes()},
		{"tables, 10,000", slices.Concat(header, section(4, vector(slices.Repeat([][]byte{{0x70, 0, 1}}, 10_000)...)))},
		{"memory of 4 GiB", asm{memory: pages(65536)}.bytes()},
		{"memories, 2", slices.Concat(header, section(5, vector(pages(1), pages(1))))},
		{"types, 300,000", slices.Concat(header, section(1, vector(slices.Repeat([][]byte{{0x60, 0, 0}}, 300_000)...)))},
		{"globals, 300,000", slices.Concat(header, section(6, vector(slices.Repeat([][]byte{{0x7f, 0, 0x41, 0, 0x0b}}, 300_000)...)))},
		{"a name that is longer than the module", slices.Concat(header, section(2, slices.Concat(u32(1), huge)))},
		{"zeros, 33 MiB", make([]byte, 33<<20)},
	}
}

// What refuses a bomb, and the words its author gets, are those of the golden
// file.
func TestAttack23_Bombs(t *testing.T) {
	const golden = "testdata/bombs.golden"
	var b strings.Builder
	beside(t, func() {
		for _, bomb := range bombs() {
			fmt.Fprintf(&b, "%s (%d bytes): %s\n", bomb.name, len(bomb.module), refused(t, bomb.module))
		}
	})
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the refusals are not those of %s (-update writes it):\n%s", golden, b.String())
	}
}

// What passes every bound and still takes a compiler's time or memory costs the
// worker its life, nobody anything else. Which of its limits ends it depends on
// the machine.
func TestAttack23_WorkersDieAlone(t *testing.T) {
	e := newEngine(t, Config{MaxMemory: 256 << 20})
	for _, bomb := range []bomb{
		{"br_tables of 5,000, 1,000 of them", one(nil, bytes.Repeat(branches(4_999), 1_000))},
		{"an image of 200 MiB", asm{memory: pages(3200), start: "go", funcs: []asmFunc{{name: "f"}, {name: "go", code: slices.Concat(
			i32Const(0), i32Const(1), i32Const(200<<20), bulkOp(0x0b, 0))}}}.bytes()},
	} {
		t.Run(bomb.name, func(t *testing.T) {
			beside(t, func() {
				if _, err := e.LoadBytes(t.Context(), bomb.module); core.KindOf(err) != core.Invalid {
					t.Errorf("got %v, want a refusal", err)
				}
			})
		})
	}
}

// The bounds are no tighter than they say: what is just within them passes.
func TestBoundsThemselvesPass(t *testing.T) {
	for _, within := range []bomb{
		{"locals", one(locals(5_000), nil)},
		{"loops with locals", one(locals(1_000), nest(50, 0x03))},
		{"br_table", one(nil, branches(5_000))},
		{"blocks", one(nil, nest(1_999, 0x02))},
		{"table", asm{table: append([]byte{0}, u32(100_000)...), funcs: []asmFunc{{name: "f"}}}.bytes()},
		{"exports", slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, vector([]byte{0x60, 0, 0})), section(3, vector([]byte{0})),
			section(7, vector(append(exported(249_999, 0), slices.Concat(text("f"), []byte{0, 0}))...)), section(10, vector([]byte{2, 0, 0x0b})))},
		{"memory", asm{memory: pages(1024), funcs: []asmFunc{{name: "f"}}}.bytes()},
	} {
		t.Run(within.name, func(t *testing.T) {
			m := load(t, shared(), within.module)
			if r := shared().Run(t.Context(), m, Call{Function: "f"}); r.Outcome != core.OutcomeOK {
				t.Errorf("%s: %v", r.Outcome, r.Err)
			}
		})
	}
}

// exported are so many exports, of index 0 of a kind.
func exported(n int, kind byte) (exports [][]byte) {
	for i := range n {
		exports = append(exports, slices.Concat(text(fmt.Sprintf("%05x", i)), []byte{kind, 0}))
	}
	return exports
}

// What each instance has of tables, segments and globals is bounded by what a
// module may declare.
func TestAttack22_ElementsAndGlobals(t *testing.T) {
	module := func(sections ...[]byte) []byte {
		head := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, vector([]byte{0x60, 0, 0})), section(2, vector(slices.Concat(text("extism:host/env"), text("reset"), []byte{0, 0}))))
		return slices.Concat(head, slices.Concat(sections...))
	}
	segment := func(n uint32) []byte { return slices.Concat([]byte{1, 0}, u32(n), make([]byte, n)) }
	table := slices.Concat([]byte{0x70, 0}, u32(90_000))
	for name, m := range map[string][]byte{
		"a segment":       module(section(9, vector(segment(300_000)))),
		"many segments":   module(section(9, vector(slices.Repeat([][]byte{segment(1000)}, 300)...))),
		"empty segments":  module(section(9, vector(slices.Repeat([][]byte{segment(0)}, 6000)...))),
		"data segments":   module(section(12, u32(6000)), section(11, vector(slices.Repeat([][]byte{{1, 0}}, 6000)...))),
		"table exports":   module(section(4, vector([]byte{0x70, 0, 1})), section(7, vector(exported(6000, 1)...))),
		"tables":          module(section(4, vector(slices.Repeat([][]byte{table}, 3)...))),
		"mutable globals": module(section(6, vector(slices.Repeat([][]byte{{0x7e, 1, 0x42, 0, 0x0b}}, 2000)...))),
		"globals":         module(section(6, vector(slices.Repeat([][]byte{{0x7e, 0, 0x42, 0, 0x0b}}, 30_000)...))),
	} {
		if message := refused(t, m); !strings.Contains(message, "the limit") {
			t.Errorf("%s: %s", name, message)
		}
	}
}

// What the server itself reads of an upload,
// before a worker does, takes no more than a few times its size.
func TestAttack22_LookedAtBeforeTheWorker(t *testing.T) {
	const size = 31 << 20
	head := []byte("\x00asm\x01\x00\x00\x00")
	fill := func(id byte, unit ...byte) []byte {
		n := size / len(unit)
		types := section(1, vector([]byte{0x60, 0, 0}))
		if id == 1 {
			types = nil
		}
		return slices.Concat(head, types, section(id, slices.Concat(u32(uint32(n)), bytes.Repeat(unit, n))))
	}
	for name, m := range map[string][]byte{
		"types": fill(1, 0x60, 0, 0), "imports": fill(2, 0, 0, 0, 0), "exports": fill(7, 0, 3, 0), "functions": fill(3, 0),
		"custom sections": slices.Concat(head, bytes.Repeat([]byte{0, 1, 0}, size/3)),
		"type sections":   slices.Concat(head, bytes.Repeat([]byte{1, 1, 0}, size/3)),
	} {
		var before, after goruntime.MemStats
		goruntime.ReadMemStats(&before)
		_, err := Inspect(m)
		goruntime.ReadMemStats(&after)
		if core.KindOf(err) != core.Invalid || after.TotalAlloc-before.TotalAlloc > size/4 {
			t.Errorf("%s: %v, and %d bytes were allocated", name, err, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// A refusal quotes the author's names, but not all of a long one.
func TestRefusalsAreShort(t *testing.T) {
	name := "carrel:" + strings.Repeat("\x01", 8<<20)
	m := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, vector([]byte{0x60, 0, 0})), section(3, vector([]byte{0})),
		section(7, vector(slices.Concat(text(name), []byte{0, 0}))), section(10, vector([]byte{2, 0, 0x0b})))
	if n := len(refused(t, m)); n > 2*maxRefusal {
		t.Errorf("a refusal of %d bytes", n)
	}
}
