package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

// maxGroup bounds how many writes share a transaction, and so how long the
// first of them waits for the last.
const maxGroup = 256

// committer is the only writer of the file. Writes that arrive while a group is
// being flushed make up the next group, so that one fsync serves them all.
type committer struct {
	db      *sql.DB
	queue   chan *pending
	closing chan struct{}
	once    sync.Once
	done    chan struct{}
}

type pending struct {
	ctx    context.Context
	fn     func(context.Context, *sql.Tx) error
	result chan error
}

func startCommitter(db *sql.DB) *committer {
	c := &committer{
		db:      db,
		queue:   make(chan *pending, maxGroup),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go c.run()
	return c
}

func (c *committer) write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	p := &pending{ctx: ctx, fn: fn, result: make(chan error, 1)}
	select {
	case <-c.closing:
		return errClosing
	default:
	}
	select {
	case c.queue <- p:
	case <-c.closing:
		return errClosing
	case <-ctx.Done():
		return ctx.Err()
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

func (c *committer) stop() {
	c.once.Do(func() { close(c.closing) })
	<-c.done
}

func (c *committer) run() {
	defer close(c.done)
	for {
		select {
		case first := <-c.queue:
			c.commit(c.group(first))
		case <-c.closing:
			for {
				select {
				case first := <-c.queue:
					c.commit(c.group(first))
				default:
					return
				}
			}
		}
	}
}

func (c *committer) group(first *pending) []*pending {
	group := []*pending{first}
	for len(group) < maxGroup {
		select {
		case next := <-c.queue:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction and answers each of its writes.
func (c *committer) commit(group []*pending) {
	results := make([]error, len(group))
	err := c.transact(group, results)
	for i, p := range group {
		if err != nil && results[i] == nil {
			results[i] = core.Wrap("sqlite.Write", core.Unavailable, err)
		}
		p.result <- results[i]
	}
}

func (c *committer) transact(group []*pending, results []error) error {
	// Not the context of one of the writers: the others must not share its fate.
	ctx := context.Background()
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it says so, and there is nothing to undo
	for i, p := range group {
		if results[i] = p.ctx.Err(); results[i] != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, "SAVEPOINT unit"); err != nil {
			return err
		}
		if results[i] = call(ctx, tx, p.fn); results[i] != nil {
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO unit"); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE unit"); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// call turns a panic of fn into its error: the committer serves everybody.
func call(ctx context.Context, tx *sql.Tx, fn func(context.Context, *sql.Tx) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(core.E("sqlite.Write", core.Internal, ""), fmt.Errorf("panic: %v", r))
		}
	}()
	return fn(ctx, tx)
}
