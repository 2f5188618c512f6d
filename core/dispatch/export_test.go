package dispatch

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// HoldBack has a workspace begin no call that needs room, from now on.
func (d *Dispatcher) HoldBack(ws core.WorkspaceID) {
	d.headroom.change(ws, func(l *load, now time.Time) {
		d.headroom.decided = now.Add(time.Hour) // and nothing else is decided until then
		l.enter(ofRequests)                     // it never leaves the one place it is allowed
		l.allow(1)
	})
}

// Unanswered is how many requests of a workspace came, but were not answered, since it
// was held back.
func (d *Dispatcher) Unanswered(ws core.WorkspaceID) (n float64) {
	d.headroom.change(ws, func(l *load, _ time.Time) { n = l.came.sum - l.went.sum })
	return n
}
