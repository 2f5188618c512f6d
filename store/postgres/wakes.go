package postgres

import (
	"sync"
	"time"
)

const (
	// look is how often a node looks for deliveries that another node's commits made
	// due, when nobody tells it.
	look = time.Second
	// clockLooks is how many looks there are to one at the database's clock.
	clockLooks = 30
)

// wakes is what Resumed answers: a signal when deliveries may have become due that
// no unit of this node put, and at the latest with the next look.
type wakes struct {
	signals chan struct{} // holds one
	closing chan struct{}
	once    sync.Once
	ended   sync.WaitGroup
}

// startWakes begins to signal, and to call readClock now and then.
func startWakes(readClock func()) *wakes {
	w := &wakes{signals: make(chan struct{}, 1), closing: make(chan struct{})}
	w.ended.Go(func() {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for looks := 1; ; looks++ {
			select {
			case <-ticker.C:
				w.signal()
				if looks%clockLooks == 0 {
					readClock()
				}
			case <-w.closing:
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

func (w *wakes) stop() {
	w.once.Do(func() { close(w.closing) })
	w.ended.Wait()
}

// Resumed implements core/events' Store.
func (db *DB) Resumed() <-chan struct{} { return db.wakes.signals }
