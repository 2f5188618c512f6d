package postgres

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const (
	// commitTime bounds a commit. It goes on when its caller is gone: whether it
	// happened should be known, and what it has begun holds others up.
	commitTime = 20 * time.Second
	// maxGroup is how many units share a transaction at most, and maxRows how many
	// documents and changes they come to: a long transaction keeps a processor of
	// Postgres's to itself, and others' commits wait for its part of the log.
	maxGroup = 64
	maxRows  = 256
)

// committer writes units of work. Commits of one workspace wait for each other at
// its row in heads, so those that come to this node while one is under way make up
// the next, in one transaction: one flush of Postgres's log serves them all. Units
// of different workspaces never share one.
type committer struct {
	db     *DB
	mu     sync.Mutex
	queues map[core.WorkspaceID][]*pending // of workspaces with a writer at work

	groups, writes atomic.Int64 // made durable
}

// pending waits to be written: a unit of work, or other changes of a workspace.
type pending struct {
	unit   *store.Batch
	seq    int64              // of the unit, when it is written
	add    func(*batch) error // adds the statements of other changes; may be called again
	result chan error         // holds one
}

func newPending(add func(*batch) error) *pending {
	return &pending{add: add, result: make(chan error, 1)}
}

func newCommitter(db *DB) *committer {
	return &committer{db: db, queues: map[core.WorkspaceID][]*pending{}}
}

// write adds p to the next transaction of its workspace, and waits until that is
// durable or p has failed.
func (c *committer) write(ctx context.Context, op string, ws core.WorkspaceID, p *pending) error {
	if err := ctx.Err(); err != nil {
		return &core.Error{Op: op, Kind: core.Timeout, Msg: "The call ended before its changes could be written.", Err: err}
	}
	c.mu.Lock()
	queue, working := c.queues[ws]
	c.queues[ws] = append(queue, p)
	c.mu.Unlock()
	if !working {
		go c.drain(op, ws)
	}
	return <-p.result // whatever ctx says: the caller must learn whether it was committed
}

// drain writes what waits in a workspace until nothing does. Those who are ready to
// run go first: what they are about to write comes along.
func (c *committer) drain(op string, ws core.WorkspaceID) {
	goruntime.Gosched()
	for {
		c.mu.Lock()
		group := c.queues[ws]
		if len(group) == 0 {
			delete(c.queues, ws)
			c.mu.Unlock()
			return
		}
		rest := group[together(group):]
		group = group[:len(group)-len(rest)]
		c.queues[ws] = rest[:len(rest):len(rest)]
		c.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), commitTime)
		c.transact(ctx, op, ws, group, false)
		cancel()
	}
}

// together is how many of those who wait share the next transaction.
func together(waiting []*pending) (n int) {
	for rows := 0; n < min(len(waiting), maxGroup); n++ {
		if unit := waiting[n].unit; unit != nil {
			rows += len(unit.Writes) + len(unit.Changes)
		}
		if rows > maxRows && n > 0 {
			break
		}
	}
	return n
}

// transact writes a group in one transaction, and answers each of it. A unit that
// fails takes the transaction with it, so those before it are written without it,
// and then those behind. Of a bundle that fails as a whole each is written on its
// own. When a key wasn't free that was thought to be, the same units are sent again,
// asking who holds each key: that tells whose it was. So are those behind them; it
// returns whether they have to be.
func (c *committer) transact(ctx context.Context, op string, ws core.WorkspaceID, group []*pending, asking bool) (asks bool) {
	for len(group) > 0 {
		first, behind, err := c.send(ctx, op, ws, group, asking)
		if errors.Is(err, errHeld) {
			asking = true
			continue
		}
		if err == nil {
			c.groups.Add(1)
			c.writes.Add(int64(len(group)))
		}
		if first == behind { // all of them are written, or nobody knows
			for _, p := range group {
				p.result <- err
			}
			return asking
		}
		asking = c.transact(ctx, op, ws, group[:first], asking)
		if behind-first == 1 {
			group[first].result <- err
		} else {
			for i := first; i < behind; i++ {
				asking = c.transact(ctx, op, ws, group[i:i+1], asking)
			}
		}
		group = group[behind:]
	}
	return asking
}

// send runs a group as one batch. The error is of one of the units from first to
// behind; none when it is of nobody, as when the connection is lost: then they may
// have been written all the same.
func (c *committer) send(
	ctx context.Context, op string, ws core.WorkspaceID, group []*pending, asking bool,
) (first, behind int, err error) {
	leave, err := c.db.writing.enter(ctx, ws)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	b := within(ws)
	b.asking = asking
	type part struct{ behind, statements int }
	var parts []part
	for i := 0; i < len(group); {
		behind, err := b.addNext(ws, group, i)
		if err != nil {
			return i, behind, err
		}
		parts = append(parts, part{behind, b.queue.Len()})
		i = behind
	}
	err = b.sendSafely(ctx, op, c.db.writes)
	if err == nil || !b.refused {
		return 0, 0, err
	}
	if b.unmet != ofNobody {
		return b.unmet, b.unmet + 1, err
	}
	for _, p := range parts {
		if b.done < p.statements {
			return first, p.behind, err
		}
		first = p.behind
	}
	return 0, 0, err
}

// addNext adds the statements of the next part of a group, from its place i on: a
// bundle of units, or other changes. A panic is its error: the committer serves
// everybody.
func (b *batch) addNext(ws core.WorkspaceID, group []*pending, i int) (behind int, err error) {
	behind = i + 1
	defer func() {
		if r := recover(); r != nil {
			err = &core.Error{Op: "postgres.Write", Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	if group[i].unit == nil {
		b.unit = ofNobody
		return behind, group[i].add(b)
	}
	u := &bundle{ws: ws}
	for behind = i; behind < len(group) && group[behind].unit != nil && u.take(group[behind]); behind++ {
	}
	return behind, b.commit(u, i)
}
