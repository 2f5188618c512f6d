package runtime

import (
	"sync"
	"testing"
	"time"
)

// Instances that were needed at the same time stay for the next time, and those
// nobody needs any more are given up one by one, but for a few.
func TestIdleInstancesStayAsLongAsTheyAreWanted(t *testing.T) {
	const crowd = 10
	e := newEngine(t, Config{})
	m := load(t, e, guestPlain(t))
	now := time.Now()
	e.pool.now = func() time.Time { return now }
	together := func(n int) {
		var all, there sync.WaitGroup
		there.Add(n)
		for range n {
			all.Go(func() {
				r := e.Run(t.Context(), m, Call{Function: ExportCall, Input: []byte(`{"do":"op","op":12}`), Host: hostFunc(func() { there.Done(); there.Wait() })})
				if r.Err != nil {
					t.Error(r.Err)
				}
			})
		}
		all.Wait()
	}
	expect := func(when string, idle int) {
		t.Helper()
		if s := e.Stats(); s.Idle != idle || s.Instances != idle {
			t.Errorf("%s: %d of %d instances are idle, want %d", when, s.Idle, s.Instances, idle)
		}
	}
	together(crowd)
	expect("after a crowd", crowd)
	now = now.Add(idleFor)
	together(crowd)
	expect("after the next one", crowd)
	together(1)
	expect("after a single call", crowd)
	now = now.Add(idleFor + 1)
	for n := range 2 * crowd {
		together(1)
		expect("in a quiet hour", max(fewIdle, crowd-1-n))
	}
	together(2 * crowd)
	expect("after more than are kept", defaultIdle)
}
