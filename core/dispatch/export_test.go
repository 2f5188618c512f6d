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
