package postgres

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// TestFault12_NodesGoByTheDatabasesClock, whatever their own clocks show, or are
// set to later.
func TestFault12_NodesGoByTheDatabasesClock(t *testing.T) {
	const near = 5 * time.Second // the machine may be busy
	db := openURL(t, pgtest.Open(t))
	off := func() time.Duration { return time.Until(db.Now()).Abs() } // the database's is this machine's
	if off() > near {
		t.Fatalf("the database's clock is %v off this machine's, on which it runs", off())
	}
	for _, wrong := range []time.Duration{time.Hour, -time.Hour} {
		db.clock = &clock{local: func() time.Time { return time.Now().Add(wrong) }}
		db.readClock()
		if off() > near {
			t.Errorf("a node whose clock is %v wrong is %v off", wrong, off())
		}
	}
	shift := time.Duration(0)
	db.clock = &clock{local: func() time.Time { return time.Now().Add(shift) }}
	db.readClock()
	db.readClock()
	if off() > near {
		t.Errorf("a second look makes it %v off", off())
	}
	shift = time.Hour // as after a machine has slept
	if off() < time.Hour-near {
		t.Fatal("the node's clock was not put forward: nothing is shown")
	}
	db.readClock()
	if off() > near {
		t.Errorf("after the next look it is %v off", off())
	}
}
