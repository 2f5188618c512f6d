package e2e

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

const (
	// throng is how many clients there are when a database can't keep up: more than
	// a node lets wait.
	throng = 400
	// mostGoroutines bounds those of a node then: a few of each client's, and of
	// each connection's.
	mostGoroutines = 200 + 3*throng
)

// shedsLoad waits until a node has told somebody to come back later, and sees that
// it has no more goroutines than it may have.
func (n *nodes) shedsLoad(i int) {
	n.Helper()
	var most float64
	defer func() { n.Logf("%d clients, at most %v goroutines", throng, most) }()
	before := -1.0
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // as who scrapes would
		now := samples(n.T, scrape(n.T, n.list[i].meter))
		if most = max(most, now["go_goroutines"]); most > mostGoroutines {
			n.Fatalf("%v goroutines, and %d clients", most, throng)
		}
		told := 0.0
		for name, answers := range now {
			if strings.HasPrefix(name, "carrel_http_request_seconds_count{") &&
				(strings.Contains(name, `status="429"`) || strings.Contains(name, `status="503"`)) {
				told += answers
			}
		}
		if before < 0 {
			before = told
		}
		if told > before {
			return
		}
	}
	n.Fatal("no client was told to come back in a minute")
}

// onlyShed fails when a try was not acknowledged for another reason than load.
func (l *load) onlyShed() {
	l.Helper()
	for status, times := range l.refused() {
		switch status {
		case 429, 503, 504:
		default:
			l.Errorf("%d tries were answered with %d", times, status)
		}
	}
}

// TestFault05_ASlowDatabase: each answer of Postgres takes 200 ms longer. Of many
// clients some are told to come back, nothing piles up, and nothing is lost; when
// it is quick again so is the node.
func TestFault05_ASlowDatabase(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, pgtest.Open(t))
	n := newNodes(t, []string{proxy.url}, "crm", "hostile/pong")
	n.client = client // who waits for as long as the node takes
	acme := n.workspace("Acme", "crm", "pong")
	proxy.delay.Store(int64(200 * time.Millisecond))
	load := n.load(throng, acme)
	n.shedsLoad(0)
	n.answers(0, 1)
	proxy.delay.Store(0)
	n.answers(0, 20)
	load.stop()
	load.onlyShed()
	load.check()
}

// TestFault06_EveryConnectionIsTaken: Postgres has none left for the node, and then
// those it has are all stuck behind a lock. Calls are refused or wait, and nothing
// piles up; when there is room again all goes on.
func TestFault06_EveryConnectionIsTaken(t *testing.T) {
	t.Parallel()
	cluster := pgtest.OpenCluster(t)
	n := newNodes(t, []string{cluster.URL("postgres")}, "crm", "hostile/pong")
	n.client = client
	workspaces := []member{n.workspace("Acme", "crm", "pong"), n.workspace("Beta", "crm", "pong")}

	db := openDatabase(t, cluster.URL("postgres"))
	var taken []*sql.Conn
	for {
		conn, err := db.Conn(t.Context())
		if err != nil {
			break // there is none left
		}
		taken = append(taken, conn)
	}
	load := n.load(throng/len(workspaces), workspaces...)
	n.shedsLoad(0)
	lock, err := taken[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range taken[1:] {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	db.SetMaxIdleConns(0)
	n.answers(0, 20)

	if _, err := lock.ExecContext(context.Background(), "LOCK TABLE carrel.heads IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	stuck := n.acknowledged()
	time.Sleep(3 * time.Second) // of a lock that is held
	n.shedsLoad(0)
	if more := n.acknowledged() - stuck; more > throng { // but for answers that were on their way
		t.Errorf("%d writes were acknowledged behind a lock", more)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	n.answers(0, 20)
	load.stop()
	load.onlyShed()
	load.check()
}
