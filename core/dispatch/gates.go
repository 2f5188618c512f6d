package dispatch

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// gates lets callers of each key through up to a width at a time; the others
// queue, first come first served, until their context ends. A key nobody uses
// costs nothing.
type gates struct {
	width int64
	mu    sync.Mutex
	open  map[string]*gate
}

type gate struct {
	places *semaphore.Weighted
	users  int
}

func newGates(width int) *gates { return &gates{width: int64(width), open: map[string]*gate{}} }

// enter waits for a place and returns how to leave it, or the context's error.
func (g *gates) enter(ctx context.Context, key string) (leave func(), err error) {
	return g.take(ctx, key, 1)
}

// own waits for the whole width. Those who come later wait behind it.
func (g *gates) own(ctx context.Context, key string) (leave func(), err error) {
	return g.take(ctx, key, g.width)
}

func (g *gates) take(ctx context.Context, key string, places int64) (leave func(), err error) {
	g.mu.Lock()
	one := g.open[key]
	if one == nil {
		one = &gate{places: semaphore.NewWeighted(g.width)}
		g.open[key] = one
	}
	one.users++
	g.mu.Unlock()

	if err := one.places.Acquire(ctx, places); err != nil {
		g.release(key, one)
		return nil, err
	}
	return func() { one.places.Release(places); g.release(key, one) }, nil
}

func (g *gates) release(key string, one *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(g.open, key)
	}
}
