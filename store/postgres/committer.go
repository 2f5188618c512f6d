package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// commitTime bounds a commit. It goes on when its caller is gone: whether it
	// happened should be known, and what it has begun holds others up.
	commitTime = 20 * time.Second
	// maxGroup is how many units share a transaction at most.
	maxGroup = 64
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

// pending is a unit that waits to be written.
type pending struct {
	add    func(*batch) error // adds its statements; may be called again
	result chan error         // holds one
}

// statements turns a panic of add into its error: the committer serves everybody.
func (p *pending) statements(b *batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &core.Error{Op: "postgres.Write", Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	return p.add(b)
}

func newCommitter(db *DB) *committer {
	return &committer{db: db, queues: map[core.WorkspaceID][]*pending{}}
}

// write adds a unit to the next transaction of its workspace, and waits until that
// is durable or the unit has failed. add is called once or more, from another
// goroutine.
func (c *committer) write(ctx context.Context, op string, ws core.WorkspaceID, add func(*batch) error) error {
	if err := ctx.Err(); err != nil {
		return &core.Error{Op: op, Kind: core.Timeout, Msg: "The call ended before its changes could be written.", Err: err}
	}
	p := &pending{add, make(chan error, 1)}
	c.mu.Lock()
	queue, working := c.queues[ws]
	c.queues[ws] = append(queue, p)
	c.mu.Unlock()
	if !working {
		go c.drain(op, ws)
	}
	return <-p.result // whatever ctx says: the caller must learn whether it was committed
}

// drain writes what waits in a workspace until nothing does.
func (c *committer) drain(op string, ws core.WorkspaceID) {
	for {
		c.mu.Lock()
		group := c.queues[ws]
		if len(group) == 0 {
			delete(c.queues, ws)
			c.mu.Unlock()
			return
		}
		rest := group[min(len(group), maxGroup):]
		group = group[:len(group)-len(rest)]
		c.queues[ws] = rest[:len(rest):len(rest)]
		c.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), commitTime)
		c.transact(ctx, op, ws, group)
		cancel()
	}
}

// transact writes a group in one transaction, and answers each of it. A unit that
// fails takes the transaction with it, so those before it are written without it,
// and then those behind.
func (c *committer) transact(ctx context.Context, op string, ws core.WorkspaceID, group []*pending) {
	for len(group) > 0 {
		failed, err := c.send(ctx, op, ws, group)
		if err == nil {
			c.groups.Add(1)
			c.writes.Add(int64(len(group)))
		}
		if err == nil || failed < 0 { // all of them are written, or nobody knows
			for _, p := range group {
				p.result <- err
			}
			return
		}
		group[failed].result <- err
		if failed > 0 {
			c.transact(ctx, op, ws, group[:failed])
		}
		group = group[failed+1:]
	}
}

// send runs a group as one batch. failed is which of its units the error is of; -1
// when it is of none, as when the connection is lost: then it may have been written
// all the same.
func (c *committer) send(ctx context.Context, op string, ws core.WorkspaceID, group []*pending) (failed int, err error) {
	leave, err := c.db.writing.enter(ctx, ws)
	if err != nil {
		return -1, err
	}
	defer leave()
	b := within(ws)
	ends := make([]int, len(group)) // of each unit's statements
	for i, p := range group {
		if err := p.statements(b); err != nil {
			return i, err
		}
		ends[i] = b.queue.Len()
	}
	err = b.sendSafely(ctx, op, c.db.writes)
	if err == nil || !b.refused {
		return -1, err
	}
	for i, end := range ends {
		if b.done < end {
			return i, err
		}
	}
	return -1, err
}
