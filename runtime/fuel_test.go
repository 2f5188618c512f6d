package runtime

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
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
