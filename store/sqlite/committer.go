package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// committer is the only writer of the file. Writes that arrive while a group is
// being written or flushed join it or make up the next, in turn among workspaces, so
// that one fsync serves them all.
type committer struct {
	db       *sql.DB
	prepared statements // of db
	moments  *store.Shelf[core.WorkspaceID, store.Moment]
	queue    chan *pending
	waiting  *fairQueue // run's own: those of queue that it has taken
	log      *checkpointer
	now      func() time.Time
	closing  chan struct{}
	once     sync.Once
	done     chan struct{}

	groups, writes atomic.Int64 // made durable
}

type pending struct {
	ctx       context.Context
	workspace core.WorkspaceID // whose rows it writes; empty: the platform's, or many's
	long      bool             // it is known to take longer than others should wait for
	fn        func(context.Context, session) error
	result    chan error // holds one
	err       error      // fn's

	settled func(error) // told how it ended before the result is
}

func startCommitter(db *sql.DB, prepared statements, moments *store.Shelf[core.WorkspaceID, store.Moment], checkpoints *checkpointer) *committer {
	c := &committer{
		db:       db,
		prepared: prepared,
		moments:  moments,
		queue:    make(chan *pending, maxGroup),
		waiting:  newFairQueue(),
		log:      checkpoints,
		now:      time.Now,
		closing:  make(chan struct{}),
		done:     make(chan struct{}),
	}
	go c.run()
	return c
}

func (c *committer) write(ctx context.Context, ws core.WorkspaceID, fn func(context.Context, session) error, settled func(error)) error {
	return c.wait(&pending{ctx: ctx, workspace: ws, fn: fn, settled: settled})
}

// wait has a write done, and returns when it is on disk or has failed.
func (c *committer) wait(p *pending) error {
	p.result = make(chan error, 1)
	select {
	case <-c.closing:
		return errClosing
	default:
	}
	select {
	case c.queue <- p:
	case <-c.closing:
		return errClosing
	case <-p.ctx.Done():
		return abandoned(p.ctx)
	}
	// Once queued, the answer is waited for whatever the context says: the
	// caller must learn whether it was committed.
	select {
	case err := <-p.result:
		return err
	case <-c.done:
		select {
		case err := <-p.result:
			return err
		default:
			return errClosing
		}
	}
}

var errClosing = core.E("sqlite.Write", core.Unavailable, "The server is shutting down.")

func abandoned(ctx context.Context) error {
	return &core.Error{Op: "sqlite.Write", Kind: core.Timeout, Msg: "The call ended before its changes could be written.", Err: ctx.Err()}
}

func (c *committer) stop() {
	c.once.Do(func() { close(c.closing) })
	<-c.done
	c.log.stop()
}

func (c *committer) run() {
	defer close(c.done)
	for {
		if p := c.next(); p != nil {
			c.commit(p)
			continue
		}
		select {
		case p := <-c.queue:
			c.waiting.add(p)
		case <-c.closing:
			for p := c.next(); p != nil; p = c.next() {
				c.commit(p)
			}
			return
		}
	}
}

// next takes the write whose turn it is among those that wait; nil when none does.
func (c *committer) next() *pending {
	c.receive()
	return c.waiting.next()
}

// receive puts the writes that have come into their lines.
func (c *committer) receive() {
	for {
		select {
		case p := <-c.queue:
			c.waiting.add(p)
		default:
			return
		}
	}
}

// commit runs a group of writes, the first and those that wait, in one transaction
// and answers each of them.
func (c *committer) commit(first *pending) {
	group, err := c.transact(first)
	succeeded := int64(0)
	for _, p := range group {
		if err != nil && p.err == nil {
			p.err = &core.Error{Op: "sqlite.Write", Kind: core.Unavailable, Err: err}
		}
		if p.err == nil {
			succeeded++
		}
	}
	if succeeded > 0 {
		c.groups.Add(1)
		c.writes.Add(succeeded)
	}
	for _, p := range group {
		p.settled(p.err)
	}
	c.moments.Open()
	for _, p := range group {
		p.result <- p.err
	}
	c.log.written(c.db)
}

// transact returns the writes it took on; an error is one of all of them.
func (c *committer) transact(first *pending) (group []*pending, err error) {
	// Not the context of one of the writers: the others must not share its fate.
	ctx := context.Background()
	group = []*pending{first}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return group, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it says so, and there is nothing to undo
	s := session{tx, c.prepared, statements{}}
	so := progress{had: map[core.WorkspaceID]time.Duration{}}
	for p := first; ; {
		begins := c.now()
		if err := savepoint(ctx, s, p); err != nil {
			return group, err
		}
		took := c.now().Sub(begins)
		c.waiting.took(took)
		so.add(p.workspace, took)
		c.receive()
		if next := c.waiting.first(); next == nil || so.over(next) {
			break
		}
		p = c.waiting.next()
		group = append(group, p)
	}
	c.moments.Close()
	return group, tx.Commit()
}

const (
	beginUnit = "SAVEPOINT unit"
	undoUnit  = "ROLLBACK TO unit"
	endUnit   = "RELEASE unit"
)

// savepoint runs one write in a savepoint of its own and notes its error. An
// error it returns is the transaction's.
func savepoint(ctx context.Context, s session, p *pending) error {
	if p.ctx.Err() != nil {
		p.err = abandoned(p.ctx)
		return nil
	}
	if _, err := s.exec(ctx, beginUnit); err != nil {
		return err
	}
	if p.err = call(ctx, s, p.fn); p.err != nil {
		// When SQLite itself has rolled the whole transaction back (a full disk
		// does that), there is no savepoint: everybody's write is lost, and the
		// error says so.
		if _, err := s.exec(ctx, undoUnit); err != nil {
			return err
		}
	}
	_, err := s.exec(ctx, endUnit)
	return err
}

// call turns a panic of fn into its error: the committer serves everybody.
func call(ctx context.Context, s session, fn func(context.Context, session) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &core.Error{Op: "sqlite.Write", Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	return fn(ctx, s)
}
