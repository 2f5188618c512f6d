package runtime

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Many callers, several modules, one engine, and an end in the middle: each
// call is answered rightly or refused because the engine closes.
func TestHammer(t *testing.T) {
	e := newEngine(t, Config{CacheDir: t.TempDir()})
	modules := [][]byte{answering("one"), answering("two"), guestC(t), guestCExtism(t)}
	calls := []Call{
		{Function: ExportCall}, {Function: ExportCall},
		{Function: ExportCall, Input: []byte("shout")}, {Function: "count_vowels", Input: []byte("aeiou")},
	}
	want := []string{"one", "two", "SHOUT", `{"count":5}`}

	const workers, atLeast = 8, 400
	var answered, refused atomic.Int32
	enough := make(chan struct{})
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; ; i++ {
				n := i % len(modules)
				m, err := e.LoadBytes(context.Background(), modules[n])
				if err == nil {
					r := e.Run(context.Background(), m, calls[n])
					if err = r.Err; err == nil && string(r.Output) != want[n] {
						t.Errorf("got %q, want %q", r.Output, want[n])
					}
				}
				if core.KindOf(err) == core.Unavailable {
					refused.Add(1)
					return
				}
				if err != nil {
					t.Error(err)
				}
				if answered.Add(1) == atLeast {
					close(enough)
				}
			}
		})
	}
	<-enough
	if err := e.Close(context.Background()); err != nil {
		t.Error(err)
	}
	group.Wait()
	if refused.Load() != workers {
		t.Errorf("%d workers were refused, of %d", refused.Load(), workers)
	}
}

// Close waits for calls, and stops them when its context ends.
func TestCloseStopsCalls(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, asm{imports: carrelImports, funcs: []asmFunc{speaks(1),
		{name: ExportCall, signature: ":i", code: append(append(i32Const(10), append(asmCall(1), 0x1a)...), append(forever, 0x00)...)}}}.bytes())
	running := make(chan struct{})
	var once sync.Once
	result := make(chan Result)
	go func() {
		result <- e.Run(context.Background(), m, Call{Function: ExportCall, Host: hostFunc(func() { once.Do(func() { close(running) }) }), Limits: Limits{Time: time.Hour}})
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Close(ctx); err != nil {
		t.Error(err)
	}
	wantError(t, <-result, core.OutcomeTimeout, "stopped")
	wantError(t, e.Run(t.Context(), m, Call{Function: ExportCall}), core.OutcomeFailed, "shutting down")
	if _, err := e.LoadBytes(t.Context(), answering("x")); core.KindOf(err) != core.Unavailable {
		t.Errorf("%v", err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// BenchmarkCall is one call of a plain-Go guest that decodes 34 bytes of JSON
// and encodes 26, on an instance that is reset after it.
func BenchmarkCall(b *testing.B) {
	m := load(b, shared(), guestPlain(b))
	c := Call{Function: ExportCall, Input: []byte(`{"do":"greet","name":"Ada"}`), Now: time.Unix(0, 0)}
	for b.Loop() {
		if r := shared().Run(b.Context(), m, c); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

// BenchmarkEcho is 10 KB through each ABI.
func BenchmarkEcho(b *testing.B) {
	for name, build := range map[string]guestBuild{"carrel": guestPlain, "extism": guestPDK} {
		b.Run(name, func(b *testing.B) {
			m := load(b, shared(), build(b))
			c := Call{Function: "echo", Input: fmt.Appendf(nil, `{"do":"echo","data":%q}`, strings.Repeat("x", 10_000)), Now: time.Unix(0, 0)}
			if name == "carrel" {
				c.Function = ExportCall
			}
			for b.Loop() {
				if r := shared().Run(b.Context(), m, c); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}
