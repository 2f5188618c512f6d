package e2e

import (
	"fmt"
	"sync"
	"testing"
)

// TestConcurrentIncrements increments one document from a hundred clients at
// once: the sum is exact, which takes re-runs.
func TestConcurrentIncrements(t *testing.T) {
	const clients = 100
	w := newWorld(t, "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "enterprise")
	m := As(alice).In(acme)
	m.Install("probe")
	note := m.Call("probe", "POST /notes", body{"title": "t", "label": "l"}).want(201).text("id")

	together(clients, func(int) { m.succeeds("POST", "/w/"+acme+"/probe/notes/"+note+"/increment", nil) })
	if n := m.Call("probe", "GET /notes/"+note, nil).want(200).number("count"); n != clients {
		t.Errorf("the count is %d, want %d", n, clients)
	}
	w.restart() // the log of invocations is on disk after it
	runs := 0
	for _, invocation := range m.all("", "/invocations") {
		if invocation["handler"] == "POST /notes/:id/increment" {
			runs += int(invocation["runs"].(float64))
		}
	}
	t.Logf("%d increments took %d runs", clients, runs)
	if runs <= clients {
		t.Errorf("%d runs for %d increments: nothing collided, so nothing is shown", runs, clients)
	}
}

// TestDisjointDocumentsRunInParallel shows two handlers of one workspace at
// work at the same time on different documents, and that neither is run again.
func TestDisjointDocumentsRunInParallel(t *testing.T) {
	const clients, each = 8, 5
	w := newWorld(t, "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "enterprise")
	m := As(alice).In(acme)
	m.Install("probe")
	notes := make([]string, clients)
	for i := range notes {
		notes[i] = m.Call("probe", "POST /notes", body{"title": "t", "label": fmt.Sprint(i)}).want(201).text("id")
	}
	together(clients, func(i int) {
		for range each {
			m.succeeds("POST", "/w/"+acme+"/probe/notes/"+notes[i]+"/slowly", body{"rounds": 100_000})
		}
	})
	w.restart()
	for _, invocation := range m.all("", "/invocations") {
		if invocation["handler"] == "POST /notes/:id/slowly" && invocation["runs"] != 1.0 {
			t.Errorf("a call on a document of its own took %v runs", invocation["runs"])
		}
	}
	for _, note := range notes {
		if n := m.Call("probe", "GET /notes/"+note, nil).want(200).number("count"); n != each {
			t.Errorf("a count is %d, want %d", n, each)
		}
	}
}

// succeeds makes a request on a goroutine that is not the test's own, which
// may not end the test.
func (p *person) succeeds(method, path string, in any) {
	if a, err := p.try(method, path, in); err != nil || a.status != 200 {
		p.w.Errorf("%s %s: %v %d %.300s", method, path, err, a.status, a.raw)
	}
}

// together runs something many times at once, and waits for all.
func together(n int, do func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			do(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}
