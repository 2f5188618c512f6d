package account

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis"
	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/core"
)

// counterOf returns what a node counts with, once it reaches its Redis.
func counterOf(t *testing.T, s *redistest.Server) Counter {
	t.Helper()
	link, err := redis.New(redis.Config{URL: s.URL(), Secret: []byte("of all nodes"), Bound: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{}, 1000)
	link.Start(redis.Ears{Due: func() { reached <- struct{}{} }, Moved: func(core.WorkspaceID) {}, All: func() {}})
	t.Cleanup(func() { link.Close() })
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatal("there is no link")
	}
	return link.Counter("sign-in")
}

// Fault 7: nodes count failures together while Redis answers. When it is emptied or
// gone each node's own count holds, those before included: it is never looser than
// without Redis.
func TestFault07_FailuresOfTwoNodes(t *testing.T) {
	s := redistest.Start(t)
	const limit = 4
	a, b := newLimiter(limit, time.Hour, counterOf(t, s)), newLimiter(limit, time.Hour, counterOf(t, s))
	now := time.Now()
	want := func(step string, l *limiter, want bool) {
		t.Helper()
		if got := l.take(t.Context(), "ada@example.com", now); got != want {
			t.Errorf("%s: %t", step, got)
		}
	}
	want("a: first", a, true)
	want("b: second", b, true)
	a.giveBack(t.Context(), "ada@example.com")
	want("a: second again", a, true)
	want("b: third", b, true)
	want("b: fourth", b, true)
	for range 10 {
		want("a: fifth", a, false)
	}
	want("b: fifth", b, false)

	// a has one of its own, and what was refused doesn't count.
	s.Do("FLUSHALL")
	for range 3 {
		want("a: emptied", a, true)
	}
	want("a: at its own limit", a, false)
	want("b: emptied", b, true)
	want("b: at its own limit", b, false)

	a.forget(t.Context(), "ada@example.com")
	want("a: forgotten everywhere", a, true)
	want("a: another", a, true)
	s.Stop()
	for range 2 {
		want("a: alone", a, true)
	}
	want("a: alone, at its limit", a, false)
	want("b: alone, at its limit", b, false)
}
