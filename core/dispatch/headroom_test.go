package dispatch

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// hall is a headroom for two processors and 16 calls of a workspace, and who has had
// how much of it.
type hall struct {
	*headroom
	t       *testing.T
	mu      sync.Mutex
	calls   map[core.WorkspaceID]int
	lasted  map[core.WorkspaceID]time.Duration // all calls together
	waited  map[core.WorkspaceID]time.Duration // the longest wait
	ends    context.Context
	end     context.CancelFunc
	callers sync.WaitGroup
}

func newHall(t *testing.T) *hall {
	h := &hall{headroom: newHeadroom(2, 16, nil), t: t}
	h.ends, h.end = context.WithCancel(t.Context())
	h.forget()
	return h
}

func (h *hall) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = map[core.WorkspaceID]int{}
	h.lasted, h.waited = map[core.WorkspaceID]time.Duration{}, map[core.WorkspaceID]time.Duration{}
}

func (h *hall) call(ws core.WorkspaceID, lasts time.Duration) {
	began := time.Now()
	leave, err := h.enter(h.ends, ws)
	if err != nil {
		return
	}
	waited := time.Since(began)
	time.Sleep(lasts)
	leave()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[ws]++
	h.lasted[ws] += lasts
	h.waited[ws] = max(h.waited[ws], waited)
}

// floods has so many callers who call again as soon as they can, until ctx ends.
func (h *hall) floods(ctx context.Context, ws core.WorkspaceID, callers int, lasts time.Duration) {
	for range callers {
		h.callers.Go(func() {
			for ctx.Err() == nil && h.ends.Err() == nil {
				h.call(ws, lasts)
			}
		})
	}
}

// asks has somebody call each time it is time to.
func (h *hall) asks(ws core.WorkspaceID, every, lasts time.Duration) {
	h.callers.Go(func() {
		for h.ends.Err() == nil {
			h.callers.Go(func() { h.call(ws, lasts) })
			time.Sleep(every)
		}
	})
}

// during returns how many calls a workspace has in progress, on average, from now on
// for a while.
func (h *hall) during(d time.Duration, of core.WorkspaceID) float64 {
	h.forget()
	time.Sleep(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lasted[of].Seconds() / d.Seconds()
}

func inHall(t *testing.T, test func(h *hall)) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		test(h)
		h.end()
		h.callers.Wait()
		time.Sleep(longestRest)
		synctest.Wait()
		h.headroom.mu.Lock()
		defer h.headroom.mu.Unlock()
		for ws, r := range h.rooms {
			if r.inside != 0 || r.resting != 0 || len(r.line) != 0 {
				t.Errorf("in the end %s has %d calls in progress, %d places resting and %d in line", ws, r.inside, r.resting, len(r.line))
			}
		}
	})
}

func TestWhoIsAloneIsNotHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.floods(h.ends, "noisy", 16, 10*time.Millisecond)
		if has := h.during(time.Second, "noisy"); has < 15.5 {
			t.Errorf("it has %.2f calls in progress", has)
		}
	})
}

// Who asks for far more than the others has few calls in progress, the fewer the more
// the others have, and as many as it likes when they are gone. The others never wait.
func TestWhoAsksForFarMoreIsHeldBack(t *testing.T) {
	for _, c := range []struct {
		name        string
		every       time.Duration // that the quiet one makes a call, of a millisecond
		least, most float64       // that the noisy one has in progress, meanwhile
	}{
		{"beside one that is always there", time.Millisecond, 0.15, 0.25},
		{"beside one that is there a fifth of the time", 5 * time.Millisecond, 0.7, 1.3},
		{"beside one that is hardly ever there", time.Second, 12, 16.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHall(t, func(h *hall) {
				h.floods(h.ends, "noisy", 16, 10*time.Millisecond)
				time.Sleep(2 * time.Second)
				h.forget()
				quiet, quietEnds := context.WithCancel(h.ends)
				h.callers.Go(func() {
					for quiet.Err() == nil {
						h.callers.Go(func() { h.call("quiet", time.Millisecond) })
						time.Sleep(c.every)
					}
				})
				h.during(200*time.Millisecond, "noisy") // it is noticed
				if has := h.during(4*time.Second, "noisy"); has < c.least || has > c.most {
					t.Errorf("the noisy one has %.2f calls in progress", has)
				}
				if h.waited["quiet"] > 0 {
					t.Errorf("the quiet one waited for %v", h.waited["quiet"])
				}
				quietEnds()
				time.Sleep(3 * time.Second)
				if has := h.during(time.Second, "noisy"); has < 15 {
					t.Errorf("alone again it has %.2f", has)
				}
			})
		})
	}
}

// Two that flood are both held back, and get the same.
func TestAllWhoAskForFarMoreAreHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.floods(h.ends, "noisy", 16, 10*time.Millisecond)
		h.floods(h.ends, "noisier", 16, 10*time.Millisecond)
		h.asks("quiet", 2*time.Millisecond, time.Millisecond)
		time.Sleep(2 * time.Second)
		one := h.during(4*time.Second, "noisy")
		other := h.lasted["noisier"].Seconds() / 4
		if one+other > 0.6 || one < 0.8*other || other < 0.8*one {
			t.Errorf("they have %.2f and %.2f calls in progress", one, other)
		}
	})
}

// Whoever asks for no more than others do is not held back, nor who asks for little.
func TestEqualsAreNotHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.floods(h.ends, "one", 16, 10*time.Millisecond)
		h.floods(h.ends, "other", 10, 10*time.Millisecond)
		if one := h.during(2*time.Second, "one"); one < 15.5 {
			t.Errorf("it has %.2f calls in progress", one)
		}
	})
	inHall(t, func(h *hall) {
		h.floods(h.ends, "some", 7, 10*time.Millisecond)
		h.asks("few", 10*time.Millisecond, time.Millisecond)
		if some := h.during(2*time.Second, "some"); some < 6.5 {
			t.Errorf("it has %.2f calls in progress", some)
		}
	})
}

// Somebody who fell so far behind that he asks for most catches up: he is held back to
// no less than an eighth of what another has, and then it is the other who is.
func TestWhoFellBehindCatchesUp(t *testing.T) {
	inHall(t, func(h *hall) {
		h.floods(h.ends, "noisy", 9, 10*time.Millisecond)
		for range 400 { // what came while the database stood still
			h.callers.Go(func() { h.call("quiet", time.Second) })
		}
		h.asks("quiet", 2*time.Millisecond, time.Millisecond)
		time.Sleep(6 * time.Second)
		noisy := h.during(2*time.Second, "noisy")
		if noisy > 0.6 || h.waited["quiet"] > 0 || h.calls["quiet"] < 950 {
			t.Errorf("then the noisy one has %.2f calls in progress, and the quiet one made %d and waited up to %v",
				noisy, h.calls["quiet"], h.waited["quiet"])
		}
	})
}

// Whoever gives up waiting, at whatever moment, takes no place with him.
func TestWhoGivesUpInLineTakesNoRoom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	inHall(t, func(h *hall) {
		dice := rand.New(rand.NewPCG(seed, 0))
		h.asks("quiet", 2*time.Millisecond, time.Millisecond)
		for range 2_000 {
			lasts, patience := time.Duration(dice.IntN(20))*time.Millisecond, time.Duration(dice.IntN(200))*time.Millisecond
			h.callers.Go(func() {
				ctx, cancel := context.WithTimeout(h.ends, patience)
				defer cancel()
				if leave, err := h.enter(ctx, "noisy"); err == nil {
					time.Sleep(lasts)
					leave()
				}
			})
			time.Sleep(time.Duration(dice.IntN(2000)) * time.Microsecond)
		}
	})
}
