package e2e

import (
	"maps"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// These are about several nodes, so they run on Postgres whatever the suite runs
// on. Most of their time is leases, which is why they run beside each other.

// kills is how often a node is killed: CARREL_E2E_KILLS, or enough to see most
// mistakes.
func kills(t *testing.T) int {
	if testing.Short() {
		return 5
	}
	text := os.Getenv("CARREL_E2E_KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("CARREL_E2E_KILLS is %q, not a number", text)
	}
	return n
}

// TestFault01_KillOneOfTwoNodes kills either of two nodes with -9, at random points,
// while clients of two workspaces write through both. What was acknowledged is
// there, once, with its event and what that led to.
func TestFault01_KillOneOfTwoNodes(t *testing.T) {
	t.Parallel()
	n := newNodes(t, two(pgtest.Open(t)), "crm", "hostile/pong")
	load := n.load(2, n.workspace("Acme", "crm", "pong"), n.workspace("Beta", "crm", "pong"))
	var killedAt []int
	for range kills(t) {
		i := n.random.IntN(2)
		n.answers(i, 1+n.random.IntN(10))
		time.Sleep(time.Duration(n.random.Int64N(int64(20 * time.Millisecond)))) // anywhere in what happens next
		killedAt = append(killedAt, n.acknowledged())
		n.kill(i)
		n.start(i)
	}
	load.stop()
	histogram(t, killedAt, n.acknowledged())
	load.check()
}

// TestFault04_PostgresStopsFor30Seconds as by a crash, under load. Meanwhile every
// call is refused at once, and nobody is told that anything was written; then all
// goes on by itself, deliveries too.
func TestFault04_PostgresStopsFor30Seconds(t *testing.T) {
	t.Parallel()
	outage := 30 * time.Second
	if testing.Short() {
		outage = 3 * time.Second
	}
	cluster := pgtest.OpenCluster(t)
	n := newNodes(t, two(cluster.URL("postgres")), "crm", "hostile/pong")
	acme := n.workspace("Acme", "crm", "pong")
	load := n.load(4, acme)
	n.answers(0, 20)
	n.answers(1, 20)
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	for gone := time.Now(); time.Since(gone) < outage; time.Sleep(outage / 10) {
		for i := range n.list {
			at := n.at(i, acme)
			began := time.Now()
			refused := at.Call("crm", "POST /contacts", body{"email": "never@example.com", "name": "Never"}).want(503)
			if took := time.Since(began); took > 2*time.Second || refused.header.Get("Retry-After") == "" {
				t.Errorf("node %d refused a call after %v: %v", i, took, refused.header)
			}
			at.send("GET", "/readyz", nil).want(503)
			at.send("GET", "/healthz", nil).want(200) // there is nothing a restart would help
		}
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	n.answers(0, 20)
	n.answers(1, 20)
	t.Logf("both nodes write again after %v", time.Since(back))
	load.stop()
	for status := range load.refused() {
		if status != 503 {
			t.Errorf("while the database was gone a client was answered with %d", status)
		}
	}
	load.check()
}

// TestFault13_APausedNodeComesBack: a node stands still, in the middle of requests
// and of deliveries, until another has done all of it. Back again it goes on where
// it was, and what it does is no second effect.
func TestFault13_APausedNodeComesBack(t *testing.T) {
	t.Parallel()
	n := newNodes(t, two(pgtest.Open(t)), "crm", "hostile/pong")
	acme := n.workspace("Acme", "crm", "pong")
	n.use(0) // which wakes itself, and so runs what its requests lead to
	load := n.load(4, acme)
	running := func() map[any]any {
		attempts := map[any]any{}
		for _, d := range n.at(1, acme).all("", "/deliveries?state=running") {
			attempts[d["id"]] = d["attempt"]
		}
		return attempts
	}
	var left map[any]any
	for {
		n.answers(0, 10+n.random.IntN(20))
		n.signal(0, syscall.SIGSTOP)
		n.use(1)
		left = running()
		time.Sleep(2 * time.Second) // what the other node runs ends within
		now := running()
		maps.DeleteFunc(left, func(id, attempt any) bool { return now[id] != attempt })
		if len(left) > 0 {
			break
		}
		n.use(0)
		n.signal(0, syscall.SIGCONT)
	}
	t.Logf("paused in the middle of %d deliveries", len(left))
	n.answers(1, 20)
	n.at(1, acme).w.until("deliveries of a node that does not answer are not run by the other", func() bool {
		now := running()
		maps.DeleteFunc(left, func(id, attempt any) bool { return now[id] != attempt })
		return len(left) == 0
	})
	n.signal(0, syscall.SIGCONT)
	n.use(0, 1)
	n.answers(0, 20)
	load.stop()
	if load.refused()[0] == 0 {
		t.Error("no request was under way when the node was paused: the half of it is not shown")
	}
	load.check()
}
