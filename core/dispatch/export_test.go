package dispatch

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// HoldBack has a workspace begin no call that needs room, from now on.
func (d *Dispatcher) HoldBack(ws core.WorkspaceID) {
	r, _ := d.headroom.join(ws)
	d.headroom.change(func(now time.Time) {
		d.headroom.decided = now.Add(time.Hour)
		r.admit(now, 1)
	})
}
