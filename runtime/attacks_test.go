package runtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Globals, heap, freed memory and Extism variables of a call are gone in the
// next, whoever makes it.
func TestAttack12_NothingPassesBetweenCalls(t *testing.T) {
	for range 3 {
		if got := must(t, do(t, Call{}, `{"do":"canary","data":"canary-of-A"}`)); got != "" {
			t.Errorf("found %q", got)
		}
		if got := must(t, do(t, Call{}, `{"do":"scavenge","name":"canary","data":"-of-B"}`)); got != "clean" {
			t.Error(got)
		}
	}
	m := load(t, shared(), guestAS(t))
	for range 2 {
		if got := must(t, shared().Run(t.Context(), m, Call{Function: "count"})); got != "fresh" {
			t.Errorf("Extism variables: %s", got)
		}
	}
	// At the same time: nobody meets another's canary.
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 4 {
				r := do(t, Call{}, `{"do":"canary","data":"canary-%d"}`, i)
				if r.Err != nil || len(r.Output) > 0 {
					t.Errorf("%s %v", r.Output, r.Err)
				}
			}
		})
	}
	group.Wait()
}

// A guest's sleep takes no time.
func TestAttack17_Sleep(t *testing.T) {
	started := time.Now()
	if got := must(t, do(t, Call{Limits: Limits{Time: 30 * time.Second}}, `{"do":"sleep","n":86400}`)); got != "86400" {
		t.Errorf("slept %s s", got)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Sleeping over and over costs fuel and gains nothing.
func TestAttack17_SleepForever(t *testing.T) {
	hour := make([]byte, 48) // a subscription to the clock
	binary.LittleEndian.PutUint64(hour[24:], uint64(time.Hour))
	module := asm{
		imports: []asmFunc{{module: "wasi_snapshot_preview1", name: "poll_oneoff", signature: "iiii:i"}}, memory: pages(1), data: string(hour),
		funcs: []asmFunc{{name: "f", code: slices.Concat([]byte{0x03, 0x40}, i32Const(0), i32Const(1000), i32Const(1), i32Const(2000), asmCall(0), opDrop, []byte{0x0c, 0x00, 0x0b})}},
	}.bytes()
	wantError(t, attack(t, module, fuel(1_000_000)), core.OutcomeOutOfFuel, "its fuel")
	wantError(t, attack(t, module, Limits{Time: 50 * time.Millisecond}), core.OutcomeTimeout, "50ms")
}

func TestAttack18_MillionsOfVectors(t *testing.T) {
	if got := must(t, do(t, Call{}, `{"do":"vectors","n":1000000}`)); got != "errno 28 written 0" {
		t.Error(got)
	}
	// 1 GiB offered in one call: a part is taken.
	var logged int
	log := func(_, message string) { logged += len(message) }
	if got := must(t, do(t, Call{Log: log}, `{"do":"vectors","n":1024}`)); got != "errno 0 written 65536" {
		t.Error(got)
	}
	// However often: the log is bounded.
	must(t, do(t, Call{Log: log}, `{"do":"flood-log","n":3000}`))
	if logged > maxLogBytes+maxWrite+1000 || logged < maxLogBytes/2 {
		t.Errorf("logged %d bytes", logged)
	}
}

func TestAttack25_RandomNumbers(t *testing.T) {
	draw := func(seed byte) string {
		return must(t, do(t, Call{Seed: [32]byte{seed}}, `{"do":"random","n":64}`))
	}
	if first, again := draw(1), draw(1); first != again {
		t.Error("one seed, two streams: a call cannot be replayed")
	}
	if a, b := draw(1), draw(2); a == b || a == strings.Repeat("0", 128) {
		t.Errorf("two seeds, one stream: %s", a)
	}
}

func TestAttack26_NoFineClock(t *testing.T) {
	first := must(t, do(t, Call{}, `{"do":"clocks"}`))
	var a, b int64
	if _, err := fmt.Sscan(first, &a, &b); err != nil {
		t.Fatal(err)
	}
	if step := b - a; step <= 0 || step%int64(tick) != 0 {
		t.Errorf("the clock moved by %d ns", step)
	}
	if again := must(t, do(t, Call{}, `{"do":"clocks"}`)); again != first {
		t.Errorf("the clock shows the machine: %s, then %s", first, again)
	}
	if got := must(t, do(t, Call{Now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)}, `{"do":"now"}`)); got != "2031-05-06T07:08:09Z" {
		t.Error(got)
	}
}

func TestAttack27_NoWorld(t *testing.T) {
	t.Setenv("CARREL_SECRET", "canary")
	want := "args 0 env 0 read true write true dir true stdin 0 EOF"
	if got := must(t, do(t, Call{}, `{"do":"world"}`)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever goes wrong inside, one call fails and the next one works.
func TestAttack28_OneFailedCall(t *testing.T) {
	panics := hostFunc(func() { panic("canary: a bug in the host") })
	fails := hostFunc(func() { var none []int; none[len(none)]++ })
	for _, c := range []struct {
		name, input string
		host        Host
		outcome     core.Outcome
		says        string
	}{
		{"panic", `{"do":"panic","data":"boom"}`, nil, core.OutcomeTrap, "panic: boom"},
		{"exit 0", `{"do":"exit","n":0}`, nil, core.OutcomeTrap, "exited with code 0"},
		{"exit 3", `{"do":"exit","n":3}`, nil, core.OutcomeTrap, "exited with code 3"},
		// A guest's own exit code is not taken for the engine's.
		{"exit like a deadline", `{"do":"exit","n":4026531839}`, nil, core.OutcomeTrap, "exited with code 4026531839"},
		{"host panic", `{"do":"op","op":12}`, panics, core.OutcomeFailed, "our side"},
		{"host run-time error", `{"do":"op","op":12}`, fails, core.OutcomeFailed, "our side"},
		{"no host", `{"do":"op","op":12}`, nil, core.OutcomeOK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := do(t, Call{Host: c.host}, "%s", c.input)
			if c.outcome == core.OutcomeOK {
				must(t, r)
			} else {
				wantError(t, r, c.outcome, c.says)
				if strings.Contains(core.MessageOf(r.Err), "canary") {
					t.Errorf("the message tells the cause: %s", core.MessageOf(r.Err))
				}
			}
			if got := must(t, do(t, Call{}, `{"do":"greet","name":"next"}`)); !strings.Contains(got, "next") {
				t.Error(got)
			}
		})
	}
	m := load(t, shared(), guestPDK(t))
	wantError(t, shared().Run(t.Context(), m, Call{Function: "crash"}), core.OutcomeTrap, "nil pointer")
	wantError(t, do(t, Call{Log: func(string, string) { panic("canary") }}, `{"do":"print"}`), core.OutcomeFailed, "our side")
}

// Every pointer is checked, also those that wrap.
func TestAttack29_BadPointers(t *testing.T) {
	asked := 0
	host := hostFunc(func() { asked++ })
	for _, p := range []struct{ ptr, n uint32 }{
		{0xffffffff, 1}, {0xfffffff0, 0x20}, {0xffffffff, 0xffffffff}, {1, 0xffffffff}, {0x80000000, 0x80000000}, {0x7fffffff, 0x7fffffff}, {0xf0000000, 0},
	} {
		for _, what := range []string{"raw-write", "raw-read", "raw-random"} {
			r := do(t, Call{Host: host}, `{"do":%q,"ptr":%d,"n":%d}`, what, p.ptr, p.n)
			wantError(t, r, core.OutcomeTrap, "outside its memory")
		}
		if p.n > 0 && p.n <= maxVectors {
			r := do(t, Call{Host: host}, `{"do":"raw-fd-write","ptr":%d,"n":%d}`, p.ptr, p.n)
			wantError(t, r, core.OutcomeTrap, "outside its memory")
		}
	}
	if asked > 0 {
		t.Errorf("the host was asked %d times", asked)
	}
}

// The last byte of a memory is inside, the next one is not; a module without a
// memory has no inside.
func TestAttack29_Edges(t *testing.T) {
	run := func(memory []byte, ptr, n int32) Result {
		m := load(t, shared(), asm{imports: carrelImports, memory: memory, funcs: []asmFunc{speaks(1), {name: ExportCall, signature: ":i", code: slices.Concat(
			i32Const(ptr), i32Const(n), asmCall(0), i32Const(1), asmCall(1), []byte{0x1a}, i32Const(0))}}}.bytes())
		return shared().Run(t.Context(), m, Call{Function: ExportCall})
	}
	must(t, run(pages(1), 65536-8, 8))
	must(t, run(pages(1), 65536, 0))
	wantError(t, run(pages(1), 65536-7, 8), core.OutcomeTrap, "8 bytes at 0xfff9")
	wantError(t, run(pages(1), 65537, 0), core.OutcomeTrap, "outside its memory")
	wantError(t, run(nil, 0, 1), core.OutcomeTrap, "outside its memory")
}

// Handles nobody gave out answer nothing and change nothing.
func TestAttack30_ForgedHandles(t *testing.T) {
	m := load(t, shared(), guestPDK(t))
	if got := must(t, shared().Run(t.Context(), m, Call{Function: "forged"})); got != "0 mine 4" {
		t.Error(got)
	}
	wantError(t, shared().Run(t.Context(), m, Call{Function: "steal"}), core.OutcomeTrap, "output_set")
}

// Run inside a Host.Call has a state of its own, and is not endless.
func TestAttack32_Reentrance(t *testing.T) {
	m := load(t, shared(), guestPlain(t))
	var deepest int
	var host Host
	host = hostWith(func(ctx context.Context, _ abi.Op, request []byte) ([]byte, error) {
		deepest++
		r := shared().Run(ctx, m, Call{Function: ExportCall, Input: []byte(`{"do":"op","op":12,"data":"inner"}`), Host: host})
		if r.Err != nil {
			return nil, r.Err
		}
		return append([]byte("["), append(r.Output, ']')...), nil
	})
	got := must(t, do(t, Call{Host: host}, `{"do":"op","op":12,"data":"outer"}`))
	if deepest != maxDepth || !strings.Contains(got, "nested more than 4 deep") || !strings.HasPrefix(got, "0 [0 [0 [1 ") {
		t.Errorf("%d deep: %s", deepest, got)
	}
}

// A guest whose time is over reaches the host no more, however it tries.
func TestAttack35_NothingAfterTheDeadline(t *testing.T) {
	var calls atomic.Int32
	host := hostWith(func(ctx context.Context, _ abi.Op, _ []byte) ([]byte, error) {
		calls.Add(1)
		<-ctx.Done() // a slow operation, that then succeeds all the same
		return []byte("too late"), nil
	})
	m := load(t, shared(), asm{imports: carrelImports, memory: pages(1), funcs: []asmFunc{speaks(1),
		{name: ExportCall, signature: ":i", code: slices.Concat(
			[]byte{0x03, 0x40}, i32Const(10), asmCall(1), []byte{0x1a, 0x0c, 0x00, 0x0b}, i32Const(0))}}}.bytes())
	r := shared().Run(t.Context(), m, Call{Function: ExportCall, Host: host, Limits: Limits{Time: 50 * time.Millisecond}})
	wantError(t, r, core.OutcomeTimeout, "50ms")
	if calls.Load() != 1 {
		t.Errorf("%d operations", calls.Load())
	}
	// A call that begins after its deadline runs nothing at all.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = shared().Run(ctx, m, Call{Function: ExportCall, Host: host})
	wantError(t, r, core.OutcomeTimeout, "stopped")
	if calls.Load() != 1 {
		t.Errorf("%d operations", calls.Load())
	}
}

// What the host answers arrives whole, errors as kind and message, never as a
// cause.
func TestHostAnswers(t *testing.T) {
	host := hostWith(func(_ context.Context, op abi.Op, request []byte) ([]byte, error) {
		switch string(request) {
		case "core":
			return nil, &core.Error{Kind: core.NotFound, Msg: "No such contact.", Err: errors.New("canary")}
		case "plain":
			return nil, errors.New("canary")
		case "violations":
			v := core.Violations{}
			v.Add("body.email", "is missing")
			return nil, v.Err("x", "The body is wrong.")
		}
		return fmt.Appendf(nil, "%d:%s", op, request), nil
	})
	for input, want := range map[string]string{
		`{"do":"op","op":15,"data":"hello"}`:         `0 15:hello`,
		`{"do":"op","op":4294967295,"data":""}`:      `0 4294967295:`,
		`{"do":"op","op":15,"data":"core"}`:          `1 {"kind":"not_found","message":"No such contact."}`,
		`{"do":"op","op":15,"data":"plain"}`:         `1 {"kind":"internal","message":"Something went wrong on our side."}`,
		`{"do":"op","op":15,"data":"violations"}`:    `1 {"kind":"invalid","message":"The body is wrong.","violations":[{"location":"body.email","message":"is missing"}]}`,
		`{"do":"read-twice","op":15,"data":"abcde"}`: `4 4 0 15:abcde`,
	} {
		if got := must(t, do(t, Call{Host: host}, "%s", input)); got != want {
			t.Errorf("%s: got %q, want %q", input, got, want)
		}
	}
}

func TestExtismHTTP(t *testing.T) {
	m := load(t, shared(), guestPDK(t))
	call := Call{Function: "fetch", Input: []byte("https://api.example.com/x")}
	wantError(t, shared().Run(t.Context(), m, call), core.OutcomeDenied, "not available")

	call.Host = hostWith(func(_ context.Context, op abi.Op, request []byte) ([]byte, error) {
		want := `{"method":"POST","url":"https://api.example.com/x","headers":{"x-test":"yes"},"body":"Ym9keQ=="}`
		if op != abi.OpHTTPFetch || string(request) != want {
			t.Errorf("%d %s", op, request)
		}
		return []byte(`{"status":201,"headers":{"x-answer":"42"},"body":"b2s="}`), nil
	})
	if got := must(t, shared().Run(t.Context(), m, call)); got != "201 42 ok" {
		t.Error(got)
	}
}
