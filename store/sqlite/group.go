package sqlite

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// What bounds a group of writes that share a transaction, and so how long the
// first of them waits for the last.
const (
	maxGroup     = 256
	maxGroupTime = 10 * time.Millisecond
	// sharedTime is how long a group with writes of several workspaces goes on for
	// those who have had as much of it. The others' few writes come along, and are not
	// kept from the disk by who writes much.
	sharedTime = time.Millisecond
)

// progress is how far a group has come.
type progress struct {
	writes int
	took   time.Duration
	had    map[core.WorkspaceID]time.Duration // of that; none, if there is no write
}

func (g *progress) add(ws core.WorkspaceID, took time.Duration) {
	g.writes++
	g.took += took
	g.had[ws] += took
}

// over reports whether the group goes to the disk before the write whose turn it is.
// Who comes while somebody else's write takes long is let in, behind it: the next
// group's flush would be another to wait for.
func (g *progress) over(next *line) bool {
	had, inside := g.had[next.workspace]
	shared := len(g.had) > 1 || !inside
	switch {
	case g.writes == maxGroup || g.took > 2*maxGroupTime:
		return true
	case next.writes[0].long && shared:
		return true // it would keep the others' from the disk
	case shared && g.took > sharedTime:
		return had > sharedTime
	default:
		return g.took > maxGroupTime
	}
}
