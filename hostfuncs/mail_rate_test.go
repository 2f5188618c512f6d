package hostfuncs

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// A workspace has its mails anew in each minute, whoever else has used up theirs.
func TestRates(t *testing.T) {
	r := newRates(2)
	now := time.Date(2026, 3, 1, 12, 0, 59, 0, time.UTC)
	r.now = func() time.Time { return now }
	a, b := core.NewWorkspaceID(), core.NewWorkspaceID()
	want := func(ws core.WorkspaceID, allowed bool) {
		t.Helper()
		if got := r.allow(ws); got != allowed {
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
