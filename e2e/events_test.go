package e2e

import (
	"fmt"
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

// TestWhatBecameOfAnEvent follows an event from the call that emitted it to the
// attempts of its listener, of which one failed and one, redriven, did not.
func TestWhatBecameOfAnEvent(t *testing.T) {
	s := &twins{world: newWorld(t, "crm", "hostile/probe")}
	alice := s.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	told := acme.Call("crm", "POST /contacts", body{"email": "p@example.com", "name": "poison"}).want(201)
	event := func(attempts int) (e, delivery map[string]any) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for time.Now().Before(deadline) {
			listed := acme.API("GET", "/events", nil).want(200).list("data")[0].(map[string]any)
			if _, ok := listed["deliveries"].([]any)[0].(map[string]any)["attempts"]; ok {
				t.Fatalf("a list shows attempts: %v", listed)
			}
			e = acme.API("GET", fmt.Sprint("/events/", listed["id"]), nil).want(200).object()
			delivery = e["deliveries"].([]any)[0].(map[string]any)
			if list, _ := delivery["attempts"].([]any); len(list) >= attempts {
				return e, delivery
			}
			time.Sleep(20 * time.Millisecond) // the log of invocations is written a moment later
		}
		t.Fatalf("there are not %d attempts after a minute: %v", attempts, delivery)
		return nil, nil
	}
	e, delivery := event(1)
	if e["type"] != "crm.contact.created" || e["carrelcause"] != told.header.Get("X-Carrel-Invocation") {
		t.Errorf("the event: %v", e)
	}
	first := delivery["attempts"].([]any)[0].(map[string]any)
	if first["attempt"] != 1.0 || first["outcome"] != "guest_error" || first["error"] != "poison is more than the probe can take" || first["fuel"] == 0.0 ||
		fmt.Sprint(first["log"]) != "[map[fields:map[attempt:1] level:info message:told of a contact]]" {
		t.Errorf("the first attempt: %v", first)
	}
	if waiting := acme.API("GET", "/deliveries?state=retry", nil).want(200).list("data"); len(waiting) != 1 {
		t.Errorf("waiting: %v", waiting)
	}
	call := acme.API("GET", fmt.Sprint("/invocations/", first["invocation"]), nil).want(200).object()
	if call["delivery"] != delivery["id"] || call["trigger"] != "event" {
		t.Errorf("its call: %v", call)
	}
	id := fmt.Sprint(delivery["id"])
	s.stop() // nothing is under way
	s.setAside(id)
	s.start()
	alice.w, acme = s.world, As(alice).In(acme.workspace)
	if aside := acme.API("GET", "/deliveries?state=set_aside", nil).want(200).list("data"); len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
	acme.API("POST", "/deliveries/"+id+"/redrive", nil).want(200)
	if _, delivery = event(2); delivery["state"] == "done" {
		t.Errorf("the delivery: %v", delivery)
	}
}
