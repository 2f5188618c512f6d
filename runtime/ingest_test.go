package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ingested makes an artifact of a module in a worker of its own.
func ingested(t *testing.T, module []byte, o workerOptions) *artifact {
	t.Helper()
	if o.MaxMemory == 0 {
		o.MaxMemory = defaultMemory
	}
	a, err := runWorker(t.Context(), o, module, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every node makes the same image of a module, whichever of wazero's engines it
// has: same memory, same globals, same clock, same fuel.
func TestImageIsReproducible(t *testing.T) {
	for name, guest := range map[string]guestBuild{"go": guestPlain, "pdk": guestPDK, "c": guestC, "as": guestAS} {
		t.Run(name, func(t *testing.T) {
			module := guest(t)
			first := ingested(t, module, workerOptions{})
			if first.Report.Plain != "" {
				t.Fatalf("it runs plain, because %s", first.Report.Plain)
			}
			for _, o := range []workerOptions{{}, {Interpreter: true}} {
				again := ingested(t, module, o)
				if !o.Interpreter && !bytes.Equal(first.module, again.module) || !bytes.Equal(first.pages, again.pages) {
					t.Errorf("interpreter %t: another image", o.Interpreter)
				}
				if !slices.Equal(first.Extents, again.Extents) || !slices.Equal(first.Globals, again.Globals) {
					t.Errorf("interpreter %t: %v, %v", o.Interpreter, first.Globals, again.Globals)
				}
				if first.Clock != again.Clock || first.Report.Fuel != again.Report.Fuel {
					t.Errorf("interpreter %t: clock %d and %d, fuel %d and %d", o.Interpreter, first.Clock, again.Clock, first.Report.Fuel, again.Report.Fuel)
				}
			}
		})
	}
}

func TestArtifactSurvivesTheDisk(t *testing.T) {
	a := ingested(t, answering("hello"), workerOptions{})
	encoded, err := a.encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := decodeArtifact(encoded)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := b.memory()
	if err != nil || len(memory) != 65536 || string(memory[:5]) != "hello" {
		t.Fatalf("%d bytes of memory, %v", len(memory), err)
	}
	if fmt.Sprint(a.header) != fmt.Sprint(b.header) || !bytes.Equal(a.module, b.module) || !bytes.Equal(a.code, b.code) {
		t.Error("it came back changed")
	}
	for n := range len(encoded) {
		if _, err := decodeArtifact(encoded[:n]); !errors.Is(err, errArtifact) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
}

// What can't be imaged exactly runs plain, says so, and works.
func TestPlainModules(t *testing.T) {
	tableSet := slices.Concat(i32Const(0), []byte{0xd0, 0x70, 0x26, 0x00}) // table.set 0 (ref.null func)
	module := asm{
		imports: carrelImports, memory: pages(1), data: "plain", table: []byte{0, 1},
		funcs: []asmFunc{speaks(1), {name: ExportCall, signature: ":i", code: slices.Concat(
			tableSet, i32Const(0), i32Const(5), asmCall(0), i32Const(1), asmCall(1), []byte{0x1a}, i32Const(0),
		)}},
	}.bytes()
	m := load(t, shared(), module)
	if m.Report().Engine != EnginePlain || !strings.Contains(m.Plain(), "table") {
		t.Errorf("engine %q, because %q", m.Report().Engine, m.Plain())
	}
	for range 3 {
		if got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall})); got != "plain" {
			t.Fatal(got)
		}
	}
}

// A plain module starts in the call it serves: what it gave out while it started,
// it finds again, and the next call starts from nothing.
func TestPlainModulesKeepWhatTheyStartedWith(t *testing.T) {
	start := slices.Concat(i64Const(5), asmCall(0), []byte{0x1a}) // alloc(5), whose handle is 16
	for i, c := range []byte("start") {
		start = slices.Concat(start, i64Const(int64(arenaAlign+i)), i32Const(int32(c)), asmCall(1))
	}
	module := asm{
		imports: []asmFunc{
			{module: "extism:host/env", name: "alloc", signature: "I:I"},
			{module: "extism:host/env", name: "store_u8", signature: "Ii"},
			{module: "extism:host/env", name: "output_set", signature: "II"},
		},
		memory: pages(1), table: []byte{0, 1}, start: "start",
		funcs: []asmFunc{
			{name: "start", private: true, code: start},
			{name: "run", signature: ":i", code: slices.Concat(
				i32Const(0), []byte{0xd0, 0x70, 0x26, 0x00}, // table.set 0 (ref.null func)
				i64Const(arenaAlign), i64Const(5), asmCall(2), i32Const(0),
			)},
		},
	}.bytes()
	m := load(t, shared(), module)
	if m.Plain() == "" {
		t.Fatal("it does not run plain")
	}
	for range 2 {
		if got := must(t, shared().Run(t.Context(), m, Call{Function: "run"})); got != "start" {
			t.Errorf("answered %q", got)
		}
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
	for plain, body := range map[bool][]byte{false: slices.Concat(write, []byte{0x0b}), true: slices.Concat(write, []byte{0x0f, 0x41, 0, 0xd0, 0x70, 0x26, 0, 0x0b})} {
		m := load(t, shared(), module(body))
		if (m.Plain() != "") != plain {
			t.Errorf("plain: %q", m.Plain())
		}
		must(t, shared().Run(t.Context(), m, Call{Function: "f"}))
	}
}
