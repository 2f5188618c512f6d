package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"

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

// TestServersGoOnWithoutTheirRegistry: two servers share an OCI registry, and it
// goes down. What they have run is started again and runs, the marketplace is
// shown; what one of them never loaded is refused, and nothing is published,
// until the registry is back.
func TestServersGoOnWithoutTheirRegistry(t *testing.T) {
	registry := ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(true))
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler) // hangs up
		}
		registry.ServeHTTP(w, r)
	}))
	defer server.Close()
	on := func(cfg *app.Config) {
		cfg.Registry.Where = strings.Replace(server.URL, "http://", "oci+http://", 1) + "/carrel/plugins"
	}
	one, other := newWorldWith(t, on), newWorldWith(t, on)
	As(one.root).Publish(module(t, "hostile/ping"))
	As(one.root).Publish(module(t, "hostile/probe"))
	bob := other.SignUp("bob")
	acme := As(bob).In(As(bob).Workspace("Acme", "enterprise"))
	acme.Install("ping")
	ring := func() { acme.Call("ping", "POST /ring", body{"times": 1}).want(204) }
	ring()
	grants := acme.asked("probe")

	down.Store(true)
	ring()
	other.restart()
	ring()
	if listed := bob.send("GET", "/api/v1/marketplace", nil).want(200).list("data"); len(listed) != 2 {
		t.Errorf("the marketplace has %v", listed)
	}
	install := func() answer { return acme.API("POST", "/installations", body{"plugin": "probe", "grants": grants}) }
	install().want(201) // by what it knows of the probe, whose module it never had
	acme.Call("probe", "GET /heard", nil).want(503)
	refused := one.root.send("POST", "/api/v1/releases", module(t, "hostile/pong"), header{"Content-Type", "application/wasm"}).want(503)
	if !strings.Contains(refused.text("detail"), "Check its address") {
		t.Errorf("publishing is refused with %s", refused.text("detail"))
	}

	down.Store(false)
	acme.Call("probe", "GET /heard", nil).want(200)
	As(one.root).Publish(module(t, "hostile/pong"))
}
