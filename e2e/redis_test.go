package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis"
	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core"
)

// neighbour is what another node of a world's installation hears and counts.
type neighbour struct {
	*redis.Link
	t     *testing.T
	heard chan map[core.WorkspaceID]bool // the workspaces that moved until deliveries were due
}

// neighbour makes one with the key in the server's folder, or another.
func (w *world) neighbour(s *redistest.Server, key ...string) *neighbour {
	w.Helper()
	keys, err := secret.Read(append(key, filepath.Join(w.dir, "secret.key"))[0])
	if err != nil {
		w.Fatal(err)
	}
	link, err := redis.New(redis.Config{URL: s.URL(), Secret: keys.Derive("redis"), Bound: time.Minute})
	if err != nil {
		w.Fatal(err)
	}
	n := &neighbour{link, w.T, make(chan map[core.WorkspaceID]bool, 10_000)}
	moved := map[core.WorkspaceID]bool{}
	link.Start(redis.Ears{
		Moved: func(ws core.WorkspaceID) { moved[ws] = true },
		All:   func() {},
		Due:   func() { n.heard <- moved; moved = map[core.WorkspaceID]bool{} },
	})
	w.Cleanup(func() {
		if err := link.Close(); err != nil {
			w.Error(err)
		}
	})
	n.due()
	return n
}

// due waits until it hears that deliveries are due, and returns what moved before.
func (n *neighbour) due() map[core.WorkspaceID]bool {
	n.t.Helper()
	select {
	case moved := <-n.heard:
		return moved
	case <-time.After(time.Minute):
		n.t.Fatal("it hears nothing")
		return nil
	}
}

// moved waits until it hears of a workspace.
func (n *neighbour) moved(ws string) {
	n.t.Helper()
	for !n.due()[core.WorkspaceID(ws)] {
	}
}

// TestNodesAreTold: whatever changes who may do what in a workspace is heard by
// other nodes, and so is an event on its way; what they count of failed sign-ins
// counts here.
func TestNodesAreTold(t *testing.T) {
	s := redistest.Start(t)
	w := newWorldWith(t, func(cfg *app.Config) { cfg.RedisURL = s.URL() }, "crm", "hostile/probe")
	alice, bob := w.SignUp("alice"), w.SignUp("bob")
	var account string // bob's, once he is a member
	install := func(m member) { m.Install("crm") }
	invite := func(m member) {
		account = m.API("POST", "/members", body{"email": bob.email, "role": "member"}).want(201).text("account")
	}
	steps := []struct {
		name    string
		prepare func(member)
		step    func(member)
	}{
		{"install", nil, install},
		{"disable", install, func(m member) { m.API("PATCH", "/installations/crm", body{"state": "disabled"}).want(200) }},
		{"uninstall", install, func(m member) { m.API("DELETE", "/installations/crm?data=erase", nil).want(200) }},
		{"member", nil, invite},
		{"parting", invite, func(m member) { m.API("DELETE", "/members/"+account, nil).want(204) }},
		{"plan", nil, func(m member) { m.API("PUT", "/plan", body{"plan": "tiny"}).want(200) }},
		{"name", nil, func(m member) { m.API("PATCH", "", body{"name": "Another"}).want(200) }},
		{"end", nil, func(m member) { m.API("DELETE", "?slug="+m.workspace, nil).want(204) }},
	}
	var members []member
	for _, one := range steps {
		m := As(alice).In(As(alice).Workspace(one.name, "enterprise"))
		if one.prepare != nil {
			one.prepare(m)
		}
		members = append(members, m)
	}
	// What it hears of that, it hears before this.
	n := w.neighbour(s)
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("probe")
	n.moved(acme.API("GET", "", nil).want(200).text("id"))
	for i, one := range steps {
		t.Log(one.name)
		id := members[i].API("GET", "", nil).want(200).text("id")
		one.step(members[i])
		n.moved(id)
	}

	acme.Install("crm")
	n.moved(acme.API("GET", "", nil).want(200).text("id"))
	for len(n.heard) > 0 {
		<-n.heard
	}
	acme.Call("crm", "POST /contacts", body{"email": "grace@example.com", "name": "Grace"}).want(201)
	n.due()

	for range 10 {
		if ok, err := n.Counter("sign-in").Take(t.Context(), bob.email, 10, time.Hour); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	// Not at the first, should Redis be slower than a server waits for it; but
	// before this server's own count is full.
	refused := false
	for range 9 {
		refused = refused || w.root.send("POST", "/api/v1/sessions", body{"email": bob.email, "password": "wrong password"}).status == 429
	}
	if !refused {
		t.Error("what another node counted doesn't count")
	}
}

// TestFault07_ServerWithoutRedis: a server answers, is ready and starts, be its
// Redis silent or gone.
func TestFault07_ServerWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	w := newWorldWith(t, func(cfg *app.Config) { cfg.RedisURL = s.URL() }, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	heard := 0
	works := func() {
		t.Helper()
		w.root.send("GET", "/readyz", nil).want(200)
		w.root.send("POST", "/api/v1/sessions", body{"email": alice.email, "password": password}).want(201)
		w.root.send("POST", "/api/v1/sessions", body{"email": alice.email, "password": "wrong password"}).want(401)
		acme.Call("crm", "POST /contacts", body{"email": unique() + "@example.com", "name": "Grace"}).want(201)
		heard++
		w.eventually(acme, "probe", "/heard", heard)
		acme.API("PATCH", "/installations/crm", body{"state": "disabled"}).want(200)
		acme.Call("crm", "GET /contacts", nil).want(403)
		acme.API("PATCH", "/installations/crm", body{"state": "enabled"}).want(200)
	}
	works()
	s.Suspend()
	works()
	s.Resume()
	s.Do("FLUSHALL")
	works()
	s.Stop()
	works()
	w.restart()
	works()
	s.Start()
	w.neighbour(s) // it is back
	works()
}
