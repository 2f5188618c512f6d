package hostfuncs

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis"
	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/core"
)

// A workspace has its mails anew in each minute, whoever else has used up theirs.
func TestRates(t *testing.T) {
	r := newRates(2, nil)
	now := time.Date(2026, 3, 1, 12, 0, 59, 0, time.UTC)
	r.now = func() time.Time { return now }
	a, b := core.NewWorkspaceID(), core.NewWorkspaceID()
	want := func(ws core.WorkspaceID, allowed bool) {
		t.Helper()
		if got := r.allow(t.Context(), ws); got != allowed {
			t.Errorf("at %s: %t", now.Format(time.TimeOnly), got)
		}
	}
	want(a, true)
	want(a, true)
	want(a, false)
	want(b, true)
	now = now.Add(time.Second)
	want(a, true)
	want(b, true)
	want(b, true)
	want(b, false)
	if len(r.counts) != 2 {
		t.Errorf("it keeps %d workspaces", len(r.counts))
	}
	now = now.Add(time.Hour)
	want(a, true)
	if len(r.counts) != 1 {
		t.Errorf("it keeps %d workspaces", len(r.counts))
	}
}

// Fault 7: nodes count a workspace's mails together while Redis answers, and each on
// its own when it doesn't. Attack 7: no workspace uses up another's.
func TestFault07_MailsOfTwoNodes(t *testing.T) {
	s := redistest.Start(t)
	node := func() *rates {
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
		r := newRates(2, link.Counter("mail"))
		r.now = func() time.Time { return time.Unix(0, 0) }
		return r
	}
	first, second := node(), node()
	a, b := core.NewWorkspaceID(), core.NewWorkspaceID()
	want := func(step string, r *rates, ws core.WorkspaceID, want bool) {
		t.Helper()
		if got := r.allow(t.Context(), ws); got != want {
			t.Errorf("%s: %t", step, got)
		}
	}
	want("first", first, a, true)
	want("second", second, a, true)
	for range 5 {
		want("third", first, a, false)
	}
	want("another workspace", first, b, true)
	s.Stop()
	want("first, alone", first, a, true)
	want("first, alone, at its limit", first, a, false)
	want("second, alone", second, a, true)
	want("second, alone, at its limit", second, a, false)
}
