package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// noLimit is the size of a file on a disk that has room.
const noLimit = ^uint64(0)

// limitFiles has no file of the server grow beyond a size in bytes: to who writes,
// the disk is full.
func (p *process) limitFiles(size uint64) {
	p.Helper()
	limit := unix.Rlimit{Cur: size, Max: noLimit}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		p.Fatal(err)
	}
}

// TestFault09_DiskFullOnSQLite: the disk fills up while contacts are added, and
// then has not a byte left. Nobody is told that anything was written which was not,
// reading goes on, and so does writing when there is room again. The file is whole.
func TestFault09_DiskFullOnSQLite(t *testing.T) {
	sameOnBoth(t)
	t.Parallel()
	const clients = 8
	p := &process{T: t, dir: t.TempDir()} // on the built-in store
	p.publish("crm", "hostile/pong")
	p.start()
	t.Cleanup(p.end)
	alice := p.world().join("alice", p.setup)
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("pong")
	adders := make([]*adder, clients)
	for i := range adders {
		adders[i] = &adder{member: acme, prefix: string(rune('a' + i))}
	}
	add := func() (acknowledged int64) {
		var sum atomic.Int64
		together(clients, func(i int) {
			if adders[i].add() {
				sum.Add(1)
			}
		})
		return sum.Load()
	}
	if add() != clients {
		t.Fatalf("not all was written before there was a fault: %v", adders[0].refused)
	}

	log, err := os.Stat(filepath.Join(p.dir, "carrel.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	p.limitFiles(uint64(log.Size()) + 256<<10) // which some of what follows needs
	for add() == clients {
		// until it is full
	}
	for _, size := range []uint64{0, 4096} {
		p.limitFiles(size)
		for range 3 {
			if n := add(); n != 0 {
				t.Errorf("%d writes were acknowledged on a full disk", n)
			}
		}
		acme.Call("crm", "GET /contacts", nil).want(200)
		acme.send("GET", "/healthz", nil).want(200)
	}
	for _, c := range adders {
		for status, times := range c.refused {
			if status != 503 {
				t.Errorf("on a full disk %d tries were answered with %d", times, status)
			}
		}
	}

	p.limitFiles(noLimit)
	if n := add(); n != clients {
		t.Errorf("with room again %d of %d writes were acknowledged", n, clients)
	}
	check := func() {
		t.Helper()
		var emails []string
		for _, c := range adders {
			emails = append(emails, c.acknowledged...)
		}
		acme.checkAdded(emails)
		acme.checkHeard()
	}
	check()
	p.kill()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, "carrel.db"))
	if err != nil {
		t.Fatal(err)
	}
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the file is %q, %v", verdict, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p.start()
	alice.w = p.world()
	check()
}
