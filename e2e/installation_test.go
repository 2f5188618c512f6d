package e2e

import (
	"strings"
	"testing"
)

// TestInstallationsLife follows one installation through its states.
func TestInstallationsLife(t *testing.T) {
	w := newWorld(t, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	m := As(alice).In(acme)

	// Outside of the plan: why, and what to do.
	refused := m.API("POST", "/installations", body{"plugin": "probe", "grants": m.asked("probe")}).want(403)
	for _, words := range []string{"Starter", "Enterprise", "Change the workspace's plan"} {
		if !strings.Contains(refused.text("detail"), words) {
			t.Errorf("the refusal doesn't say %q: %s", words, refused.raw)
		}
	}
	// Without consent: what is asked, and why.
	refused = m.API("POST", "/installations", body{"plugin": "crm"}).want(400)
	if !strings.Contains(string(refused.raw), "grants.data") || !strings.Contains(string(refused.raw), "To keep your contacts") {
		t.Errorf("the refusal doesn't list what is asked: %s", refused.raw)
	}
	m.Call("crm", "GET /contacts", nil).want(404)

	m.Install("crm")
	if n := len(m.Call("crm", "GET /pipelines", nil).want(200).list("data")); n != 1 {
		t.Errorf("the install hook left %d pipelines, want the default one", n)
	}
	m.Call("crm", "POST /contacts", body{"email": "a@example.com", "name": "A"}).want(201)
	document := string(m.API("GET", "/openapi.json", nil).want(200).raw)
	if !strings.Contains(document, "/crm/contacts") || strings.Contains(document, "/probe/") {
		t.Error("the workspace's OpenAPI document is not that of what it installed")
	}
	m.API("POST", "/installations", body{"plugin": "crm", "grants": m.asked("crm")}).want(409)

	m.API("PATCH", "/installations/crm", body{"state": "disabled"}).want(200)
	if off := m.Call("crm", "GET /contacts", nil); off.status < 400 {
		t.Errorf("a disabled plugin answers %d", off.status)
	}
	if document := string(m.API("GET", "/openapi.json", nil).want(200).raw); strings.Contains(document, "/crm/contacts") {
		t.Error("a disabled plugin is in the workspace's document")
	}
	m.API("PATCH", "/installations/crm", body{"state": "enabled"}).want(200)
	m.Call("crm", "GET /contacts", nil).want(200)

	kept := m.API("DELETE", "/installations/crm?data=keep", nil).want(200)
	if kept.object()["left"].(map[string]any)["documents"] != 2.0 {
		t.Errorf("the receipt of keeping is %s", kept.raw)
	}
	m.Call("crm", "GET /contacts", nil).want(404)
	m.Install("crm")
	if n := len(m.Call("crm", "GET /contacts", nil).want(200).list("data")); n != 1 {
		t.Errorf("%d contacts are found again, want 1", n)
	}
	erased := m.API("DELETE", "/installations/crm?data=erase", nil).want(200)
	for what, n := range erased.object()["left"].(map[string]any) {
		if n != 0.0 {
			t.Errorf("%v %s are left after erasing: %s", n, what, erased.raw)
		}
	}
	m.Install("crm")
	if n := len(m.Call("crm", "GET /contacts", nil).want(200).list("data")); n != 0 {
		t.Errorf("%d contacts survived erasing", n)
	}
}

// TestAPlanIsCheckedAtEveryTrigger takes a plugin out of the plan while it is
// installed.
func TestAPlanIsCheckedAtEveryTrigger(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "enterprise")
	m := As(alice).In(acme)
	m.Install("probe")
	m.Call("probe", "GET /notes", nil).want(200)
	m.API("PUT", "/plan", body{"plan": "starter"}).want(200)
	refused := m.Call("probe", "GET /notes", nil).want(403)
	if !strings.Contains(refused.text("detail"), "Enterprise") {
		t.Errorf("the refusal doesn't name a plan: %s", refused.raw)
	}
	m.API("PUT", "/plan", body{"plan": "enterprise"}).want(200)
	m.Call("probe", "GET /notes", nil).want(200)
}

// TestARestartContinues stops the server and starts it on the same data.
func TestARestartContinues(t *testing.T) {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	As(alice).In(acme).Install("crm")
	contact := As(alice).In(acme).Call("crm", "POST /contacts", body{"email": "a@example.com", "name": "A"}).want(201)
	w.restart()
	if w.app.SetupLink() != "" {
		t.Error("a server with accounts prints a set-up link")
	}
	again := As(alice).In(acme).Call("crm", "GET /contacts/"+contact.text("id"), nil).want(200)
	if string(again.raw) != string(contact.raw) {
		t.Errorf("the contact was %s and is %s", contact.raw, again.raw)
	}
}
