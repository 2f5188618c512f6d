package e2e

import (
	"fmt"
	"strings"
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

// TestImportOverHTTP imports the same file twice: the good rows are in once,
// the bad ones are reported with line and reason.
func TestImportOverHTTP(t *testing.T) {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	crm := As(alice).In(acme)
	crm.Install("crm")

	file := []byte(contactsCSV(0, 1000))
	first := w.imports(crm, crm.Call("crm", "POST /contacts/import?fileName=a.csv", file).want(202).text("id"))
	for name, want := range map[string]int{"total": 1000, "processed": 1000, "created": 980, "failed": 20, "updated": 0, "unchanged": 0} {
		if got := first.number(name); got != want {
			t.Errorf("first import: %s is %d, want %d", name, got, want)
		}
	}
	refused := crm.all("crm", "/imports/"+first.text("id")+"/errors")
	for i, row := range refused {
		if line := float64((i+1)*badEvery + 1); row["line"] != line || !strings.Contains(fmt.Sprint(row["reason"]), "address") {
			t.Errorf("refused row %d is line %v because of %q, want line %v and the address", i, row["line"], row["reason"], line)
		}
	}
	if len(refused) != 20 {
		t.Errorf("%d rows are refused, want 20", len(refused))
	}
	second := w.imports(crm, crm.Call("crm", "POST /contacts/import", file).want(202).text("id"))
	if second.number("unchanged") != 980 || second.number("created") != 0 || second.number("failed") != 20 {
		t.Errorf("second import: %s", second.raw)
	}
	emails := map[any]bool{}
	for _, contact := range crm.all("crm", "/contacts") {
		emails[contact["email"]] = true
	}
	if len(emails) != 980 {
		t.Errorf("%d contacts, want 980", len(emails))
	}
}

// TestFault21_AnImportWaitsForItsPlugin turns the plugin off while an import
// is under way, and the server too. The import goes on when it is on again, and
// each row is in once.
func TestFault21_AnImportWaitsForItsPlugin(t *testing.T) {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	crm := As(alice).In(acme)
	crm.Install("crm")
	state := func(to string) {
		crm.API("PATCH", "/installations/crm", body{"state": to}).want(200)
	}
	started := crm.Call("crm", "POST /contacts/import", []byte(contactsCSV(0, 3000))).want(202).text("id")
	for range 3 {
		state("disabled")
		if a := crm.Call("crm", "GET /imports/"+started, nil); a.status != 403 {
			t.Fatalf("a plugin that is off answers %d %s", a.status, a.raw)
		}
		state("enabled")
	}
	state("disabled")
	w.restart()
	state("enabled")
	report := w.imports(crm, started)
	if report.number("processed") != 3000 || report.number("created") != 2940 || report.number("failed") != 60 {
		t.Errorf("the import: %s", report.raw)
	}
	if n := len(crm.all("crm", "/contacts")); n != 2940 {
		t.Errorf("%d contacts, want 2940", n)
	}
}
