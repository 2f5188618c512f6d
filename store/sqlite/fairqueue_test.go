package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// named makes a write of the workspace that its name begins with; p is the platform.
func named(name string) *pending {
	return &pending{workspace: core.WorkspaceID(strings.Trim(name[:1], "p")), err: core.E(name, core.Invalid, "%s", name)}
}

// serve takes n writes, each of which takes as long as its workspace's do, and
// answers their names.
func (q *fairQueue) serve(n int, each map[core.WorkspaceID]time.Duration) string {
	var got []string
	for range n {
		p := q.next()
		if p == nil {
			got = append(got, "-")
			continue
		}
		got = append(got, core.MessageOf(p.err))
		took, given := each[p.workspace]
		if !given {
			took = time.Millisecond
		}
		q.took(took)
	}
	return strings.Join(got, " ")
}

// Lines are served in turn, each in its own order.
func TestFairQueue(t *testing.T) {
	q := newFairQueue()
	var got []string
	step := func(names string, n int) {
		for _, name := range strings.Fields(names) {
			q.add(named(name))
		}
		got = append(got, q.serve(n, nil))
	}
	step("", 1)
	step("a1 a2 a3 b1", 2)
	step("c1 b2 a4", 7)
	step("c2", 2)
	if want := "- a1 b1 c1 a2 b2 a3 a4 - - c2 -"; strings.Join(got, " ") != want {
		t.Errorf("served %s, want %s", strings.Join(got, " "), want)
	}
	if len(q.lines) != 0 || len(q.order) != 0 || q.waits != 0 {
		t.Errorf("left behind: %v %v %d", q.lines, q.order, q.waits)
	}
}

// The platform has as much of the writer as all workspaces together.
func TestThePlatformsWritesCountForAll(t *testing.T) {
	q := newFairQueue()
	for _, name := range strings.Fields("p1 p2 p3 p4 p5 a1 a2 a3 b1 b2 b3 c1 c2 c3") {
		q.add(named(name))
	}
	if got, want := q.serve(15, nil), "p1 a1 b1 c1 p2 p3 p4 a2 b2 c2 p5 a3 b3 c3 -"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}

// A workspace whose write took long has had its time: others' writes come first, even
// when it had none waiting meanwhile, though it is not kept from writing when nobody
// else waits.
func TestLongWritesCostTime(t *testing.T) {
	q := newFairQueue()
	each := map[core.WorkspaceID]time.Duration{"n": 3 * time.Millisecond, "q": time.Millisecond}
	for _, name := range strings.Fields("n1 q1 q2 q3 q4 q5") {
		q.add(named(name))
	}
	got := q.serve(2, each)
	q.add(named("n2"))
	q.add(named("n3"))
	got += " " + q.serve(7, each)
	if want := "n1 q1 q2 q3 n2 q4 q5 n3 -"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}

// Who comes has no more coming to it than who is there: time is not saved up.
func TestNobodySavesTimeUp(t *testing.T) {
	q := newFairQueue()
	for range 10 {
		q.add(named("a1"))
	}
	q.serve(5, nil)
	for range 3 {
		q.add(named("b1"))
	}
	if got, want := q.serve(6, nil), "b1 a1 b1 a1 b1 a1"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}
