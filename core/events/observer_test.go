package events_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/events"
)

// witness keeps what an observer is told, by one attempt after the other.
type witness struct{ told []string }

type witnessKey struct{}

// Attempt implements events.Observer.
func (w *witness) Attempt(ctx context.Context, d core.Delivery, now time.Time) (context.Context, func(core.DeliveryState)) {
	if core.TraceOf(ctx).IsZero() {
		w.told = append(w.told, "an attempt of no trace")
	}
	return context.WithValue(ctx, witnessKey{}, d.ID), func(became core.DeliveryState) {
		w.told = append(w.told, fmt.Sprint(d.Handler, " ", d.Attempt, " ", now.Sub(d.Owed), " late: ", became))
	}
}

// An observer is told of each attempt how late it began, and what became of the
// delivery; the attempt is made with the observer's context.
func TestAnObserverIsToldOfAttempts(t *testing.T) {
	w := &witness{}
	var b *bench
	deliver := func(ctx context.Context, d core.Delivery) error {
		if ctx.Value(witnessKey{}) != d.ID {
			b.Errorf("%s is made with another context", d.Handler)
		}
		if d.Handler == string(core.Unavailable) && d.Attempt == 2 {
			return b.complete(ctx, d)
		}
		return b.deliver(ctx, d)
	}
	inBubble(t, events.Config{Observer: w, Deliver: deliver}, func(in *bench) {
		b = in
		b.put("ws_a", "ok", 0, 1)
		time.Sleep(3 * time.Second) // nothing is claimed yet
		defer b.start()()
		synctest.Wait()
		b.put("ws_a", string(core.Unavailable), 0, 1)
		b.claimer.Wake()
		synctest.Wait()
		b.put("ws_a", string(core.Invalid), 0, 1)
		b.claimer.Wake()
		synctest.Wait()
		time.Sleep(2 * time.Second) // what is unavailable is due again after one
		synctest.Wait()
		want := []string{"ok 1 3s late: done", "unavailable 1 0s late: retry", "invalid 1 0s late: set_aside", "unavailable 2 0s late: done"}
		if !slices.Equal(w.told, want) {
			t.Errorf("told\n%q, want\n%q", w.told, want)
		}
	})
}
