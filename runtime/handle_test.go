package runtime

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// passing is a plugin whose carrel_call is code, with functions 0 to 5 write,
// call, read, keep, splice and recall, and "<>" at address 0.
func passing(code ...[]byte) []byte {
	imports := append(slices.Clone(carrelImports),
		asmFunc{module: "carrel:host/v1", name: "keep", signature: ":i"},
		asmFunc{module: "carrel:host/v1", name: "splice", signature: "i"},
		asmFunc{module: "carrel:host/v1", name: "recall", signature: "i:i"})
	return asm{imports: imports, memory: pages(1), data: "<>", funcs: []asmFunc{
		speaks(1), {name: ExportCall, signature: ":i", locals: counter, code: slices.Concat(append(code, i32Const(0))...)},
	}}.bytes()
}

func doing(op abi.Op) []byte { return slices.Concat(i32Const(int32(op)), asmCall(1), opDrop) }

func keeping() []byte { return slices.Concat(asmCall(3), opDrop) }

func writing(at, length int32) []byte {
	return slices.Concat(i32Const(at), i32Const(length), asmCall(0))
}

func splicing(handle int32) []byte { return slices.Concat(i32Const(handle), asmCall(4)) }

// read copies at most length bytes of the response to at, and drops how many.
func reading(at, length int32) []byte {
	return slices.Concat(i32Const(at), i32Const(length), asmCall(2), opDrop)
}

func recalling(handle int32) []byte { return slices.Concat(i32Const(handle), asmCall(5), opDrop) }

// serving answers every operation with its own text.
func serving(answers map[abi.Op]string) Host {
	return hostWith(func(_ context.Context, op abi.Op, _ []byte) ([]byte, error) { return []byte(answers[op]), nil })
}

// What a guest keeps it can pass on whole, in any order and more than once,
// whether it read it or not; and read it later.
func TestHandlesPassResponsesOn(t *testing.T) {
	m := load(t, shared(), passing(
		doing(abi.OpInput), keeping(), // 1
		doing(abi.OpDataGet), reading(100, 3), keeping(), // 2, half read
		doing(abi.OpDataQuery), keeping(), // 3
		recalling(2), reading(200, 9), // from its beginning
		writing(0, 1), splicing(3), splicing(1), splicing(3), splicing(2), writing(200, 6), writing(1, 1),
		doing(abi.OpOutput)))
	host := serving(map[abi.Op]string{abi.OpDataGet: "abcdef", abi.OpDataQuery: "[page]"})
	got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Input: []byte("in"), Host: host}))
	if want := "<[page]in[page]abcdefabcdef>"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// Keeping takes the response away; reading it then reads nothing.
	m = load(t, shared(), passing(doing(abi.OpDataGet), keeping(), reading(0, 2), writing(0, 2), doing(abi.OpOutput)))
	if got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Host: host})); got != "<>" {
		t.Errorf("%q was read after keep", got)
	}
}

// A handle of another call, or of none, ends the call.
func TestAttack30_ForgedKeptHandles(t *testing.T) {
	host := serving(map[abi.Op]string{abi.OpDataGet: "mine"})
	for _, handle := range []int32{0, 2, 3, -1, 1 << 30, -1 << 31} {
		for what, use := range map[string][]byte{"splice": splicing(handle), "recall": recalling(handle)} {
			m := load(t, shared(), passing(doing(abi.OpDataGet), keeping(), use, doing(abi.OpOutput)))
			wantError(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Host: host}), core.OutcomeTrap, "passed "+what+" the handle")
		}
	}
	// A call's first handle is nothing in the next call, on the same instance or
	// another.
	keeps := passing(doing(abi.OpDataGet), keeping(), doing(abi.OpOutput))
	uses := passing(splicing(1), doing(abi.OpOutput))
	for _, module := range [][]byte{keeps, uses} {
		r := shared().Run(t.Context(), load(t, shared(), module), Call{Function: ExportCall, Host: host, Installation: "ins_1"})
		if bytes.Equal(module, uses) {
			wantError(t, r, core.OutcomeTrap, "the handle 1, which keep never gave it")
		} else {
			must(t, r)
		}
	}
}

// A call keeps so many bytes, which count to its memory, and so many responses;
// then keep answers 0, and the response stays.
func TestKeptResponsesAreBounded(t *testing.T) {
	m := load(t, shared(), passing(counting(100, slices.Concat(doing(abi.OpDataGet), keeping())...)))
	large := serving(map[abi.Op]string{abi.OpDataGet: strings.Repeat("x", 1<<20)})
	r := shared().Run(t.Context(), m, Call{Function: ExportCall, Host: large, Limits: Limits{Memory: 16 << 20}})
	wantError(t, r, core.OutcomeMemoryExceeded, "16 MiB")

	m = load(t, shared(), passing(counting(maxKept+1, slices.Concat(doing(abi.OpDataGet), keeping())...),
		reading(16, 5), writing(16, 5), splicing(maxKept), doing(abi.OpOutput)))
	small := serving(map[abi.Op]string{abi.OpDataGet: "kept?"})
	if got := must(t, shared().Run(t.Context(), m, Call{Function: ExportCall, Host: small})); got != "kept?kept?" {
		t.Errorf("after %d kept responses the next one reads %q", maxKept, got)
	}
}

var guestProbe = buildGo("../plugins-src/hostile/probe")

// A handler of the SDK that returns what a query answered never sees it: what
// is no JSON at all goes through as it is, and a page a thousand times as large
// costs the guest nothing more. Only the host's copy of it is charged.
func TestAPageDoesNotEnterTheGuest(t *testing.T) {
	m := load(t, shared(), guestProbe(t))
	if r := m.Report(); !r.Warm || r.Engine != EngineImage {
		t.Errorf("the module is not warmed: %+v", r)
	}
	list := func(page string) Result {
		return shared().Run(t.Context(), m, Call{Function: ExportCall, Host: serving(map[abi.Op]string{abi.OpDataQuery: page}),
			Input: []byte(`{"handler":"GET /notes","request":{"query":{"limit":"20"}}}`)})
	}
	small := list("<no JSON>")
	if got, want := must(t, small), `{"status":0,"body":<no JSON>}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const size = 1 << 20
	large := list(strings.Repeat("x", size))
	if got := must(t, large); len(got) != len(`{"status":0,"body":}`)+size {
		t.Errorf("%d bytes of %d", len(got), size)
	}
	if more := large.Fuel - small.Fuel; more < size/bytesPerUnit || more > 2*size/bytesPerUnit {
		t.Errorf("a page of %d bytes costs %d units more; the copy alone is %d", size, more, size/bytesPerUnit)
	}
}
