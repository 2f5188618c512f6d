package sqlite

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// clockwork is a committer whose writes take as long as they say.
type clockwork struct {
	*testing.T
	db      *DB
	groups  [][]string // the names of the writes of each; the committer's, until all are done
	release chan struct{}
	all     sync.WaitGroup
}

func newClockwork(t *testing.T) *clockwork {
	w := &clockwork{T: t, db: openTest(t), release: make(chan struct{})}
	now := time.Time{}
	w.db.committer.now = func() time.Time { return now }
	held := make(chan struct{})
	w.all.Go(func() { // whose group the others' are not in
		_ = w.db.writeData(context.Background(), "ws_held", func(context.Context, session) error {
			close(held)
			<-w.release
			now = now.Add(time.Hour)
			return nil
		})
	})
	<-held
	return w
}

// write has a write of the workspace that its name begins with take that long. While
// it does, others come.
func (w *clockwork) write(name string, took time.Duration, others ...func()) {
	p := &pending{ctx: context.Background(), workspace: core.WorkspaceID(name[:1]), long: strings.HasSuffix(name, "!"), settled: func(error) {}}
	p.fn = func(context.Context, session) error {
		at := int(w.db.committer.groups.Load())
		w.groups = append(w.groups, make([][]string, max(0, at+1-len(w.groups)))...)
		w.groups[at] = append(w.groups[at], name)
		for _, come := range others {
			come()
		}
		now := w.db.committer.now()
		w.db.committer.now = func() time.Time { return now.Add(took) }
		return nil
	}
	before := len(w.db.committer.queue)
	w.all.Go(func() {
		if err := w.db.committer.wait(p); err != nil {
			w.Error(err)
		}
	})
	w.db.committer.queued(before + 1)
}

// wrote ends the writes, and answers those of each group.
func (w *clockwork) wrote() string {
	close(w.release)
	w.all.Wait()
	var all []string
	for _, group := range w.groups {
		if len(group) > 0 {
			all = append(all, strings.Join(group, " "))
		}
	}
	return strings.Join(all, ", ")
}

const ms = time.Millisecond

func TestGroups(t *testing.T) {
	few := func(w *clockwork, names string, took time.Duration) {
		for _, name := range strings.Fields(names) {
			w.write(name, took)
		}
	}
	for _, c := range []struct {
		name  string
		write func(*clockwork)
		want  string
	}{
		{"of one workspace: 10 ms", func(w *clockwork) { few(w, "n1 n2 n3 n4 n5 n6 n7", 2*ms) }, "n1 n2 n3 n4 n5 n6, n7"},
		{"of several: until who has had a millisecond is next", func(w *clockwork) {
			few(w, "n1 n2 n3", 2*ms)
			few(w, "q1 q2 q3", ms/10)
		}, "n1 q1 q2 q3, n2 n3"},
		{"what takes long doesn't keep others' from the disk", func(w *clockwork) {
			few(w, "q1 q2", ms/10)
			few(w, "n1! n2!", 5*ms)
			few(w, "q3", ms/10)
		}, "q1, n1! q2 q3, n2!"},
		{"who comes meanwhile is let in, however long that took", func(w *clockwork) {
			w.write("n1!", 15*ms, func() { few(w, "q1 q2", ms/10) })
			few(w, "n2!", 5*ms)
		}, "n1! q1 q2, n2!"},
		{"all the same they are not without end", func(w *clockwork) {
			for i := range 30 {
				few(w, string(rune('A'+i))+"1", ms)
			}
		}, "A1 B1 C1 D1 E1 F1 G1 H1 I1 J1 K1 L1 M1 N1 O1 P1 Q1 R1 S1 T1 U1, V1 W1 X1 Y1 Z1 [1 \\1 ]1 ^1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newClockwork(t)
			c.write(w)
			if got := w.wrote(); got != c.want {
				t.Errorf("written were %s, want %s", got, c.want)
			}
		})
	}
}

// As many as a group may have share a transaction, whatever they are of.
func TestAGroupHasSoManyWrites(t *testing.T) {
	w := newClockwork(t)
	for range maxGroup {
		w.write("a1", 0)
	}
	got := strings.Split(w.wrote(), ", ")
	if sizes := []int{len(strings.Fields(got[0])), len(got)}; !slices.Equal(sizes, []int{maxGroup, 1}) {
		t.Errorf("%d in the first of %d groups", sizes[0], sizes[1])
	}
}
