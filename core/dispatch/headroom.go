package dispatch

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// decideEach is for how long it is decided who is held back; longer when there are
	// many to look at, so that it takes no more than a hundredth of a processor.
	decideEach = 20 * time.Millisecond
	perLoad    = 10 * time.Microsecond
	// farMore is how many times as many calls as anybody else who is held back wants.
	farMore = 2
	// meetings is how many calls of those held back a processor has in progress on
	// average, times how many of the others': how often they meet, and how much they are
	// in each other's way.
	meetings = 0.05
	// leastEach is how many a processor has of each that is held back, however much the
	// others do.
	leastEach = 0.1
	// leastShare is how many calls who is held back has, at least, for each call of whoever
	// of the others has most.
	leastShare = 0.15
)

// headroom keeps a workspace that asks for as much as it can get from having
// processors, the disk and the database busy all the time, while others want something
// as well. To take turns isn't enough for them: what is under way is in the way, at
// SQLite's writer, at Postgres's log, and before the system's scheduler, which keeps
// nobody's turn. So who wants far more than the others has few calls in progress, the
// fewer the more the others have, and where that is less than one, a rest between two.
// Nobody is held back who is alone.
type headroom struct {
	processors float64
	enough     float64 // calls in progress or waiting: who wants no more is never held back
	observer   Observer

	mu       sync.Mutex
	decided  time.Time
	loads    map[core.WorkspaceID]*load // of those who had calls a short while ago
	heldBack []*load
}

// newHeadroom is for so many processors, and so many calls of a workspace at a time.
func newHeadroom(processors, perWorkspace int, o Observer) *headroom {
	return &headroom{
		processors: float64(processors), enough: float64(perWorkspace) / 2,
		observer: o, decided: time.Now(), loads: map[core.WorkspaceID]*load{},
	}
}

// came notes a request, which may have to wait before enter, or be refused.
func (h *headroom) came(ws core.WorkspaceID) {
	h.change(ws, func(l *load, _ time.Time) { l.came.sum++ })
}

// went notes that it was answered, and not refused.
func (h *headroom) went(ws core.WorkspaceID) {
	h.change(ws, func(l *load, _ time.Time) { l.went.sum++ })
}

// enter waits until a workspace may have another call in progress, in a line. It
// returns how to end it, and whether it had to wait; or the context's error.
func (h *headroom) enter(ctx context.Context, ws core.WorkspaceID, line int) (leave func(), waited bool, err error) {
	var mine chan struct{}
	h.change(ws, func(l *load, _ time.Time) { mine = l.enter(line) })
	if mine != nil {
		if err := h.wait(ctx, ws, mine); err != nil {
			return nil, true, err
		}
	}
	began := time.Now()
	return func() { h.leave(ws, began) }, mine != nil, nil
}

func (h *headroom) wait(ctx context.Context, ws core.WorkspaceID, mine chan struct{}) (err error) {
	began := time.Now()
	select {
	case <-mine:
	case <-ctx.Done():
		err = ctx.Err()
		h.change(ws, func(l *load, _ time.Time) { l.abandon(mine) })
	}
	if h.observer != nil {
		h.observer.Waited(ctx, "headroom", time.Since(began), err != nil)
	}
	return err
}

// leave ends a call that has been in progress since then.
func (h *headroom) leave(ws core.WorkspaceID, since time.Time) {
	h.change(ws, func(l *load, now time.Time) {
		if rest := l.leave(now.Sub(since)); rest > 0 {
			time.AfterFunc(rest, func() { h.change(ws, func(l *load, _ time.Time) { l.rested() }) })
		}
	})
}

// change does something to the load of a workspace. One that has calls, or places that
// rest, is never forgotten.
func (h *headroom) change(ws core.WorkspaceID, do func(l *load, now time.Time)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	l := h.loads[ws]
	if l == nil {
		l = newLoad(ws, now)
		h.loads[ws] = l
	}
	l.count(now)
	do(l, now)
	h.decide(now)
}

// decide finds out who is held back, and how far, from what there was lately.
func (h *headroom) decide(now time.Time) {
	period := now.Sub(h.decided)
	if period < max(decideEach, time.Duration(len(h.loads))*perLoad) {
		return
	}
	h.decided = now
	w := newWeights(period)
	var greedy, others []*load // greedy is who wants more than enough
	for ws, l := range h.loads {
		l.count(now)
		l.end(period, w)
		switch {
		case l.idle():
			delete(h.loads, ws)
		case l.wants.mean > h.enough:
			greedy = append(greedy, l)
		default:
			others = append(others, l)
			l.release()
		}
	}
	var wanted float64 // by one of the others
	for _, l := range others {
		wanted = max(wanted, l.wants.mean)
	}
	h.heldBack = h.heldBack[:0]
	for _, l := range greedy {
		if l.wants.mean >= farMore*wanted {
			h.heldBack = append(h.heldBack, l)
		} else {
			others = append(others, l)
			l.release()
		}
	}
	allowed := h.beside(others, len(h.heldBack))
	for _, l := range h.heldBack {
		l.allow(max(allowed, l.keepsComing(now, h.enough)))
	}
}

// beside is how many calls each of those held back has in progress, on average, beside
// the others: +Inf when these have none.
func (h *headroom) beside(others []*load, heldBack int) float64 {
	var all, most float64 // that the others have, and one of them
	for _, l := range others {
		all, most = all+l.has.mean, max(most, l.has.mean)
	}
	if all == 0 {
		return math.Inf(1)
	}
	together := meetings * h.processors * h.processors / all
	return max(together/float64(heldBack), leastEach*h.processors, leastShare*most)
}

// waiting are the workspaces of which something else than requests waits.
func (h *headroom) waiting() (waiting []core.WorkspaceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.heldBack {
		if len(l.lines[ofOthers]) > 0 {
			waiting = append(waiting, l.workspace)
		}
	}
	return waiting
}
