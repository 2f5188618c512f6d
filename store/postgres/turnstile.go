package postgres

import (
	"context"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

// turnstile lets so many of each workspace through at a time, so that one that
// asks for much does not hold every connection.
type turnstile struct {
	share int
	mu    sync.Mutex
	lanes map[core.WorkspaceID]*lane // of workspaces with somebody inside or waiting
}

type lane struct {
	places chan struct{}
	users  int // inside or waiting; the turnstile's mu
}

func newTurnstile(share int) *turnstile {
	return &turnstile{share: share, lanes: map[core.WorkspaceID]*lane{}}
}

// enter waits for a place, first come first served. It fails with Timeout when
// ctx ends first; otherwise leave must be called.
func (t *turnstile) enter(ctx context.Context, ws core.WorkspaceID) (leave func(), err error) {
	t.mu.Lock()
	l := t.lanes[ws]
	if l == nil {
		l = &lane{places: make(chan struct{}, t.share)}
		t.lanes[ws] = l
	}
	l.users++
	t.mu.Unlock()
	select {
	case l.places <- struct{}{}:
		return func() { <-l.places; t.left(ws, l) }, nil
	case <-ctx.Done():
		t.left(ws, l)
		return nil, &core.Error{Op: "postgres.Enter", Kind: core.Timeout, Err: ctx.Err(),
			Msg: "The workspace has many calls under way, and the database did not get to this one in time."}
	}
}

func (t *turnstile) left(ws core.WorkspaceID, l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.lanes, ws)
	}
}
