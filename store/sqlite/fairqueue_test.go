package sqlite

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// Lines are served in turn, each in its own order, and the platform's in between.
func TestFairQueue(t *testing.T) {
	l := newFairQueue()
	add := func(names string) {
		for _, name := range strings.Fields(names) {
			l.add(&pending{workspace: core.WorkspaceID(strings.Trim(name[:1], "p")), err: core.E(name, core.Invalid, "%s", name)})
		}
	}
	var got []string
	take := func(n int) {
		for range n {
			p := l.next()
			if p == nil {
				got = append(got, "-")
				continue
			}
			got = append(got, core.MessageOf(p.err))
		}
	}
	take(1)
	add("a1 a2 a3 b1")
	take(2)
	add("c1 b2 a4")
	take(7)
	add("c2")
	take(2)
	add("p1 a5 b3 p2 p3 b4 c3 p4 p5")
	take(10)
	if want := "- a1 b1 a2 c1 b2 a3 a4 - - c2 - p1 a5 p2 b3 p3 c3 p4 b4 p5 -"; strings.Join(got, " ") != want {
		t.Errorf("served %s, want %s", strings.Join(got, " "), want)
	}
	if len(l.lines) != 0 || len(l.order) != 0 {
		t.Errorf("left behind: %v %v", l.lines, l.order)
	}
}

// A workspace whose write took as long as several turns has had them: others' writes
// come first, though it is not kept from writing when nobody else waits.
func TestLongWritesCostTurns(t *testing.T) {
	q := newFairQueue()
	for _, ws := range strings.Fields("noisy noisy noisy noisy quiet quiet quiet quiet quiet") {
		q.add(&pending{workspace: core.WorkspaceID(ws)})
	}
	var got []string
	for p := q.next(); p != nil; p = q.next() {
		got = append(got, string(p.workspace))
		if p.workspace == "noisy" {
			q.took("noisy", 3*turnTime)
		} else {
			q.took("quiet", turnTime/10)
		}
	}
	if want := "noisy quiet quiet quiet noisy quiet quiet noisy noisy"; strings.Join(got, " ") != want {
		t.Errorf("served %s, want %s", strings.Join(got, " "), want)
	}
	if len(q.owed) != 0 {
		t.Errorf("still owed: %v", q.owed)
	}
}

// Who writes one thing waits for one write of a workspace that writes many, however
// many of them were there before.
func TestAWorkspaceThatWritesMuchIsNotInFront(t *testing.T) {
	db := openTest(t)
	release, held := hold(db)
	const many = 50
	var order []core.WorkspaceID // only the committer writes to it
	var done sync.WaitGroup
	write := func(ws core.WorkspaceID, n int) {
		before := len(db.committer.queue)
		for range n {
			done.Go(func() {
				err := db.writeData(context.Background(), ws, func(context.Context, session) error {
					order = append(order, ws)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		db.committer.queued(before + n)
	}
	write("ws_noisy", many)
	write("ws_quiet", 2)
	close(release)
	done.Wait()
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	if len(order) != many+2 || order[1] != "ws_quiet" || order[3] != "ws_quiet" {
		t.Errorf("%d were written, in the order %v", len(order), order[:min(len(order), 8)])
	}
}
