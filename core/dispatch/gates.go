package dispatch

import (
	"context"
	"sync"
)

// gates lets a number of callers of each key through at a time; the others
// queue, first come first served, until their context ends. A key nobody uses
// costs nothing.
type gates struct {
	width int
	mu    sync.Mutex
	open  map[string]*gate
}

type gate struct {
	slots chan struct{} // senders blocked on a channel queue in order
	users int
}

func newGates(width int) *gates { return &gates{width: width, open: map[string]*gate{}} }

// enter waits for a place and returns how to leave it, or the context's error.
func (g *gates) enter(ctx context.Context, key string) (leave func(), err error) {
	g.mu.Lock()
	one := g.open[key]
	if one == nil {
		one = &gate{slots: make(chan struct{}, g.width)}
		g.open[key] = one
	}
	one.users++
	g.mu.Unlock()

	select {
	case one.slots <- struct{}{}:
		return func() { <-one.slots; g.release(key, one) }, nil
	case <-ctx.Done():
		g.release(key, one)
		return nil, ctx.Err()
	}
}

func (g *gates) release(key string, one *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(g.open, key)
	}
}
