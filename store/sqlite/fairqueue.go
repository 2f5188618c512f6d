package sqlite

import (
	"container/heap"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// fairQueue is the writes that wait, each in the line of its workspace. Whose line has
// had the least of the writer's time is served next: a workspace that writes much, or
// what takes long, makes another wait for the write under way, not for all its own.
// A line that was empty begins with as much as the one that is being served, and what
// it had above that it still has: nobody saves time up, or gets rid of it by leaving.
// The platform's line, which has everybody's sign-ins and claims in it, may have as
// much as all others together.
type fairQueue struct {
	lines  map[core.WorkspaceID]*line // the platform's is of no workspace
	order  lineHeap
	clock  time.Duration // what the line that was served last had had by then
	turns  int64         // that were given out
	waits  int           // lines with writes in them
	served *line         // the last
}

// line is the writes of a workspace that wait, and what it had.
type line struct {
	workspace core.WorkspaceID
	writes    []*pending
	had       time.Duration // of the writer, on the queue's clock
	turn      int64         // those with a lower one go first among equals
	place     int           // in the heap
}

func newFairQueue() *fairQueue { return &fairQueue{lines: map[core.WorkspaceID]*line{}} }

// add puts a write at the end of its line.
func (q *fairQueue) add(p *pending) {
	l := q.lines[p.workspace]
	if l == nil {
		l = &line{workspace: p.workspace}
		q.lines[p.workspace] = l
		heap.Push(&q.order, l)
	}
	if len(l.writes) == 0 {
		q.waits++
		l.had = max(l.had, q.clock)
		q.toTheEnd(l)
	}
	l.writes = append(l.writes, p)
}

// first is the line whose turn it is; nil when nobody waits. Lines that are empty are
// kept until others have had as much.
func (q *fairQueue) first() *line {
	for len(q.order) > 0 && len(q.order[0].writes) == 0 {
		gone := heap.Pop(&q.order).(*line)
		delete(q.lines, gone.workspace)
	}
	if len(q.order) == 0 {
		return nil
	}
	return q.order[0]
}

// next takes the write whose turn it is; nil when none waits. took must follow it.
func (q *fairQueue) next() *pending {
	l := q.first()
	if l == nil {
		return nil
	}
	p := l.writes[0]
	l.writes = l.writes[1:]
	if len(l.writes) == 0 {
		q.waits--
	}
	q.clock, q.served = l.had, l
	return p
}

// took says how long the write that was taken last took.
func (q *fairQueue) took(d time.Duration) {
	l := q.served
	if l.workspace == "" {
		d /= time.Duration(max(1, q.waits))
	}
	l.had += d
	q.toTheEnd(l)
}

// toTheEnd has those with as much as the line go before it.
func (q *fairQueue) toTheEnd(l *line) {
	q.turns++
	l.turn = q.turns
	heap.Fix(&q.order, l.place)
}

// lineHeap implements heap.Interface.
type lineHeap []*line

func (h lineHeap) Len() int { return len(h) }

func (h lineHeap) Less(i, j int) bool {
	if h[i].had != h[j].had {
		return h[i].had < h[j].had
	}
	return h[i].turn < h[j].turn
}

func (h lineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *lineHeap) Push(l any) {
	l.(*line).place = len(*h)
	*h = append(*h, l.(*line))
}

func (h *lineHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
