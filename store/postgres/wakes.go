package postgres

import (
	"context"
	"sync"
	"time"
)

const (
	// look is how often a node looks for deliveries that another node's commits made
	// due, when nobody tells it, and for nodes that are gone.
	look = time.Second
	// clockLooks is how many looks there are to one at the database's clock.
	clockLooks = 30
)

// wakes is what Resumed answers: a signal when deliveries may have become due that
// no unit of this node put, and at the latest with the next look.
type wakes struct {
	signals chan struct{} // holds one
	stopped context.CancelFunc
	ended   sync.WaitGroup
}

// startWakes begins to signal, to look who is there, and to call readClock now and
// then.
func startWakes(here *presence, now func() time.Time, readClock func()) *wakes {
	ctx, cancel := context.WithCancel(context.Background())
	w := &wakes{signals: make(chan struct{}, 1), stopped: cancel}
	w.ended.Go(func() {
		defer here.close(context.Background())
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for looks := 1; ; looks++ {
			select {
			case <-ticker.C:
				w.signal()
				// While the database is gone both fail; the next look finds it.
				within, done := context.WithTimeout(ctx, 5*look)
				if here.hold(within) == nil {
					here.takeOver(within, now()) //nolint:errcheck // see above
				}
				done()
				if looks%clockLooks == 0 {
					readClock()
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return w
}

// signal never blocks: one signal says it all.
func (w *wakes) signal() {
	select {
	case w.signals <- struct{}{}:
	default:
	}
}

// stop ends the looks. The node's presence ends with them.
func (w *wakes) stop() {
	w.stopped()
	w.ended.Wait()
}

// Resumed implements core/events' Store.
func (db *DB) Resumed() <-chan struct{} { return db.wakes.signals }
