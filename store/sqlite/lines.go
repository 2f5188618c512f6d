package sqlite

import "github.com/carrel-dev/carrel/core"

// lines are the writes that wait, each in the line of its workspace, and the
// platform's own in one more. They are taken in turn among the lines, so that a
// workspace that writes much makes another wait for one of its writes, not for all.
type lines struct {
	of    map[core.WorkspaceID][]*pending
	order []core.WorkspaceID // of those with a line; whose turn it is first
}

func newLines() *lines { return &lines{of: map[core.WorkspaceID][]*pending{}} }

// add puts a write at the end of its line.
func (l *lines) add(p *pending) {
	line, waits := l.of[p.workspace]
	l.of[p.workspace] = append(line, p)
	if !waits {
		l.order = append(l.order, p.workspace)
	}
}

// next takes the write whose turn it is; nil when none waits.
func (l *lines) next() *pending {
	if len(l.order) == 0 {
		return nil
	}
	ws := l.order[0]
	l.order = l.order[1:]
	line := l.of[ws]
	p := line[0]
	if len(line) == 1 {
		delete(l.of, ws)
		return p
	}
	l.of[ws] = line[1:]
	l.order = append(l.order, ws)
	return p
}
