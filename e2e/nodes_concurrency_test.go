package e2e

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// TestConcurrentIncrementsThroughTwoNodes increments one document from a hundred
// clients of two nodes at once: the sum is exact, which takes re-runs.
func TestConcurrentIncrementsThroughTwoNodes(t *testing.T) {
	t.Parallel()
	const clients = 100
	n := newNodes(t, two(pgtest.Open(t)), "hostile/probe")
	n.client = client
	acme := n.workspace("Acme", "probe")
	note := acme.Call("probe", "POST /notes", body{"title": "t", "label": "l"}).want(201).text("id")
	together(clients, func(i int) { n.at(i%2, acme).increments(note) })
	if count := acme.Call("probe", "GET /notes/"+note, nil).want(200).number("count"); count != clients {
		t.Errorf("the count is %d, want %d", count, clients)
	}
	if runs := acme.runs(clients); runs == clients {
		t.Errorf("%d increments took %d runs: nothing collided, so nothing is shown", clients, runs)
	} else {
		t.Logf("%d increments took %d runs", clients, runs)
	}
}

// TestWorkspacesNeverAbortEachOther: two workspaces write at once, through both
// nodes, each one call after the other. No call is run twice.
func TestWorkspacesNeverAbortEachOther(t *testing.T) {
	t.Parallel()
	const each = 50
	n := newNodes(t, two(pgtest.Open(t)), "hostile/probe")
	workspaces := []member{n.workspace("Acme", "probe"), n.workspace("Beta", "probe")}
	notes := make([]string, len(workspaces))
	for i, m := range workspaces {
		notes[i] = m.Call("probe", "POST /notes", body{"title": "t", "label": "l"}).want(201).text("id")
	}
	together(len(workspaces), func(i int) {
		for call := range each {
			n.at((i+call)%2, workspaces[i]).increments(notes[i])
		}
	})
	for _, m := range workspaces {
		if runs := m.runs(each); runs != each {
			t.Errorf("%d calls of a workspace whose data nobody else touched took %d runs", each, runs)
		}
	}
}

// increments increments a note, and again while others of other nodes keep coming
// first: a call gives up after ten runs, and says so.
func (m member) increments(note string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		a, err := m.try("POST", "/w/"+m.workspace+"/probe/notes/"+note+"/increment", nil)
		switch {
		case err == nil && a.status == 200:
			return
		case err != nil || a.status != 409:
			m.w.Errorf("increment: %v %d %.300s", err, a.status, a.raw)
			return
		}
	}
	m.w.Error("others came first for a minute")
}

// runs counts the runs of increments that went well, when the log has so many of
// them: it is written a moment later.
func (m member) runs(calls int) (runs int) {
	m.w.Helper()
	m.w.until("the log of calls is not complete", func() bool {
		found := 0
		runs = 0
		for _, one := range m.all("", "/invocations") {
			if one["handler"] == "POST /notes/:id/increment" && one["outcome"] == "ok" {
				found++
				runs += int(one["runs"].(float64))
			}
		}
		return found == calls
	})
	return runs
}
