package e2e

import (
	"testing"
	"time"
)

// eventually waits until a plugin's list has a number of items.
func (w *world) eventually(m member, plugin, path string, n int) []map[string]any {
	w.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if items := m.all(plugin, path); len(items) >= n {
			return items
		}
		time.Sleep(20 * time.Millisecond) // the API has no signal for it: a client would ask again, too
	}
	w.Fatalf("%s %s does not have %d items after a minute", plugin, path, n)
	return nil
}

// TestAttack06_OnePluginHearsOfAnotherInItsWorkspaceOnly: contacts of one
// workspace are heard of by the probe of that workspace, each once, also across
// a restart; the probe of another workspace hears nothing.
func TestAttack06_OnePluginHearsOfAnotherInItsWorkspaceOnly(t *testing.T) {
	w := newWorld(t, "crm", "hostile/probe")
	alice, bob := w.SignUp("alice"), w.SignUp("bob")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	beta := As(bob).In(As(bob).Workspace("Beta", "enterprise"))
	for _, m := range []member{acme, beta} {
		m.Install("crm")
		m.Install("probe")
	}
	add := func(name string) {
		acme.Call("crm", "POST /contacts", body{"email": unique() + "@example.com", "name": name}).want(201)
	}
	add("Grace")
	heard := w.eventually(acme, "probe", "/heard", 1)
	if heard[0]["name"] != "Grace" || heard[0]["hop"] != 0.0 {
		t.Errorf("heard %v", heard)
	}
	acme.API("PATCH", "/installations/probe", body{"state": "disabled"}).want(200)
	add("Ada")
	w.restart()
	acme.API("PATCH", "/installations/probe", body{"state": "enabled"}).want(200)
	if heard := w.eventually(acme, "probe", "/heard", 2); len(heard) != 2 {
		t.Errorf("heard %v", heard)
	}
	if heard := beta.all("probe", "/heard"); len(heard) != 0 {
		t.Errorf("the other workspace heard %v", heard)
	}
}
