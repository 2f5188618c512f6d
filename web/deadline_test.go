package web

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandlingIsAContextWithADeadline: to whoever asks it, before, at and after its
// end, it says what context.WithDeadline's would.
func TestHandlingIsAContextWithADeadline(t *testing.T) {
	type key struct{}
	for _, waits := range []bool{true, false} {
		for name, end := range map[string]struct {
			do   func(h *handling, cancel func())
			want error
		}{
			"in time":        {func(*handling, func()) {}, nil},
			"late":           {func(*handling, func()) { time.Sleep(2 * time.Second) }, context.DeadlineExceeded},
			"handled":        {func(h *handling, _ func()) { h.end() }, context.Canceled},
			"its parent was": {func(_ *handling, cancel func()) { cancel() }, context.Canceled},
			"all of them":    {func(h *handling, cancel func()) { cancel(); h.end(); time.Sleep(2 * time.Second) }, context.Canceled},
		} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
				defer cancel()
				h := newHandling(parent, time.Now().Add(time.Second))
				defer h.end()
				child := context.Context(h)
				if waits {
					before := runtime.NumGoroutine()
					var done context.CancelFunc
					child, done = context.WithCancel(h)
					defer done()
					if n := runtime.NumGoroutine(); n > before {
						t.Errorf("a child needs %d goroutines", n-before)
					}
				}
				end.do(h, cancel)
				synctest.Wait()
				for _, ctx := range []context.Context{h, child} {
					if got := ctx.Err(); !errors.Is(got, end.want) {
						t.Errorf("%s, waited for %v: %v, want %v", name, waits, got, end.want)
					}
					select {
					case <-ctx.Done():
						if end.want == nil {
							t.Errorf("%s: it is done", name)
						}
					default:
						if end.want != nil {
							t.Errorf("%s: it isn't done", name)
						}
					}
					if at, ok := ctx.Deadline(); !ok || !at.Equal(h.at) {
						t.Errorf("its deadline is %v, %v", at, ok)
					}
					if ctx.Value(key{}) != 1 {
						t.Error("its parent's value is lost")
					}
				}
			})
		}
	}
	early, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	want, _ := early.Deadline()
	if h := newHandling(early, time.Now().Add(time.Hour)); !h.at.Equal(want) {
		t.Errorf("of two deadlines it has %v", h.at)
	}
}
