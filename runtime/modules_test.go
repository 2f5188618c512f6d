package runtime

import (
	"errors"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// Modules beyond the bound make room for others, never while they are called,
// and come back from the cache as they were.
func TestModulesMakeRoom(t *testing.T) {
	e := newEngine(t, Config{MaxModules: 1})
	a, b := answering("a"), answering("b")
	first := load(t, e, a)
	must(t, e.Run(t.Context(), first, Call{Function: ExportCall}))
	if e.Loaded(first.digest) != first {
		t.Fatal("the only module was dropped")
	}
	load(t, e, b)
	if e.Loaded(first.digest) != nil {
		t.Fatal("nothing made room")
	}
	r := e.Run(t.Context(), first, Call{Function: ExportCall})
	wantError(t, r, core.OutcomeFailed, "unloaded")
	if core.KindOf(r.Err) != core.Unavailable || !errors.Is(r.Err, ErrUnloaded) {
		t.Errorf("%v", r.Err)
	}
	if e.pool.alive != 0 {
		t.Errorf("%d instances are nobody's", e.pool.alive)
	}

	asking := load(t, e, asm{imports: carrelImports, memory: pages(1), funcs: []asmFunc{speaks(1), {name: ExportCall, signature: ":i", code: slices.Concat(
		i32Const(12), asmCall(1), []byte{0x1a}, i32Const(1), asmCall(1), []byte{0x1a}, i32Const(0),
	)}}}.bytes())
	asked := false
	must(t, e.Run(t.Context(), asking, Call{Function: ExportCall, Host: hostFunc(func() {
		asked = true
		load(t, e, b)
		if e.Loaded(asking.digest) != asking {
			t.Error("a module was dropped while it was called")
		}
	})}))
	if !asked {
		t.Error("the host was not asked")
	}
	if got := must(t, e.Run(t.Context(), load(t, e, a), Call{Function: ExportCall})); got != "a" {
		t.Error(got)
	}
}
