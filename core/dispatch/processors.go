package dispatch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// quantum is how long a call computes before it lets others go first, if any wait.
	quantum = time.Millisecond
	// absence is how long a call may keep its place without asking whether others
	// wait, as one does that waits itself, for the database: then it has none.
	absence = 2 * time.Millisecond
)

// processors lets so many calls compute at a time as keep the machine's busy, in
// turn among workspaces. Without that the next free processor is whose turn it is
// among goroutines, and a workspace with many has most of them: somebody with one
// short call would wait behind 10 ms of each.
type processors struct {
	waiting atomic.Int32 // how many wait

	mu    sync.Mutex
	free  int
	lines map[core.WorkspaceID][]chan struct{} // of those who wait; closed when the place is theirs
	order []core.WorkspaceID                   // of those with a line; whose turn it is first
}

// newProcessors has two places for each processor: a call now and then waits for the
// database, though none is held up by it.
func newProcessors(n int) *processors {
	return &processors{free: 2 * n, lines: map[core.WorkspaceID][]chan struct{}{}}
}

// place is what a call has while it computes. It is its goroutine's own.
type place struct {
	of        *processors
	workspace core.WorkspaceID
	since     time.Time
	over      *time.Timer // gives it away
}

// enter waits for a place, or fails with the context's error.
func (p *processors) enter(ctx context.Context, ws core.WorkspaceID) (*place, error) {
	one := &place{of: p, workspace: ws}
	return one, one.take(ctx)
}

func (p *place) take(ctx context.Context) error {
	if mine := p.of.join(p.workspace); mine != nil {
		select {
		case <-mine:
		case <-ctx.Done():
			p.of.abandon(p.workspace, mine)
			return ctx.Err()
		}
	}
	p.since, p.over = time.Now(), time.AfterFunc(absence, p.of.release)
	return nil
}

// yield lets others go first whose turn it is, and whom this call has kept waiting
// for a quantum. A call whose context ends meanwhile goes on without a place.
func (p *place) yield(ctx context.Context) {
	if p.over != nil && time.Since(p.since) < quantum {
		return
	}
	if p.over != nil && p.over.Stop() {
		if p.of.waiting.Load() == 0 {
			p.since = time.Now()
			p.over.Reset(absence)
			return
		}
		p.of.release()
	}
	p.over = nil
	p.take(ctx) //nolint:errcheck // who runs it notices that the context has ended
}

// leave gives the place to whose turn it is.
func (p *place) leave() {
	if p.over != nil && p.over.Stop() {
		p.of.release()
	}
	p.over = nil
}

// join takes a place, or a place in line.
func (p *processors) join(ws core.WorkspaceID) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free > 0 {
		p.free--
		return nil
	}
	line, waits := p.lines[ws]
	if !waits {
		p.order = append(p.order, ws)
	}
	mine := make(chan struct{})
	p.lines[ws] = append(line, mine)
	p.waiting.Add(1)
	return mine
}

// release gives a place to whose turn it is.
func (p *processors) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.order) == 0 {
		p.free++
		return
	}
	ws := p.order[0]
	p.order = p.order[1:]
	line := p.lines[ws]
	close(line[0])
	p.waiting.Add(-1)
	if p.lines[ws] = line[1:]; len(line) == 1 {
		delete(p.lines, ws)
	} else {
		p.order = append(p.order, ws)
	}
}

// abandon leaves a line, or the place that was given meanwhile.
func (p *processors) abandon(ws core.WorkspaceID, mine chan struct{}) {
	p.mu.Lock()
	line := p.lines[ws]
	at := slices.Index(line, mine)
	if at >= 0 {
		p.waiting.Add(-1)
		if p.lines[ws] = slices.Delete(line, at, at+1); len(line) == 1 {
			delete(p.lines, ws)
			p.order = slices.DeleteFunc(p.order, func(other core.WorkspaceID) bool { return other == ws })
		}
	}
	p.mu.Unlock()
	if at < 0 {
		p.release()
	}
}
