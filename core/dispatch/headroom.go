package dispatch

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// headroomPeriod is for how long it is decided who is held back; longer when there
	// are many to look at, so that it takes no more than a hundredth of a processor.
	headroomPeriod = 20 * time.Millisecond
	perRoom        = 10 * time.Microsecond
	// dominant is how many times as much as the next a workspace asks for that is held
	// back. Somebody who fell behind for a moment asks for much, too.
	dominant = 2
	// encounters is how many calls of those held back each processor has in progress,
	// on average, while it has one of the others'.
	encounters = 0.05
	// leastRoom is how many each processor has, however much the others do.
	leastRoom = 0.1
	// nearly is how many calls one that is held back has in progress, at least, for each
	// of whoever of the others has most. Should the wrong one be held back, as it fell
	// behind, it still gets done what it fell behind with, and then it isn't any more.
	nearly = 0.125
)

// headroom keeps a workspace that asks for as much as it can get from having
// processors, the disk and the database busy all the time, while others want something
// as well. To take turns isn't enough for them: what is under way is in the way, at
// SQLite's writer, at Postgres's log, and before the system's scheduler, which keeps
// nobody's turn. So who asks for far more than the others has few calls in progress,
// the fewer the more the others do, and where that is less than one, a rest between
// two. Nobody is held back who is alone.
type headroom struct {
	processors float64
	enough     float64 // calls in progress or waiting: who has no more is never held back
	observer   Observer

	mu      sync.Mutex
	decided time.Time
	rooms   map[core.WorkspaceID]*room // of those who had calls a short while ago
}

// newHeadroom is for so many processors, and so many calls of a workspace in progress.
func newHeadroom(processors, perWorkspace int, o Observer) *headroom {
	return &headroom{
		processors: float64(processors), enough: float64(perWorkspace) / 2,
		observer: o, decided: time.Now(), rooms: map[core.WorkspaceID]*room{},
	}
}

// enter waits until a workspace may have another call in progress, and returns how to
// end it, or the context's error.
func (h *headroom) enter(ctx context.Context, ws core.WorkspaceID) (leave func(), err error) {
	r, mine := h.join(ws)
	if mine != nil {
		if err := h.wait(ctx, r, mine); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	return func() { h.left(r, began) }, nil
}

// join takes a place, or a place in line.
func (h *headroom) join(ws core.WorkspaceID) (r *room, mine chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.decide(now)
	r = h.rooms[ws]
	if r == nil {
		r = newRoom(now)
		h.rooms[ws] = r
	}
	return r, r.join(now)
}

func (h *headroom) wait(ctx context.Context, r *room, mine chan struct{}) (err error) {
	began := time.Now()
	select {
	case <-mine:
	case <-ctx.Done():
		err = ctx.Err()
		h.change(func(now time.Time) { r.abandon(now, mine) })
	}
	if h.observer != nil {
		h.observer.Waited(ctx, "headroom", time.Since(began), err != nil)
	}
	return err
}

// left ends a call that has been in progress since then.
func (h *headroom) left(r *room, since time.Time) {
	h.change(func(now time.Time) {
		if rest := r.leave(now, now.Sub(since)); rest > 0 {
			time.AfterFunc(rest, func() { h.change(r.rested) })
		}
	})
}

func (h *headroom) change(do func(now time.Time)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	do(now)
	h.decide(now)
}

// decide finds out who is held back, and how far, from what there was lately.
func (h *headroom) decide(now time.Time) {
	period := now.Sub(h.decided)
	if period < max(headroomPeriod, time.Duration(len(h.rooms))*perRoom) {
		return
	}
	h.decided = now
	var greedy, others []*room // greedy is who has more than enough
	for ws, r := range h.rooms {
		r.average(now, period)
		switch {
		case r.gone():
			delete(h.rooms, ws)
		case r.asks.mean > h.enough:
			greedy = append(greedy, r)
		default:
			others = append(others, r)
		}
	}
	slices.SortFunc(greedy, func(a, b *room) int { return cmp.Compare(b.asks.mean, a.asks.mean) })
	held := farAhead(greedy, others)
	most := h.most(len(held), append(others, greedy[len(held):]...))
	for i, r := range greedy {
		if i < len(held) {
			r.admit(now, most)
		} else {
			r.admit(now, math.Inf(1))
		}
	}
	for _, r := range others {
		r.admit(now, math.Inf(1))
	}
}

// farAhead are the first of the greedy, whoever asks for most first, who ask for far
// more than everybody behind them: where the step is largest.
func farAhead(greedy, others []*room) []*room {
	next := 0.0 // of the others
	for _, r := range others {
		next = max(next, r.asks.mean)
	}
	held, largest := 0, float64(dominant)
	for i, r := range greedy {
		behind := next
		if i+1 < len(greedy) {
			behind = greedy[i+1].asks.mean
		}
		if behind > 0 && r.asks.mean/behind >= largest {
			held, largest = i+1, r.asks.mean/behind
		}
	}
	return greedy[:held]
}

// most is how many calls each of those held back has in progress, on average, beside
// the others.
func (h *headroom) most(held int, others []*room) float64 {
	var all, busiest float64
	for _, r := range others {
		all += r.has.mean
		busiest = max(busiest, r.has.mean)
	}
	together := max(leastRoom*h.processors, encounters*h.processors*h.processors/all)
	return max(together/float64(held), nearly*busiest)
}
