package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// turnstile lets so many of each workspace through at a time, so that one that asks
// for much does not hold every connection. While others ask, too, the one that asks
// for most has one inside at a time: each is a process at work in Postgres, and where
// many are, everybody's takes long.
type turnstile struct {
	share  int
	now    func() time.Time
	mu     sync.Mutex
	lanes  map[core.WorkspaceID]*lane // of workspaces with somebody inside or waiting
	shares core.Shares
}

type lane struct {
	inside  int
	waiting []chan struct{} // closed when they may go in
}

func newTurnstile(share int) *turnstile {
	return &turnstile{share: share, now: time.Now, lanes: map[core.WorkspaceID]*lane{}, shares: core.NewShares(share)}
}

// enter waits for a place, first come first served. It fails with Timeout when
// ctx ends first; otherwise leave must be called.
func (t *turnstile) enter(ctx context.Context, ws core.WorkspaceID) (leave func(), err error) {
	if mine := t.join(ws); mine != nil {
		select {
		case <-mine:
		case <-ctx.Done():
			t.abandon(ws, mine)
			return nil, &core.Error{Op: "postgres.Enter", Kind: core.Timeout, Err: ctx.Err(),
				Msg: "The workspace has many calls under way, and the database did not get to this one in time."}
		}
	}
	return func() { t.leave(ws) }, nil
}

// join takes a place, or one in line.
func (t *turnstile) join(ws core.WorkspaceID) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[ws]
	if l == nil {
		l = &lane{}
		t.lanes[ws] = l
	}
	t.shares.Ask(ws, l.inside+len(l.waiting)+1, t.now())
	if len(l.waiting) == 0 && l.inside < t.most(ws) {
		l.inside++
		return nil
	}
	mine := make(chan struct{})
	l.waiting = append(l.waiting, mine)
	return mine
}

// most is how many of a workspace may be inside.
func (t *turnstile) most(ws core.WorkspaceID) int {
	if t.shares.Heaviest(ws) {
		return 1
	}
	return t.share
}

func (t *turnstile) leave(ws core.WorkspaceID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lanes[ws].inside--
	t.admit(ws)
}

// admit lets in who may go in.
func (t *turnstile) admit(ws core.WorkspaceID) {
	l := t.lanes[ws]
	for most := t.most(ws); len(l.waiting) > 0 && l.inside < most; l.inside++ {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
	if l.inside == 0 {
		delete(t.lanes, ws)
	}
}

// abandon leaves the line, or the place that was given meanwhile.
func (t *turnstile) abandon(ws core.WorkspaceID, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[ws]
	if at := slices.Index(l.waiting, mine); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
		return // somebody is inside, or this one would be
	}
	l.inside--
	t.admit(ws)
}
