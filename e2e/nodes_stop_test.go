package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// stopsWithin is how long a node may take that was told to stop: what it lets
// requests and deliveries take, and what a busy machine adds to that.
const stopsWithin = 40 * time.Second

// stop tells a node to stop, and waits until it has.
func (n *nodes) stop(i int) {
	n.Helper()
	n.signal(i, syscall.SIGTERM)
	n.stopped(i)
}

func (n *nodes) stopped(i int) {
	n.Helper()
	p, ended := n.list[i], make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			n.Errorf("node %d was told to stop and ended with %v:\n%s", i, err, p.log)
		}
	case <-time.After(stopsWithin):
		n.Fatalf("node %d was told to stop, and had not in %v:\n%s", i, stopsWithin, p.log)
	}
	p.cmd, p.url, p.setup = nil, "", ""
}

// TestFault19_SIGTERMUnderLoad: nodes are told to stop while clients write through
// them. Those that go on to ask a node that is gone ask another; those whose
// balancer asks /readyz never notice. Nothing is lost, and no delivery is cut off.
func TestFault19_SIGTERMUnderLoad(t *testing.T) {
	t.Parallel()
	n := newNodes(t, two(pgtest.Open(t)), "crm", "hostile/pong")
	acme, beta := n.workspace("Acme", "crm", "pong"), n.workspace("Beta", "crm", "pong")

	for _, p := range n.list {
		p.args = append(p.args, "--drain-delay", "1s") // from its next start on
	}
	direct := n.load(4, acme)
	for round := range 3 {
		i := round % 2
		n.answers(i, 5+n.random.IntN(10))
		n.stop(i)
		n.start(i)
	}
	direct.stop()

	balanced := n.load(4, beta)
	for i := range n.list {
		n.answers(i, 5+n.random.IntN(10))
		n.signal(i, syscall.SIGTERM)
		for n.at(i, beta).send("GET", "/readyz", nil).status != 503 {
			// until the balancer is told
		}
		n.use(1 - i)
		n.stopped(i)
		n.start(i)
		n.use(0, 1)
	}
	balanced.stop()

	for _, l := range []*load{direct, balanced} {
		if again := l.check(); again != 0 {
			t.Errorf("%d deliveries were cut off", again)
		}
	}
	if refused := balanced.refused(); len(refused) != 0 {
		t.Errorf("clients noticed: %v", refused)
	}
}
