package runtime

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// An installation whose calls crash waits for its instances, and only that one.
func TestCrashesAreSpaced(t *testing.T) {
	e := newEngine(t, Config{})
	crashing := load(t, e, asm{memory: pages(1), funcs: []asmFunc{{name: "run", signature: ":i", code: asmCall(0)}}}.bytes())
	crash := func(limit time.Duration) Result {
		return e.Run(t.Context(), crashing, Call{Function: "run", Installation: "bad", Limits: Limits{Time: limit}})
	}
	const spaced = 10
	begun := time.Now()
	for range crashBurst + spaced + 1 {
		wantError(t, crash(time.Minute), core.OutcomeTrap, "too deep")
	}
	if took := time.Since(begun); took < (spaced-1)*crashPause {
		t.Errorf("%d crashes took %v", crashBurst+spaced+1, took)
	}
	wantError(t, crash(time.Millisecond), core.OutcomeTimeout, "did not finish")

	m := load(t, e, answering("fine"))
	if pause := e.pool.crashes.pause("good"); pause != 0 {
		t.Errorf("another installation waits %v", pause)
	}
	if got := must(t, e.Run(t.Context(), m, Call{Function: ExportCall, Installation: "good"})); got != "fine" {
		t.Error(got)
	}
}

// Calls that give up while they wait are no debt: when they stop, the next call
// waits no longer than if they had not been.
func TestCrashesThatGaveUpAreNoDebt(t *testing.T) {
	var c crashes
	c.count("bad")
	for c.pause("bad") <= 0 {
	}
	before := c.free["bad"]
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for range 1000 {
		if c.wait(ended, "bad") == nil || c.wait(short, "bad") == nil {
			t.Fatal("nobody waited")
		}
	}
	if after := c.free["bad"]; after != before {
		t.Errorf("the debt grew by %v", after.Sub(before))
	}
}

// A call that had ended before it began is no crash, and one that cannot start is.
func TestWhatCountsAsACrash(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, answering("x"))
	must(t, e.Run(t.Context(), m, Call{Function: ExportCall, Installation: "a"}))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, e.Run(ended, m, Call{Function: ExportCall, Installation: "a"}), core.OutcomeTimeout, "stopped")
	if e.pool.alive != 1 || len(e.pool.crashes.free) != 0 {
		t.Errorf("%d instances are left, crashes %v", e.pool.alive, e.pool.crashes.free)
	}
	plain := load(t, e, asm{memory: pages(1), table: []byte{0, 1}, start: "start", funcs: []asmFunc{
		{name: "start", private: true, code: counting(20_000_000), locals: counter},
		{name: "f", code: []byte{0x41, 0, 0xd0, 0x70, 0x26, 0x00}},
	}}.bytes())
	wantError(t, e.Run(t.Context(), plain, Call{Function: "f", Installation: "b", Limits: Limits{Fuel: 1000}}), core.OutcomeOutOfFuel, "fuel")
	if _, known := e.pool.crashes.free["b"]; !known {
		t.Error("a start that failed is no crash")
	}
}

// What has not crashed for a while is forgotten.
func TestCrashesAreForgotten(t *testing.T) {
	var c crashes
	for range 2 * crashBurst {
		c.count("bad")
		c.pause("bad")
	}
	if c.pause("bad") <= 0 {
		t.Fatal("no pause")
	}
	c.free["bad"] = time.Now().Add(-time.Second)
	if c.pause("bad") != 0 || len(c.free) != 0 {
		t.Error("a crash of long ago counts")
	}
	for n := range 2 * crashesKept {
		who := core.InstallationID(fmt.Sprint(n))
		c.count(who)
		c.free[who] = time.Now().Add(-time.Second)
	}
	if len(c.free) > crashesKept {
		t.Errorf("%d are remembered", len(c.free))
	}
}
