package e2e

import (
	"fmt"
	"testing"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

// TestAttack43_YankingStopsNewInstallationsOnEveryServer: two servers, each with
// data of its own, share a registry. What is published at one is in the
// marketplace of the other, where it is installed and runs; yanked at one, it is
// no longer installed at the other, and goes on running where it is.
func TestAttack43_YankingStopsNewInstallationsOnEveryServer(t *testing.T) {
	shared := t.TempDir()
	on := func(cfg *app.Config) { cfg.Registry.Where = shared }
	one, other := newWorldWith(t, on), newWorldWith(t, on)
	bob := other.SignUp("bob")
	early := As(bob).In(As(bob).Workspace("Early", "enterprise"))
	late := As(bob).In(As(bob).Workspace("Late", "enterprise"))
	if listed := bob.send("GET", "/api/v1/marketplace", nil).want(200).list("data"); len(listed) != 0 {
		t.Fatalf("the marketplace of the other begins with %v", listed)
	}

	As(one.root).Publish(module(t, "crm"))
	listed := bob.send("GET", "/api/v1/marketplace", nil).want(200).list("data")
	if len(listed) != 1 || listed[0].(map[string]any)["name"] != "crm" {
		t.Fatalf("the marketplace of the other has %v", listed)
	}
	early.Install("crm")
	grants := late.asked("crm")
	contact := body{"email": "grace@example.com", "name": "Grace"}
	early.Call("crm", "POST /contacts", contact).want(201)

	release := one.root.send("GET", fmt.Sprint("/api/v1/marketplace/crm/", listed[0].(map[string]any)["version"]), nil).want(200)
	yank := func(yanked bool) {
		one.root.send("POST", "/api/v1/releases/"+release.text("digest")+"/yank", body{"yanked": yanked}).want(200)
	}
	yank(true)
	if listed := bob.send("GET", "/api/v1/marketplace", nil).want(200).list("data"); len(listed) != 0 {
		t.Errorf("yanked, the marketplace of the other has %v", listed)
	}
	late.API("POST", "/installations", body{"plugin": "crm", "grants": grants}).want(400)
	late.API("POST", "/installations", body{"plugin": "crm", "version": release.text("version"), "grants": grants}).want(403)
	other.restart() // it finds the module by its digest, in the shared registry
	if contacts := early.all("crm", "/contacts"); len(contacts) != 1 || contacts[0]["name"] != "Grace" {
		t.Errorf("where it is installed, it has %v", contacts)
	}

	yank(false)
	late.API("POST", "/installations", body{"plugin": "crm", "grants": grants}).want(201)
}
