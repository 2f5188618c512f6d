package e2e

import (
	"testing"
	"time"
)

// imports waits until an import is done, and returns its report.
func (w *world) imports(m member, id string) answer {
	w.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		report := m.Call("crm", "GET /imports/"+id, nil).want(200)
		if report.text("status") == "done" {
			return report
		}
		time.Sleep(20 * time.Millisecond) // the API has no signal for it: a client would ask again, too
	}
	w.Fatal("the import is not done after two minutes")
	return answer{}
}

var _ = testing.Short
