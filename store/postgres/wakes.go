package postgres

import (
	"sync"
	"time"
)

// look is how often a node looks for deliveries that another node's commits made
// due, when nobody tells it.
const look = time.Second

// wakes is what Resumed answers: a signal when deliveries may have become due that
// no unit of this node put, and at the latest with the next look.
type wakes struct {
	signals chan struct{} // holds one
	closing chan struct{}
	once    sync.Once
	ended   sync.WaitGroup
}

func startWakes() *wakes {
	w := &wakes{signals: make(chan struct{}, 1), closing: make(chan struct{})}
	w.ended.Go(func() {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.signal()
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
