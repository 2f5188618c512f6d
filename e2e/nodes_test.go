package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// nodes are servers on one Postgres and one registry, each a process with a data
// folder of its own.
type nodes struct {
	*testing.T
	list   []*process
	seed   uint64
	random *mathrand.Rand // of the test's own goroutine
	client *http.Client   // how everybody goes to them

	mu       sync.Mutex
	urls     []string // where each was last
	used     []int    // those that clients go to
	answered []int    // acknowledgments, by node
	moved    chan struct{}
}

// two are the addresses of a database for two nodes.
func two(db string) []string { return []string{db, db} }

// newNodes starts a server for each of the addresses of one database, all with the
// same plugins published.
func newNodes(t *testing.T, dbs []string, plugins ...string) *nodes {
	t.Helper()
	sameOnBoth(t)
	elsewhere(t)
	key := filepath.Join(t.TempDir(), "secret.key")
	secret := make([]byte, 32)
	rand.Read(secret) //nolint:errcheck // it never fails
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(secret)), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &nodes{T: t, client: impatient, seed: uint64(time.Now().UnixNano()), answered: make([]int, len(dbs)), moved: make(chan struct{}, 1)}
	n.random = mathrand.New(mathrand.NewPCG(n.seed, 0))
	t.Logf("seed %d", n.seed)
	releases := []string{"--registry", filepath.Join(t.TempDir(), "releases")}
	for i, db := range dbs {
		p := &process{T: t, dir: filepath.Join(t.TempDir(), "data"), db: db, releases: releases,
			args: []string{"--secret-key-file", key, "--metrics-addr", "127.0.0.1:0"}}
		if i == 0 {
			p.publish(plugins...) // which also compiles them, for all to find
		} else if out, err := exec.Command("cp", "-a", n.list[0].dir, p.dir).CombinedOutput(); err != nil { // a cache that others may write is not used
			t.Fatalf("%v: %s", err, out)
		}
		n.list, n.used, n.urls = append(n.list, p), append(n.used, i), append(n.urls, "")
	}
	for i, p := range n.list {
		t.Cleanup(p.end)
		n.start(i)
	}
	return n
}

// start starts a node, kill ends one as a power failure would.
func (n *nodes) start(i int) {
	n.Helper()
	n.list[i].start()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.urls[i] = n.list[i].url
}

func (n *nodes) kill(i int) { n.list[i].kill() }

// signal sends one to a node.
func (n *nodes) signal(i int, s syscall.Signal) {
	n.Helper()
	if err := n.list[i].cmd.Process.Signal(s); err != nil {
		n.Fatal(err)
	}
}

// use has clients go to these nodes only.
func (n *nodes) use(nodes ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.used = nodes
}

// patience is how long a client of several nodes waits for one of them.
const patience = 5 * time.Second

var impatient = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// at is a member at one node.
func (n *nodes) at(i int, m member) member {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := *m.person
	p.w = &world{T: n.T, dir: n.list[i].dir, db: n.list[i].db, url: n.urls[i], client: n.client}
	return member{actor{&p}, m.workspace}
}

// any is a member at any of the nodes in use. answered notes that it answered.
func (n *nodes) any(random *mathrand.Rand, m member) (_ member, answered func()) {
	n.mu.Lock()
	i := n.used[random.IntN(len(n.used))]
	n.mu.Unlock()
	return n.at(i, m), func() {
		n.mu.Lock()
		n.answered[i]++
		n.mu.Unlock()
		select {
		case n.moved <- struct{}{}:
		default:
		}
	}
}

// answers waits until a node has acknowledged so many more writes.
func (n *nodes) answers(i, more int) {
	n.Helper()
	late := time.After(time.Minute)
	for first := -1; ; {
		n.mu.Lock()
		now := n.answered[i]
		n.mu.Unlock()
		if first < 0 {
			first = now
		}
		if now >= first+more {
			return
		}
		select {
		case <-n.moved:
		case <-late:
			n.Fatalf("node %d acknowledged %d writes in a minute, want %d", i, now-first, more)
		}
	}
}

// acknowledged is how many writes the nodes have acknowledged together.
func (n *nodes) acknowledged() (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.answered {
		sum += one
	}
	return sum
}

// workspace makes one of somebody new, with plugins.
func (n *nodes) workspace(name string, plugins ...string) member {
	n.Helper()
	last := n.list[len(n.list)-1] // each start makes another link for the first account
	somebody := last.world().join(strings.ToLower(name), last.setup)
	last.setup = ""
	m := As(somebody).In(As(somebody).Workspace(name, "enterprise"))
	for _, plugin := range plugins {
		m.Install(plugin)
	}
	return m
}

// load is clients that add contacts as fast as they are let, until it is stopped.
type load struct {
	*nodes
	adders []*adder
	ending chan struct{}
	ended  sync.WaitGroup
}

// load begins with so many clients in each workspace.
func (n *nodes) load(clients int, workspaces ...member) *load {
	l := &load{nodes: n, ending: make(chan struct{})}
	for _, m := range workspaces {
		for range clients {
			number := len(l.adders)
			c := &adder{member: m, nodes: n, prefix: fmt.Sprintf("c%d-", number), random: mathrand.New(mathrand.NewPCG(n.seed, uint64(number+1)))}
			l.adders = append(l.adders, c)
			l.ended.Go(func() { l.run(c) })
		}
	}
	return l
}

// run adds contacts until the end, and then what was not acknowledged yet.
func (l *load) run(c *adder) {
	for {
		tried := time.Now()
		for !c.add() {
			if time.Since(tried) > 2*time.Minute {
				l.Errorf("%s%d was not acknowledged by any node in 2 minutes: %v", c.prefix, c.next, c.refused)
				return
			}
			time.Sleep(c.comeBack)
		}
		select {
		case <-l.ending:
			return
		default:
		}
	}
}

// stop ends the load. Everything that was sent is acknowledged then.
func (l *load) stop() {
	close(l.ending)
	l.ended.Wait()
}

// refused counts the tries that were not acknowledged, by the answer's status; 0 is
// none.
func (l *load) refused() map[int]int {
	sum := map[int]int{}
	for _, c := range l.adders {
		for status, n := range c.refused {
			sum[status] += n
		}
	}
	return sum
}

// check compares what is there after the load, and after all deliveries, with what
// was acknowledged, and returns how many deliveries took more than one attempt.
func (l *load) check() (again int) {
	l.Helper()
	of, emails := map[string]member{}, map[string][]string{}
	replayed := 0
	for _, c := range l.adders {
		of[c.workspace] = l.at(0, c.member)
		emails[c.workspace] = append(emails[c.workspace], c.acknowledged...)
		replayed += c.replayed
	}
	for name, m := range of {
		m.checkAdded(emails[name])
		more := m.checkHeard()
		again += more
		l.Logf("%s: %d writes acknowledged, %d deliveries took more than one attempt", name, len(emails[name]), more)
	}
	l.Logf("%d writes were answered by a receipt; answers that were none: %v; the slowest took %v", replayed, l.refused(), l.slowest())
	return again
}

func (l *load) slowest() (slowest time.Duration) {
	for _, c := range l.adders {
		slowest = max(slowest, c.slowest)
	}
	return slowest
}

// checkHeard waits until nothing is left to deliver. Then every contact that was
// announced was heard of by pong, once, and no delivery was set aside. What a node
// had begun when it died takes as long as its lease.
func (m member) checkHeard() (again int) {
	m.w.Helper()
	if aside := m.settled(); len(aside) != 0 {
		m.w.Errorf("set aside: %v", aside)
	}
	heard := map[any]int{}
	for _, one := range m.all("pong", "/heard") {
		heard[one["event"]]++
	}
	announced := m.all("", "/events?type=crm.contact.created")
	for _, e := range announced {
		deliveries, _ := e["deliveries"].([]any)
		if len(deliveries) != 1 || heard[e["id"]] != 1 {
			m.w.Errorf("%v was heard %d times: %v", e["id"], heard[e["id"]], deliveries)
			continue
		}
		switch d := deliveries[0].(map[string]any); {
		case d["state"] != "done":
			m.w.Errorf("a delivery was not done: %v", d)
		case d["attempt"] != 1.0:
			again++
		}
	}
	if len(heard) != len(announced) {
		m.w.Errorf("%d events were heard, want %d", len(heard), len(announced))
	}
	return again
}
