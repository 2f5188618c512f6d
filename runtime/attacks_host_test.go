package runtime

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

func i64Const(v int64) []byte {
	out := []byte{0x42}
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// counting runs body n times; it takes a unit of fuel each.
func counting(n int32, body ...byte) []byte {
	return slices.Concat(i32Const(n), []byte{0x21, 0x00, 0x03, 0x40}, body,
		[]byte{0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b})
}

var counter = []byte{1, 1, 0x7f} // the local that counting uses

// kernel are functions of Extism's, as functions 0 to 6.
var kernel = []asmFunc{
	{module: "extism:host/env", name: "alloc", signature: "I:I"},
	{module: "extism:host/env", name: "reset", signature: ""},
	{module: "extism:host/env", name: "output_set", signature: "II"},
	{module: "extism:host/env", name: "var_set", signature: "II"},
	{module: "extism:host/env", name: "input_offset", signature: ":I"},
	{module: "extism:host/env", name: "http_request", signature: "II:I"},
	{module: "extism:host/env", name: "input_length", signature: ":I"},
}

// What a host call costs is charged once, whatever is left of the slice when it
// is settled, and wherever the guest yields.
func TestHostCallsAreChargedOnce(t *testing.T) {
	ask := slices.Concat(asmCall(6), []byte{0x1a})
	spent := func(before []byte, each ...byte) int64 {
		m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", locals: counter, code: slices.Concat(before, counting(100_000, each...))}}}.bytes())
		r := shared().Run(t.Context(), m, Call{Function: "f"})
		must(t, r)
		return r.Fuel
	}
	none := spent(nil)
	if once := spent(ask) - none; once < hostCallFuel || once > hostCallFuel+2 {
		t.Errorf("one call costs %d units", once)
	}
	if all := spent(nil, ask...) - none; all < 100_000*hostCallFuel || all > 100_000*hostCallFuel+100 {
		t.Errorf("100,000 calls cost %d units", all)
	}
}

// TestAttack16_HostWorkIsPaid: a million units, a few milliseconds of a guest's
// work, do not buy seconds of the host's.
func TestAttack16_HostWorkIsPaid(t *testing.T) {
	drop, mebibytes := []byte{0x1a}, int64(60<<20)
	for name, code := range map[string]struct{ before, each []byte }{
		"blocks made and freed": {nil, slices.Concat(i64Const(mebibytes), asmCall(0), drop, asmCall(1))},
		"answers":               {slices.Concat(i64Const(mebibytes), asmCall(0), drop), slices.Concat(i64Const(16), i64Const(8<<20), asmCall(2))},
		"names of variables":    {slices.Concat(i64Const(mebibytes), asmCall(0), drop), slices.Concat(i64Const(16), i64Const(0), asmCall(3))},
		"inputs":                {nil, slices.Concat(asmCall(4), drop, asmCall(1))},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", locals: counter,
				code: slices.Concat(code.before, counting(1_000_000, code.each...))}}}.bytes())
			r := shared().Run(t.Context(), m, Call{Function: "f", Input: make([]byte, 8<<20), Limits: Limits{Memory: 64 << 20, Fuel: 1_000_000, Time: time.Minute}})
			if r.Outcome != core.OutcomeOutOfFuel && r.Outcome != core.OutcomeTrap {
				t.Errorf("it ended %s after %v, with %d units", r.Outcome, r.Duration, r.Fuel)
			}
		})
	}
}

type sizes struct{ largest int }

// Call implements Host.
func (s *sizes) Call(_ context.Context, _ abi.Op, request []byte) ([]byte, error) {
	s.largest = max(s.largest, len(request))
	return []byte("{}"), nil
}

// TestAttack16_HTTPRequestsAreBounded: what Extism's http_request is given is
// neither read nor passed on when it is too large.
func TestAttack16_HTTPRequestsAreBounded(t *testing.T) {
	for name, code := range map[string][]byte{
		"head": slices.Concat(asmCall(4), i64Const(0)),
		"body": slices.Concat(i64Const(0), asmCall(4)),
		"both": slices.Concat(asmCall(4), asmCall(4)),
	} {
		m := load(t, shared(), asm{imports: kernel, memory: pages(1), funcs: []asmFunc{{name: "f", code: slices.Concat(code, asmCall(5), []byte{0x1a})}}}.bytes())
		var host sizes
		input := []byte(`{"headers":{` + strings.Repeat(`"a":"",`, 2<<20) + `"a":""}}`)
		r := shared().Run(t.Context(), m, Call{Function: "f", Input: input, Host: &host, Limits: Limits{Memory: 64 << 20}})
		wantError(t, r, core.OutcomeTrap, "HTTP request")
		if host.largest > 0 {
			t.Errorf("%s: the host was given %d bytes", name, host.largest)
		}
	}
}

// TestAttack19_SmallBlocks: what the host keeps of a block counts, too.
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

// TestAttack21_NativeStackIsLetGo: the deepest calls the budget lets through take
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

// TestAttack22_ElementsAndGlobals: what each instance has of tables, segments and
// globals is bounded by what a module may declare.
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
		"tables":          module(section(4, vector(slices.Repeat([][]byte{table}, 3)...))),
		"mutable globals": module(section(6, vector(slices.Repeat([][]byte{{0x7e, 1, 0x42, 0, 0x0b}}, 2000)...))),
		"globals":         module(section(6, vector(slices.Repeat([][]byte{{0x7e, 0, 0x42, 0, 0x0b}}, 30_000)...))),
	} {
		if message := refused(t, m); !strings.Contains(message, "the limit") {
			t.Errorf("%s: %s", name, message)
		}
	}
}

// TestAttack22_LookedAtBeforeTheWorker: what the server itself reads of an upload,
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

// A start function may be one of the host's: what it is called with is not the
// module that starts.
func TestStartIsAnImport(t *testing.T) {
	module := func(body []byte) []byte {
		out := []byte("\x00asm\x01\x00\x00\x00")
		add := func(id byte, body []byte) { out = append(out, section(id, body)...) }
		add(1, vector([]byte{0x60, 0, 0}, []byte{0x60, 2, 0x7f, 0x7f, 0}, []byte{0x60, 0, 1, 0x7f}))
		add(2, vector(slices.Concat(text("extism:host/env"), text("reset"), []byte{0, 0}), slices.Concat(text("carrel:host/v1"), text("write"), []byte{0, 1})))
		add(3, vector([]byte{0}, []byte{2}))
		add(4, vector([]byte{0x70, 0, 1}))
		add(5, vector(pages(1)))
		add(7, vector(slices.Concat(text("f"), []byte{0, 2}), slices.Concat(text("carrel_abi"), []byte{0, 3})))
		add(8, u32(0))
		add(10, vector(slices.Concat(u32(uint32(len(body))), body), []byte{4, 0, 0x41, 1, 0x0b}))
		return out
	}
	write := slices.Concat([]byte{0}, i32Const(0), i32Const(4), asmCall(1))
	for plain, body := range map[bool][]byte{false: append(write, 0x0b), true: append(write, 0x0f, 0x41, 0, 0xd0, 0x70, 0x26, 0, 0x0b)} {
		m := load(t, shared(), module(body))
		if (m.Plain() != "") != plain {
			t.Errorf("plain: %q", m.Plain())
		}
		must(t, shared().Run(t.Context(), m, Call{Function: "f"}))
	}
}

// The cache on disk is bounded: what was opened longest ago goes first.
func TestCacheIsTrimmed(t *testing.T) {
	dir := t.TempDir()
	for n := range 4 {
		answer(t, dir, answering(fmt.Sprint(n)))
	}
	c, err := openCache(dir, shared().log)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())     //nolint:errcheck // the directory is the test's
	answer(t, dir, answering("0")) // opened again
	one := int64(len(read(t, releaseFile(t, dir, answering("0")))))
	c.trim(2*one + one/2)
	for n, want := range []bool{true, false, false, true} {
		_, err := openReleaseFile(t, dir, answering(fmt.Sprint(n)))
		if (err == nil) != want {
			t.Errorf("module %d is there: %v", n, err == nil)
		}
	}
	c.trim(0) // the last one stays: it was just made
	if _, err := openReleaseFile(t, dir, answering("0")); err != nil {
		t.Error(err)
	}
}

// TestAttack24_DeadWorkersLeaveNothing: a module can have its worker die when its
// code lies on disk already.
func TestAttack24_DeadWorkersLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	e := newEngine(t, Config{CacheDir: t.TempDir()})
	never := bytes.Repeat([]byte{0x20, 0, 0x41, 1, 0x6a, 0x21, 0}, 100_000)
	grow := slices.Concat([]byte{0x03, 0x40}, i32Const(64), []byte{0x40, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b}) // until it fails
	m := asm{memory: pages(1), start: "f", funcs: []asmFunc{{name: "f", code: grow}, {name: "g", locals: counter, code: never}}}.bytes()
	if _, err := e.LoadBytes(t.Context(), m); core.KindOf(err) != core.Invalid {
		t.Fatalf("its worker lived: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}
