package sqlite

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// turnTime is what a write may take for one turn. One that takes longer costs its
// workspace the turns that follow, while others wait.
const turnTime = 500 * time.Microsecond

// fairQueue is the writes that wait, each in the line of its workspace. They are taken
// in turn among the lines, so that a workspace that writes much makes another wait
// for one of its writes, not for all; a long write counts as several. Every other
// turn is the platform's, whose line has everybody's sign-ins and claims in it.
type fairQueue struct {
	lines    map[core.WorkspaceID][]*pending // the platform's is of no workspace
	order    []core.WorkspaceID              // of workspaces with a line; whose turn it is first
	platform bool                            // whether the next turn is the platform's

	owed map[core.WorkspaceID]time.Duration // by workspaces with a line: what they took above their turns
}

func newFairQueue() *fairQueue {
	return &fairQueue{lines: map[core.WorkspaceID][]*pending{}, owed: map[core.WorkspaceID]time.Duration{}}
}

// add puts a write at the end of its line.
func (q *fairQueue) add(p *pending) {
	line, waits := q.lines[p.workspace]
	q.lines[p.workspace] = append(line, p)
	if !waits && p.workspace != "" {
		q.order = append(q.order, p.workspace)
	}
}

// next takes the write whose turn it is; nil when none waits.
func (q *fairQueue) next() *pending {
	if len(q.lines) == 0 {
		return nil
	}
	var ws core.WorkspaceID
	if _, waits := q.lines[""]; len(q.order) > 0 && (!q.platform || !waits) {
		for len(q.order) > 1 && q.owed[q.order[0]] >= turnTime {
			q.owed[q.order[0]] -= turnTime
			q.order = append(q.order[1:], q.order[0])
		}
		ws = q.order[0]
		q.order = q.order[1:]
	}
	q.platform = ws != ""
	line := q.lines[ws]
	if len(line) == 1 {
		delete(q.lines, ws)
		delete(q.owed, ws)
		return line[0]
	}
	q.lines[ws] = line[1:]
	if ws != "" {
		q.order = append(q.order, ws)
	}
	return line[0]
}

// took says how long a write of a workspace took.
func (q *fairQueue) took(ws core.WorkspaceID, d time.Duration) {
	if _, waits := q.lines[ws]; waits && ws != "" {
		q.owed[ws] += max(d-turnTime, 0)
	}
}
