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

const (
	ms = time.Millisecond
	// slots is how many calls of a workspace there are at a time, and crowded how many
	// there may be, those that wait for one of these included: a server's own bounds.
	slots, crowded = 16, 16 * (1 + maxQueue)
)

// hall is the headroom of two processors, and what workspaces got of it. Processors are
// not part of it: a call lasts as long as it lasts, however many there are.
type hall struct {
	headroom *headroom
	slots    *gates[core.WorkspaceID]
	crowds   *gates[core.WorkspaceID]
	open     context.Context
	callers  sync.WaitGroup

	mu    sync.Mutex
	still time.Time // nothing ends before
	got   map[core.WorkspaceID]got
}

type got struct {
	calls, refused int
	lasted         time.Duration // of all calls
	waited         time.Duration // the longest, for room
}

// inHall runs a test in a hall, and then waits until everybody has left.
func inHall(t *testing.T, test func(h *hall)) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{headroom: newHeadroom(2, slots, nil), slots: newGates[core.WorkspaceID](slots, "", nil),
			crowds: newGates[core.WorkspaceID](1<<20, "", nil),
			got:    map[core.WorkspaceID]got{}}
		open, close := context.WithCancel(t.Context())
		h.open = open
		test(h)
		close()
		h.callers.Wait()
		time.Sleep(longestRest)
		synctest.Wait()
		for ws, l := range h.headroom.loads {
			if l.inProgress != 0 || l.resting != 0 || l.waiting() != 0 {
				t.Errorf("in the end %s has %d calls in progress, %d places resting and %d in line", ws, l.inProgress, l.resting, l.waiting())
			}
		}
	})
}

// call makes one call, as execute does.
func (h *hall) call(ctx context.Context, ws core.WorkspaceID, lasts time.Duration) {
	var one got
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		all := h.got[ws]
		h.got[ws] = got{all.calls + one.calls, all.refused + one.refused, all.lasted + one.lasted, max(all.waited, one.waited)}
	}()
	h.headroom.came(ws)
	leave, err := h.crowds.enterAmong(ctx, ws, crowded)
	if err != nil {
		one.refused = 1
		return
	}
	defer leave()
	defer func() {
		if one.calls > 0 {
			h.headroom.went(ws)
		}
	}()
	leave, err = h.slots.enter(ctx, ws)
	if err != nil {
		return
	}
	defer leave()
	began := time.Now()
	leave, _, err = h.headroom.enter(ctx, ws, ofRequests)
	if err != nil {
		return
	}
	one.calls, one.waited = 1, time.Since(began)
	h.mu.Lock()
	one.lasted = max(lasts, time.Until(h.still))
	h.mu.Unlock()
	time.Sleep(one.lasted)
	leave()
}

// again has so many callers who call again as soon as they were answered.
func (h *hall) again(ctx context.Context, ws core.WorkspaceID, callers int, lasts time.Duration) {
	for range callers {
		h.callers.Go(func() {
			for ctx.Err() == nil {
				h.call(ctx, ws, lasts)
			}
		})
	}
}

// each has somebody call each time it is time to.
func (h *hall) each(ctx context.Context, ws core.WorkspaceID, every, lasts time.Duration) {
	h.callers.Go(func() {
		for ctx.Err() == nil {
			h.callers.Go(func() { h.call(ctx, ws, lasts) })
			time.Sleep(every)
		}
	})
}

// stands has no call end for a while.
func (h *hall) stands(still time.Duration) {
	h.mu.Lock()
	h.still = time.Now().Add(still)
	h.mu.Unlock()
	time.Sleep(still)
}

// during is what everybody gets from now on for a while.
func (h *hall) during(d time.Duration) map[core.WorkspaceID]got {
	h.mu.Lock()
	h.got = map[core.WorkspaceID]got{}
	h.mu.Unlock()
	time.Sleep(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.got
	h.got = map[core.WorkspaceID]got{}
	return all
}

// inProgress is how many calls there were at a time, on average.
func (g got) inProgress(d time.Duration) float64 { return g.lasted.Seconds() / d.Seconds() }

func TestWhoIsAloneIsNotHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.again(h.open, "noisy", 64, 10*ms)
		h.during(time.Second)
		if has := h.during(time.Second)["noisy"].inProgress(time.Second); has < 15.5 {
			t.Errorf("it has %.2f calls in progress", has)
		}
	})
}

// Who wants far more than the others has few calls in progress, the fewer the more the
// others have, and as many as there are when these have gone. The others never wait.
func TestWhoWantsFarMoreIsHeldBack(t *testing.T) {
	for _, c := range []struct {
		name         string
		every, lasts time.Duration // of the quiet one's calls
		least, most  float64       // that the noisy one has in progress meanwhile
	}{
		{"beside one that has four calls", 1 * ms, 4 * ms, 0.55, 0.65}, // 0.15 for each of them
		{"beside one that is always there", 1 * ms, 1 * ms, 0.18, 0.25},
		{"beside one that is there a fifth of the time", 5 * ms, 1 * ms, 0.7, 1.2},
		{"beside one that is hardly ever there", time.Second, 1 * ms, 12, 16.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHall(t, func(h *hall) {
				h.again(h.open, "noisy", 64, 10*ms)
				h.during(2 * time.Second)
				came, leave := context.WithCancel(h.open)
				h.each(came, "quiet", c.every, c.lasts)
				h.during(200 * ms) // until it is noticed
				got := h.during(4 * time.Second)
				if has := got["noisy"].inProgress(4 * time.Second); has < c.least || has > c.most {
					t.Errorf("the noisy one has %.2f calls in progress", has)
				}
				if got["quiet"].waited > 0 {
					t.Errorf("the quiet one waited for %v", got["quiet"].waited)
				}
				leave()
				h.during(3 * time.Second)
				if has := h.during(time.Second)["noisy"].inProgress(time.Second); has < 15 {
					t.Errorf("alone again it has %.2f", has)
				}
			})
		})
	}
}

// Two that flood are both held back, and get the same.
func TestAllWhoWantFarMoreAreHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.again(h.open, "noisy", 64, 10*ms)
		h.again(h.open, "noisier", 200, 10*ms)
		h.each(h.open, "quiet", 2*ms, ms)
		h.during(25 * time.Second) // that 200 came at once is taken for a pace for a while
		got := h.during(4 * time.Second)
		one, other := got["noisy"].inProgress(4*time.Second), got["noisier"].inProgress(4*time.Second)
		if one < 0.15 || one > 0.25 || other < 0.8*one || one < 0.8*other {
			t.Errorf("they have %.2f and %.2f calls in progress", one, other)
		}
	})
}

// Who wants less than twice what another wants is not held back for it, nor is anybody
// who wants no more than half of the calls there may be.
func TestWhoWantsAboutAsMuchIsNotHeldBack(t *testing.T) {
	for _, c := range []struct{ one, other int }{{16, 9}, {16, 16}, {8, 1}} {
		inHall(t, func(h *hall) {
			h.again(h.open, "one", c.one, 10*ms)
			h.again(h.open, "other", c.other, 10*ms)
			h.during(time.Second)
			if has := h.during(time.Second)["one"].inProgress(time.Second); has < float64(c.one)-0.5 {
				t.Errorf("beside one with %d it has %.2f calls in progress of %d", c.other, has, c.one)
			}
		})
	}
}

// Somebody whose calls come at a pace of their own, and who fell behind as everything
// stood still for a moment, catches up, though he wants most by then.
func TestWhoFellBehindCatchesUp(t *testing.T) {
	for _, c := range []struct {
		name         string
		every, lasts time.Duration // of his calls
		still        time.Duration
		others       int // workspaces beside him
		callers      int // of each
	}{
		{"beside one with a single caller", 10 * ms, 30 * ms, 2 * time.Second, 1, 1},
		{"beside one with seven", 10 * ms, 40 * ms, 2 * time.Second, 1, 7},
		{"beside twelve with one each", 10 * ms, 20 * ms, 2 * time.Second, 12, 1},
		{"with slow calls", 100 * ms, 300 * ms, 5 * time.Second, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHall(t, func(h *hall) {
				for i := range c.others {
					h.again(h.open, core.WorkspaceID(rune('a'+i)), c.callers, 5*ms)
				}
				h.each(h.open, "steady", c.every, c.lasts)
				h.during(3 * time.Second)
				h.stands(c.still)
				if got := h.during(2 * time.Second)["steady"]; got.waited == 0 {
					t.Error("he never had to wait: he was not held back")
				}
				h.during(time.Minute)
				got := h.during(10 * time.Second)["steady"]
				if wanted := int(10 * time.Second / c.every); got.calls < wanted*99/100 || got.refused > 0 || got.waited > 100*ms {
					t.Errorf("then he made %d calls of %d, was refused %d times, and waited for up to %v", got.calls, wanted, got.refused, got.waited)
				}
			})
		})
	}
}

// Whose calls come faster than they could ever be answered is held back, pace or no pace.
func TestWhoComesTooFastIsHeldBack(t *testing.T) {
	inHall(t, func(h *hall) {
		h.each(h.open, "noisy", ms, 20*ms)
		h.each(h.open, "quiet", 2*ms, ms)
		h.during(10 * time.Second)
		got := h.during(10 * time.Second)
		if has := got["noisy"].inProgress(10 * time.Second); has > 1 || got["quiet"].waited > 0 {
			t.Errorf("it has %.2f calls in progress, and the quiet one waited for %v", has, got["quiet"].waited)
		}
	})
}

// Requests of who is held back wait for one of its deliveries each, not for all.
func TestRequestsAndDeliveriesAreLetOnInTurn(t *testing.T) {
	l := newLoad("ws_a", time.Now())
	l.allow(1)
	if l.enter(ofOthers) != nil {
		t.Fatal("there was a place")
	}
	var waiting []chan struct{}
	for range 3 {
		waiting = append(waiting, l.enter(ofOthers))
	}
	request := l.enter(ofRequests)
	for n := 1; ; n++ {
		l.allow(float64(n))
		l.leave(0)
		select {
		case <-request:
			if n > 2 {
				t.Errorf("the request was let on as number %d", n)
			}
			return
		default:
		}
		if n > len(waiting) {
			t.Fatal("it was never let on")
		}
	}
}

// Whoever gives up waiting, at whatever moment, takes no place with him.
func TestWhoGivesUpInLineTakesNoPlace(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	inHall(t, func(h *hall) {
		dice := rand.New(rand.NewPCG(seed, 0))
		h.each(h.open, "quiet", 2*ms, ms)
		for range 2_000 {
			lasts, patience := time.Duration(dice.IntN(20))*ms, time.Duration(dice.IntN(200))*ms
			h.callers.Go(func() {
				ctx, cancel := context.WithTimeout(h.open, patience)
				defer cancel()
				h.call(ctx, "noisy", lasts)
			})
			time.Sleep(time.Duration(dice.IntN(2000)) * time.Microsecond)
		}
	})
}
