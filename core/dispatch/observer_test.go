package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// witness keeps what an observer is told.
type witness struct {
	mu    sync.Mutex
	ended []core.InvocationRecord
	waits []string
}

type witnessKey struct{}

// Invocation implements dispatch.Observer.
func (w *witness) Invocation(ctx context.Context, r core.InvocationRecord) (context.Context, func(core.InvocationRecord)) {
	return context.WithValue(ctx, witnessKey{}, r.ID), func(r core.InvocationRecord) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = append(w.ended, r)
	}
}

// Waited implements dispatch.Observer.
func (w *witness) Waited(_ context.Context, gate string, took time.Duration, gaveUp bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, fmt.Sprint(gate, " ", took > 0, " ", gaveUp))
}

// An observer is told of each invocation as its record is kept, and what is done
// for it is done with the observer's context.
func TestAnObserverIsToldOfInvocations(t *testing.T) {
	b, w := newBench(t), &witness{}
	d := b.dispatcher(func(c *dispatch.Config) { c.Observer = w })
	var in []any // which invocation each run was made for
	b.handle("query", func(ctx context.Context, _ abi.Invocation, _ *hostfuncs.Host) (any, error) {
		in = append(in, ctx.Value(witnessKey{}))
		return nil, nil
	})
	b.handle("bump", b.guests["query"])
	b.handle("action", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		in = append(in, ctx.Value(witnessKey{}))
		return call[any](ctx, host, abi.OpMutate, abi.MutateRequest{Handler: "bump"})
	})
	_, err := b.ask(d, b.owner, "GET", "/run")
	must(t, err)
	if _, err = b.ask(d, b.owner, "GET", "/nowhere"); core.KindOf(err) != core.NotFound {
		t.Fatal(err)
	}
	_, err = b.ask(d, b.owner, "PUT", "/run/1")
	must(t, err)

	kept := b.log.all()[len(b.log.all())-3:] // the first of all was the installing
	want := []core.InvocationRecord{kept[0], {}, kept[1], kept[2]}
	if len(w.ended) != len(want) {
		t.Fatalf("it was told of %d: %+v", len(w.ended), w.ended)
	}
	for i, r := range w.ended {
		if i == 1 {
			if r.Outcome != "" || r.Handler != "" || r.Workspace != b.ws.ID {
				t.Errorf("of what was not there it was told %+v", r)
			}
		} else if r.ID != want[i].ID || r.Outcome != core.OutcomeOK || r.Runs != 1 || r.Fuel != 10 {
			t.Errorf("told %+v, kept %+v", r, want[i])
		}
	}
	// The mutation ended before the action it was of, and began after it.
	if order := []any{w.ended[0].ID, w.ended[3].ID, w.ended[2].ID}; !slices.Equal(in, order) {
		t.Errorf("runs were made for %v, not %v", in, order)
	}
}

// An observer is told who could not go on at once, and whether they gave up.
func TestAnObserverIsToldWhoWaits(t *testing.T) {
	b, w := newBench(t), &witness{}
	d := b.dispatcher(func(c *dispatch.Config) {
		c.Observer, c.PerWorkspace, c.Request.Time = w, 1, 500*time.Millisecond
	})
	entered, leave := make(chan struct{}), make(chan struct{})
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	})
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := b.ask(d, b.owner, "GET", "/run"); err != nil {
			t.Error(err)
		}
	})
	<-entered
	if len(w.waits) != 0 {
		t.Errorf("nobody was there: %v", w.waits)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := d.Request(ctx, dispatch.Request{
		Workspace: b.ws, Alias: "crm", Actor: b.owner, HTTP: abi.Request{Method: "GET", Path: "/run"},
	})
	if core.KindOf(err) != core.RateLimited {
		t.Error(err)
	}
	close(leave)
	first.Wait()
	if want := []string{"workspace true true"}; !slices.Equal(w.waits, want) {
		t.Errorf("%v, want %v", w.waits, want)
	}
}
