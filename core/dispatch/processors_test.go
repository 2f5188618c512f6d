package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// track is processors with so many places, and who has had one.
type track struct {
	*processors
	mu   sync.Mutex
	done sync.WaitGroup
	ran  []string
}

func newTrack(places int) *track {
	p := newProcessors(1)
	p.free = places
	return &track{processors: p}
}

// run has a call compute for a while, when it is given a place.
func (r *track) run(t *testing.T, ws core.WorkspaceID, lasts time.Duration) {
	r.done.Go(func() {
		place, err := r.enter(t.Context(), ws)
		if err != nil {
			t.Error(err)
			return
		}
		r.mu.Lock()
		r.ran = append(r.ran, string(ws))
		r.mu.Unlock()
		time.Sleep(lasts)
		place.leave()
	})
	synctest.Wait()
}

// Who makes one call waits for one of a workspace that makes many, not for all.
func TestProcessorsAreTakenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrack(1)
		for range 5 {
			r.run(t, "noisy", time.Millisecond)
		}
		r.run(t, "quiet", time.Millisecond)
		r.run(t, "other", time.Millisecond)
		r.run(t, "quiet", time.Millisecond)
		r.done.Wait()
		if got := strings.Join(r.ran, " "); got != "noisy noisy quiet other noisy quiet noisy noisy" {
			t.Errorf("the places went to %s", got)
		}
		if r.free != 1 || len(r.lines) != 0 || len(r.order) != 0 {
			t.Errorf("left behind: %d places, %v, %v", r.free, r.lines, r.order)
		}
	})
}

// Who computes long lets those go first who wait, and then goes on; a
// call that asks for nothing has its place taken.
func TestWhoComputesLongLetsOthersGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrack(1)
		long, err := r.enter(t.Context(), "long")
		if err != nil {
			t.Fatal(err)
		}
		compute := func() time.Duration { // for a quantum
			time.Sleep(quantum)
			began := time.Now()
			long.yield(t.Context())
			return time.Since(began)
		}
		if waited := compute(); waited != 0 {
			t.Errorf("it waited %v for nobody", waited)
		}
		r.run(t, "quiet", 300*time.Microsecond)
		r.run(t, "quiet", 200*time.Microsecond)
		r.run(t, "other", 100*time.Microsecond)
		long.yield(t.Context())
		if len(r.ran) != 0 {
			t.Errorf("it let %v go first before its quantum was over", r.ran)
		}
		if waited := compute(); waited != 600*time.Microsecond {
			t.Errorf("it waited %v for those before it", waited)
		}
		began := time.Now()
		r.run(t, "quiet", 0)
		r.done.Wait() // for as long as the place may be kept
		if waited := time.Since(began); waited != absence {
			t.Errorf("the place of one that doesn't ask was taken after %v", waited)
		}
		if waited := compute(); waited != 0 {
			t.Errorf("it waited %v for a place that was free", waited)
		}
		long.leave()
		if r.free != 1 || r.waiting.Load() != 0 {
			t.Errorf("%d places in the end, and %d wait", r.free, r.waiting.Load())
		}
	})
}

// Who gives up waiting leaves no trace, wherever it was in line.
func TestWhoGivesUpWaitingTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrack(1)
		first, err := r.enter(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 3)
		for _, ws := range []core.WorkspaceID{"gone", "stays", "gone"} {
			if ws == "stays" {
				r.run(t, ws, 0)
				continue
			}
			go func() {
				_, err := r.enter(ctx, ws)
				gone <- err
			}()
			synctest.Wait()
		}
		cancel()
		for range 2 {
			if err := <-gone; !errors.Is(err, context.Canceled) {
				t.Errorf("it ended with %v", err)
			}
		}
		first.leave()
		r.done.Wait()
		if !slices.Equal(r.ran, []string{"stays"}) || r.free != 1 || len(r.order) != 0 {
			t.Errorf("%v had places, %d are free, %v wait", r.ran, r.free, r.order)
		}
	})
}
