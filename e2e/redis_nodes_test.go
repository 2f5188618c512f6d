package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/redis/redistest"
	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// twoNodes starts two servers on one Postgres, which share a Redis.
func twoNodes(t *testing.T, s *redistest.Server, plugins ...string) (a, b *world, key string) {
	t.Helper()
	db, shared := pgtest.Open(t), t.TempDir()
	key = filepath.Join(shared, "secret.key")
	if _, err := secret.Create(key); err != nil {
		t.Fatal(err)
	}
	configure := func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.RedisURL = db, s.URL()
		cfg.SecretKeyFile, cfg.Registry.Where = key, filepath.Join(shared, "registry")
	}
	a = newWorldWith(t, configure, plugins...)
	b = &world{T: t, dir: t.TempDir(), configure: configure}
	b.start()
	return a, b, key
}

// warm waits until a node has made a plugin ready, which takes long on a busy machine.
func (m member) warm(plugin, route string) {
	m.w.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for m.Call(plugin, route, nil).status != 200 {
		if time.Now().After(deadline) {
			m.w.Fatalf("%s is not ready", plugin)
		}
	}
}

// at is the member at another node.
func (m member) at(w *world) member {
	p := *m.person
	p.w = w
	return member{actor{&p}, m.workspace}
}

// TestFault08_NodesAuthoriseFromTheDatabase: what one node changes holds at the other
// with the next request, though that one has seen nothing but what was before: its
// Redis says nothing, or what isn't so.
func TestFault08_NodesAuthoriseFromTheDatabase(t *testing.T) {
	s := redistest.Start(t)
	a, b, key := twoNodes(t, s, "crm")
	alice, bob := a.SignUp("alice"), a.SignUp("bob")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.warm("crm", "GET /contacts")
	acme.at(b).warm("crm", "GET /contacts")
	bobs := As(bob).In(acme.workspace)
	list := func(m member, status int) {
		t.Helper()
		m.Call("crm", "GET /contacts", nil).want(status)
	}
	rounds := func() {
		t.Helper()
		account := acme.API("POST", "/members", body{"email": bob.email, "role": "member"}).want(201).text("account")
		list(bobs.at(a), 200)
		list(bobs.at(b), 200) // both have seen him
		acme.API("PATCH", "/installations/crm", body{"state": "disabled"}).want(200)
		list(bobs.at(b), 403)
		acme.at(b).API("PATCH", "/installations/crm", body{"state": "enabled"}).want(200)
		list(bobs.at(a), 200)
		acme.API("DELETE", "/members/"+account, nil).want(204)
		list(bobs.at(b), 404)
		list(bobs.at(a), 404)
	}
	t.Log("answering")
	rounds()
	t.Log("silent")
	s.Suspend()
	rounds()
	s.Resume()
	t.Log("gone")
	s.Stop()
	rounds()
	s.Start()
	t.Log("emptied, and forged")
	n := a.neighbour(s, key)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				n.Due()
				n.Moved("ws_nobody")
				s.Do("FLUSHALL")
			}
		}
	}()
	rounds()
	close(stop)
	<-stopped

	// A token that is revoked is so everywhere.
	token := bob.send("POST", "/api/v1/tokens", body{"name": "another"}).want(201)
	other := *bob
	other.token, other.w = token.text("secret"), b
	other.send("GET", "/api/v1/me", nil).want(200)
	bob.send("DELETE", "/api/v1/tokens/"+token.text("id"), nil).want(204)
	other.send("GET", "/api/v1/me", nil).want(401)
}

// TestToldNodesRunOnce: a node that is told of a change has read it before the next
// call comes; without that, each first call after a change is run twice.
func TestToldNodesRunOnce(t *testing.T) {
	s := redistest.Start(t)
	a, b, key := twoNodes(t, s, "crm")
	alice := a.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	n := a.neighbour(s, key)
	id := acme.API("GET", "", nil).want(200).text("id")
	acme.at(b).warm("crm", "GET /contacts")
	// Nothing says when b has heard what the neighbour heard, so it is given more
	// than one chance.
	for range 50 {
		acme.API("PATCH", "", body{"name": unique()}).want(200)
		n.moved(id)
		call := acme.at(b).Call("crm", "GET /contacts", nil).want(200).header.Get("X-Carrel-Invocation")
		if runsOf(acme, call) == 1 {
			return
		}
	}
	t.Error("each first call after a change ran twice")
}

// runsOf waits for the record of a call.
func runsOf(m member, call string) float64 {
	m.w.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if record := m.API("GET", "/invocations/"+call, nil); record.status == 200 {
			return record.object()["runs"].(float64)
		}
		time.Sleep(20 * time.Millisecond) // the log of invocations is written a moment later
	}
	m.w.Fatalf("there is no record of %s", call)
	return 0
}

// TestWokenNodesLook: a node that is told that deliveries are due claims them. Of the
// store that is built in it would never look by itself: nobody else writes to it.
func TestWokenNodesLook(t *testing.T) {
	aboutTheFile(t)
	s := redistest.Start(t)
	w := newWorldWith(t, func(cfg *app.Config) { cfg.RedisURL = s.URL() }, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	n := w.neighbour(s)
	acme.Call("crm", "POST /contacts", body{"email": "grace@example.com", "name": "Grace"}).want(201)
	n.due() // the server has its link
	w.eventually(acme, "probe", "/heard", 1)
	w.exec("UPDATE deliveries SET state = 'pending', attempt = 0, due = 1 WHERE state = 'done'")
	n.Due()
	deadline := time.Now().Add(time.Minute)
	for len(acme.API("GET", "/deliveries?state=pending", nil).want(200).list("data")) > 1 { // there is an occurrence of a schedule, too
		if time.Now().After(deadline) {
			t.Fatal("it did not look")
		}
		time.Sleep(20 * time.Millisecond) // the API has no signal for it
	}
}
