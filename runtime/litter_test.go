package runtime

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// owes returns how many bytes an installation has to pay off, about.
func (l *litter) owes(who core.InstallationID) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.of[who]; d != nil {
		return int64(time.Until(d.paid).Seconds() * litterRate)
	}
	return 0
}

// much is more than a burst, by an hour.
const much = litterBurst + 3600*litterRate

// What a call leaves is taken down, whether it crashed or ended well.
func TestLitterIsCounted(t *testing.T) {
	run := func(code ...byte) asmFunc { return asmFunc{name: "run", signature: ":i", code: code} }
	// down(n) { if n == 0 return 0; return down(n-1) }
	downTo := func(index byte) []byte {
		return []byte{0x20, 0, 0x45, 0x04, 0x40, 0x41, 0, 0x0f, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x10, index}
	}
	down := asmFunc{name: "down", private: true, signature: "i:i", code: downTo(1)}
	sets := []byte{0x41, 0, 0xd0, 0x70, 0x26, 0, 0x41, 0} // an element of a table, so there is no image; and answers 0
	for _, c := range []struct {
		name   string
		module asm
		least  int64
	}{
		{"a call from an image", asm{memory: pages(1), funcs: []asmFunc{run(0x41, 0)}}, 0},
		{"a crash", asm{memory: pages(1), funcs: []asmFunc{run(0x00)}}, crashLitter},
		{"recursion", asm{memory: pages(1), funcs: []asmFunc{run(0x10, 0)}}, crashLitter},
		{"recursion that ends", asm{memory: pages(1), funcs: []asmFunc{run(append(i32Const(8000), 0x10, 1)...), down}}, maxNativeStack},
		{"a memory that grew", asm{memory: pages(1), funcs: []asmFunc{run(0x41, 1, 0x40, 0)}}, 64 << 10},
		{"a plain module", asm{memory: pages(256), table: []byte{0, 1}, funcs: []asmFunc{run(sets...)}}, 16 << 20},
		{"a plain module that grows page by page", asm{memory: pages(1), table: []byte{0, 1}, funcs: []asmFunc{{
			name: "run", signature: ":i", locals: counter,
			code: slices.Concat([]byte{0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0}, i32Const(255), []byte{0x49, 0x0d, 0, 0x0b}, sets),
		}}}, 48 << 20},
		{"a plain module with a large table", asm{memory: pages(1), table: append([]byte{0}, u32(100_000)...), funcs: []asmFunc{run(sets...)}}, 800_000},
		{"a plain module whose start goes deep", asm{memory: pages(1), table: []byte{0, 1}, funcs: []asmFunc{
			run(sets...), {name: "down", private: true, signature: "i:i", code: downTo(1)}, {name: "_initialize", code: append(i32Const(8000), 0x10, 1, 0x1a)},
		}}, maxNativeStack},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, Config{})
			e.Run(t.Context(), load(t, e, c.module.bytes()), Call{Function: "run", Installation: "ins"})
			// Some of it is paid off by now.
			if owes := e.pool.litter.owes("ins"); owes < c.least-c.least/2 || c.least == 0 && owes != 0 {
				t.Errorf("it owes %d bytes, want about %d", owes, c.least)
			}
		})
	}
}

// Who owes more than a burst waits, and nobody else. A call without an
// installation is its module's.
func TestLittererWaits(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, answering("fine"))
	other := load(t, e, answering("other"))
	call := func(m *Module, who core.InstallationID) Result {
		return e.Run(t.Context(), m, Call{Function: ExportCall, Installation: who, Limits: Limits{Time: time.Minute}})
	}
	e.pool.litter.leave("bad", share{}, much)
	e.pool.litter.leave(m.litterer(""), share{}, much)
	for _, who := range []core.InstallationID{"bad", ""} {
		begun := time.Now()
		wantError(t, call(m, who), core.OutcomeTimeout, "did not finish")
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("a call that can't begin in time took %v to say so", took)
		}
	}
	if got := must(t, call(m, "good")); got != "fine" {
		t.Error(got)
	}
	if got := must(t, call(other, "")); got != "other" {
		t.Error(got)
	}
}

// A burst is free, and what goes beyond it waits as long as it is to be paid off.
func TestLitterIsPaidOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l litter
		l.leave("bad", share{}, litterBurst+litterRate/20)
		begun := time.Now()
		if _, err := l.wait(t.Context(), "bad"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun).Round(time.Microsecond); took != time.Second/20 {
			t.Errorf("it waited %v", took)
		}
		l = litter{}
		l.leave("bad", share{}, litterBurst/2)
		if s, pause := l.suppose("bad"); pause > 0 || s.supposed != toPayOff(litterBurst/2) {
			t.Errorf("it waits %v, and %v are supposed", pause, s.supposed)
		}
	})
}

// Calls that give up while they wait are no debt: when they stop, the next call
// waits no longer than if they had not been.
func TestWaitingIsNoLitter(t *testing.T) {
	var l litter
	l.leave("bad", share{}, much)
	before := l.of["bad"].paid
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for range 1000 {
		for _, ctx := range []context.Context{ended, short} {
			if _, err := l.wait(ctx, "bad"); err == nil {
				t.Fatal("nobody waited")
			}
		}
	}
	if after := l.of["bad"].paid; after != before {
		t.Errorf("the debt grew by %v", after.Sub(before))
	}
}

// A call that had ended before it began leaves nothing, and one that cannot
// start does.
func TestWhatIsNoLitter(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, answering("x"))
	must(t, e.Run(t.Context(), m, Call{Function: ExportCall, Installation: "a"}))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, e.Run(ended, m, Call{Function: ExportCall, Installation: "a"}), core.OutcomeTimeout, "stopped")
	if e.pool.alive != 1 || len(e.pool.litter.of) != 0 {
		t.Errorf("%d instances are left, litter of %v", e.pool.alive, e.pool.litter.of)
	}
	plain := load(t, e, asm{memory: pages(256), table: []byte{0, 1}, start: "start", funcs: []asmFunc{
		{name: "start", private: true, code: counting(20_000_000), locals: counter},
		{name: "f", code: []byte{0x41, 0, 0xd0, 0x70, 0x26, 0x00}},
	}}.bytes())
	wantError(t, e.Run(t.Context(), plain, Call{Function: "f", Installation: "b", Limits: Limits{Fuel: 1000}}), core.OutcomeOutOfFuel, "fuel")
	if owes := e.pool.litter.owes("b"); owes < 8<<20 {
		t.Errorf("a start that failed left %d bytes", owes)
	}
}

// What was supposed on a debt that is forgotten is not taken off another one.
func TestForgottenDebtsLowerNone(t *testing.T) {
	var l litter
	l.leave("bad", share{}, 8<<20)
	s, _ := l.suppose("bad")
	l.of["bad"].paid = time.Now().Add(-time.Second)
	l.suppose("bad") // and forgets
	l.leave("bad", share{}, much)
	before := l.of["bad"].paid
	if l.leave("bad", s, 1); l.of["bad"].paid.Before(before) {
		t.Error("a debt became less by a call of before")
	}
}

// Who has paid everything off is forgotten.
func TestLitterIsForgotten(t *testing.T) {
	var l litter
	l.leave("bad", share{}, much)
	l.of["bad"].paid = time.Now().Add(-time.Second)
	if _, pause := l.suppose("bad"); pause != 0 || len(l.of) != 0 || l.some.Load() {
		t.Error("litter of long ago counts")
	}
	for n := range 2 * litterersKept {
		who := core.InstallationID(fmt.Sprint(n))
		l.leave(who, share{}, 1)
		l.of[who].paid = time.Now().Add(-time.Second)
	}
	if len(l.of) > litterersKept {
		t.Errorf("%d are remembered", len(l.of))
	}
}
