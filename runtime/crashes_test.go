package runtime

import (
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
