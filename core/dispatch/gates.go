package dispatch

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// gates lets callers of each key through up to a width at a time; the others
// queue, first come first served, until their context ends. A key nobody uses
// costs nothing. Keys are ids or structs of them, never joined strings, so that
// two workspaces cannot meet at one gate.
type gates[K comparable] struct {
	width    int64
	name     string
	observer Observer // nil: nobody is told who waits
	mu       sync.Mutex
	open     map[K]*gate
}

type gate struct {
	places *semaphore.Weighted
	users  int
}

func newGates[K comparable](width int, name string, o Observer) *gates[K] {
	return &gates[K]{width: int64(width), name: name, observer: o, open: map[K]*gate{}}
}

// errCrowded is what a caller meets who is one too many.
var errCrowded = errors.New("too many are waiting already")

// enter waits for a place and returns how to leave it, or the context's error.
func (g *gates[K]) enter(ctx context.Context, key K) (leave func(), err error) {
	return g.take(ctx, key, 1, math.MaxInt)
}

// enterAmong is enter for a caller who is refused at once, with errCrowded, when
// there are so many at the gate, those inside included.
func (g *gates[K]) enterAmong(ctx context.Context, key K, most int) (leave func(), err error) {
	return g.take(ctx, key, 1, most)
}

// own waits for the whole width. Those who come later wait behind it.
func (g *gates[K]) own(ctx context.Context, key K) (leave func(), err error) {
	return g.take(ctx, key, g.width, math.MaxInt)
}

func (g *gates[K]) take(ctx context.Context, key K, places int64, most int) (leave func(), err error) {
	g.mu.Lock()
	one := g.open[key]
	if one == nil {
		one = &gate{places: semaphore.NewWeighted(g.width)}
		g.open[key] = one
	}
	if one.users >= most {
		g.mu.Unlock()
		if g.observer != nil {
			g.observer.Waited(ctx, g.name, 0, true)
		}
		return nil, errCrowded
	}
	one.users++
	g.mu.Unlock()

	if err := g.pass(ctx, one, places); err != nil {
		g.release(key, one)
		return nil, err
	}
	return func() { one.places.Release(places); g.release(key, one) }, nil
}

func (g *gates[K]) pass(ctx context.Context, one *gate, places int64) error {
	if one.places.TryAcquire(places) {
		return nil
	}
	began := time.Now()
	err := one.places.Acquire(ctx, places)
	if g.observer != nil {
		g.observer.Waited(ctx, g.name, time.Since(began), err != nil)
	}
	return err
}

func (g *gates[K]) release(key K, one *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(g.open, key)
	}
}
