package runtime

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// The same call uses the same fuel: twice on one instance, on a new one, and in
// the interpreter.
func TestFuelIsTheSameEverywhere(t *testing.T) {
	compiler := newEngine(t, Config{IdlePerInstallation: 1})
	fresh := newEngine(t, Config{IdlePerInstallation: -1})
	interpreter := newEngine(t, Config{Interpreter: true})
	for _, c := range []struct {
		name, function, input string
		guest                 guestBuild
	}{
		{"Go", ExportCall, `{"do":"greet","name":"Ada"}`, guestPlain},
		{"Go, Extism", "greet", `{"name":"Ada"}`, guestPDK},
		{"C", ExportCall, "shout", guestC},
		{"AssemblyScript", "greet", "Ada", guestAS},
	} {
		t.Run(c.name, func(t *testing.T) {
			module := c.guest(t)
			call := Call{Function: c.function, Input: []byte(c.input), Now: time.Unix(1_700_000_000, 0)}
			var used []int64
			for _, e := range []*Engine{compiler, compiler, fresh, interpreter} {
				r := e.Run(t.Context(), load(t, e, module), call)
				must(t, r)
				used = append(used, r.Fuel)
			}
			if used[0] <= 0 || len(slices.Compact(slices.Clone(used))) != 1 {
				t.Errorf("fuel %v", used)
			}
		})
	}
}

// A guest lets others go first at the end of each slice, and its time goes on while it
// waits for them.
func TestAGuestYieldsAfterEachSlice(t *testing.T) {
	m := load(t, shared(), guestC(t))
	yields := 0
	call := Call{Function: ExportCall, Input: []byte(strings.Repeat("shout ", 5000)), Yield: func(context.Context) { yields++ }}
	r := shared().Run(t.Context(), m, call)
	must(t, r)
	if want := int(r.Fuel / slice); yields < want/2 || yields > want+1 {
		t.Errorf("it yielded %d times in %d units, want about %d times", yields, r.Fuel, want)
	}
	call.Limits.Time = 10 * time.Millisecond
	call.Yield = func(ctx context.Context) { <-ctx.Done() }
	if late := shared().Run(t.Context(), m, call); late.Outcome != core.OutcomeTimeout {
		t.Errorf("others were first all the time: %s, %v", late.Outcome, late.Err)
	}
}

// Fuel ends a call exactly where it is spent: what a call uses is enough for
// it, and one unit less is not.
func TestFuelLimitIsExact(t *testing.T) {
	m := load(t, shared(), guestC(t))
	call := Call{Function: ExportCall, Input: []byte(strings.Repeat("shout ", 5000))}
	r := shared().Run(t.Context(), m, call)
	must(t, r)
	call.Limits.Fuel = r.Fuel
	if again := shared().Run(t.Context(), m, call); again.Err != nil || again.Fuel != r.Fuel {
		t.Errorf("with %d units: %v after %d", r.Fuel, again.Err, again.Fuel)
	}
	if r.Fuel < 2*slice {
		t.Fatalf("%d units are too few to mean anything", r.Fuel)
	}
	for _, limit := range []int64{1, slice - 1, slice, slice + 1, r.Fuel / 2, r.Fuel - 1} {
		call.Limits.Fuel = limit
		short := shared().Run(t.Context(), m, call)
		wantError(t, short, core.OutcomeOutOfFuel, "used up its fuel")
		if core.KindOf(short.Err) != core.OutOfFuel || short.Fuel <= limit {
			t.Errorf("with %d units: %v after %d", limit, short.Err, short.Fuel)
		}
	}
}

// What one call leaves of its fuel and stack is nothing to the next.
func TestFuelBeginsAnew(t *testing.T) {
	m := load(t, shared(), guestC(t))
	call := Call{Function: ExportCall, Input: []byte("shout")}
	first := shared().Run(t.Context(), m, call)
	for range 50 {
		if r := shared().Run(t.Context(), m, call); r.Err != nil || r.Fuel != first.Fuel {
			t.Fatalf("%v, %d units after %d", r.Err, r.Fuel, first.Fuel)
		}
	}
}

// A plain module pays for what has to be made of it in each call.
func TestPlainStartsArePaid(t *testing.T) {
	const memory = 16 << 20
	m := load(t, shared(), asm{memory: pages(memory / wasm.PageSize), table: []byte{0, 1}, funcs: []asmFunc{
		{name: "run", signature: ":i", code: []byte{0x41, 0, 0xd0, 0x70, 0x26, 0, 0x41, 0}},
	}}.bytes())
	call := Call{Function: "run"}
	if r := shared().Run(t.Context(), m, call); r.Err != nil || r.Fuel < memory/bytesPerUnit {
		t.Errorf("%v after %d units", r.Err, r.Fuel)
	}
	call.Limits.Fuel = 1000
	wantError(t, shared().Run(t.Context(), m, call), core.OutcomeOutOfFuel, "used up its fuel")
}

// A guest with more memory that it may be the first to touch asks more often.
func TestLargeImagesHaveShortSlices(t *testing.T) {
	for size, want := range map[int]int64{looseBytes: slice, looseBytes + wasm.PageSize: shortSlice} {
		m := load(t, shared(), asm{memory: pages(uint32(size / wasm.PageSize)), funcs: []asmFunc{{name: "run", signature: ":i", code: i32Const(0)}}}.bytes())
		inv := newInvocation(Call{}, Limits{}.within(defaultMemory))
		i, err := m.instantiate(t.Context(), shared().wazero, inv)
		if err != nil {
			t.Fatal(err)
		}
		i.bind(inv)
		if i.destroy(t.Context()); inv.meter.granted != want {
			t.Errorf("with %d bytes a slice is %d units, want %d", size, inv.meter.granted, want)
		}
	}
}
