package postgres

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
)

const (
	// leaseTime is how long a node may remember after it renewed its lease.
	leaseTime = 2 * time.Second
	// renewTime is how often it does.
	renewTime = leaseTime / 4
	// overTime is how long a lease has not been renewed when it is over for sure, though
	// clocks of two machines are not quite as fast.
	overTime = leaseTime + leaseTime/4
	// keepTime is how long anything is remembered, whatever happens: somebody may have
	// changed the database who announces nothing, or died before it did.
	keepTime = 5 * time.Second
)

// lease is a node's right to answer from memory who is who. Whoever changes an answer
// commits that, announces an invalidation, and waits until every node that has a
// lease has forgotten what it remembered, or its lease is over: only then is the change
// done. So what was revoked at one node is refused by all of them from the answer to
// its revocation on, whether nodes and messages between them are late, lost, paused or
// dead. Time is only measured, by each on its own clock; no two clocks are compared.
//
// A message makes it fast: without one the others forget when they renew.
type lease struct {
	node   int32
	config *pgx.ConnConfig
	forget func()

	until   atomic.Pointer[time.Time] // nil: it has none
	start   sync.Once                 // with the first question: a command asks none
	stopped context.Context
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

func newLease(node int32, config *pgx.ConnConfig, forget func()) *lease {
	l := &lease{node: node, config: config, forget: forget}
	l.stopped, l.stop = context.WithCancel(context.Background())
	return l
}

// holds reports whether memory may answer.
func (l *lease) holds(now time.Time) bool {
	l.start.Do(func() { l.ended.Go(l.keep) })
	until := l.until.Load()
	return until != nil && now.Before(*until)
}

// close gives the lease back, so that nobody waits for it.
func (l *lease) close() {
	l.start.Do(func() {})
	l.stop()
	l.ended.Wait()
}

// keep takes the lease again whenever it is lost.
func (l *lease) keep() {
	for l.stopped.Err() == nil {
		l.hold() //nolint:errcheck // without a lease the database is asked, and says what is wrong
		l.until.Store(nil)
		select {
		case <-l.stopped.Done():
		case <-time.After(renewTime):
		}
	}
}

// invalidations is the channel of the messages.
const invalidations = "carrel_invalidations"

// hold takes the lease and renews it until that fails, on a connection of its own.
func (l *lease) hold() error {
	conn, err := pgx.ConnectConfig(l.stopped, l.config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(l.stopped)) //nolint:errcheck // it is not used any more
	for _, statement := range []string{"SET ROLE " + rolePlatform, "LISTEN " + invalidations} {
		if _, err := conn.Exec(l.stopped, statement); err != nil {
			return err
		}
	}
	_, err = conn.Exec(l.stopped, "INSERT INTO leases (node, renewals, forgot) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING", l.node)
	if err != nil {
		return err
	}
	l.forget() // what was changed while it had no lease
	forgot, forgotAt := int64(0), time.Now()
	for l.stopped.Err() == nil {
		last, sent, err := l.renew(conn, forgot)
		if err != nil {
			return err
		}
		if last != forgot {
			l.forget()
			forgot, forgotAt = last, time.Now()
			continue // whoever announced it waits
		}
		until := sent.Add(leaseTime)
		l.until.Store(&until)
		if time.Since(forgotAt) > keepTime {
			l.forget()
			forgotAt = time.Now()
		}
		ctx, cancel := context.WithTimeout(l.stopped, renewTime)
		_, err = conn.WaitForNotification(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	l.until.Store(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.stopped), renewTime)
	defer cancel()
	_, err = conn.Exec(ctx, "DELETE FROM leases WHERE node = $1", l.node)
	return err
}

// renew says up to which invalidation this node has forgotten, and returns the last
// one there is. The lease lasts from when it was sent on. The error is pgx.ErrNoRows
// when it is gone: others did not see it renewed for so long that they went on without.
func (l *lease) renew(conn *pgx.Conn, forgot int64) (last int64, sent time.Time, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.stopped), leaseTime)
	defer cancel()
	sent = time.Now()
	err = conn.QueryRow(ctx, "UPDATE leases SET renewals = renewals + 1, forgot = $2 WHERE node = $1"+
		" RETURNING (SELECT last_value FROM invalidations)", l.node, forgot).Scan(&last)
	return last, sent, err
}

// invalidate returns when no node answers any more from what it remembered before.
// It is called after a change of who is who was committed, and before whoever made
// it is told so. It fails when that can't be found out.
func (db *DB) invalidate(ctx context.Context) error {
	db.memory.forget()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	return core.Wrap("postgres.Invalidate", core.Unavailable, invalidate(ctx, db.platform, db.here.number))
}

// ended takes how a change of who is who ended, and returns what its author is told.
// Whoever found nothing left to change waits, too: the answer says that it is done,
// and whoever did it before may still be waiting, or have died before saying so.
func (db *DB) ended(ctx context.Context, err error) error {
	switch kind := core.KindOf(err); {
	case err == nil, kind == core.NotFound, kind == core.Changed:
		return cmp.Or(db.invalidate(ctx), err)
	case kind == core.Unavailable, kind == core.Timeout:
		db.memory.forget() // it may have been done all the same
	}
	return err
}

// renewed is a lease whose node has not forgotten, as it was when it was first seen.
type renewed struct {
	renewals int64
	seen     time.Time
}

func invalidate(ctx context.Context, to sender, own int32) error {
	var number int64
	holders, err := behind(ctx, to, func(b *batch) {
		b.row(func(s scanner) error { return s.Scan(&number) }, "SELECT nextval('invalidations')")
		b.exec("NOTIFY " + invalidations)
	}, "node <> $1 AND forgot < currval('invalidations')", own)
	waits := map[int32]renewed{}
	for pause := time.Millisecond; err == nil && len(holders) > 0; pause = min(2*pause, renewTime/8) {
		now := time.Now()
		for node, renewals := range holders {
			since, known := waits[node]
			switch {
			case !known || since.renewals != renewals:
				waits[node] = renewed{renewals, now}
			case now.Sub(since.seen) > overTime:
				err = errors.Join(err, end(ctx, to, node, renewals))
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err == nil {
			holders, err = behind(ctx, to, func(*batch) {}, "node <> $1 AND forgot < $2", own, number)
		}
	}
	return err
}

// behind returns how often those leases were renewed whose nodes have yet to forget.
func behind(ctx context.Context, to sender, first func(*batch), where string, args ...any) (renewals map[int32]int64, err error) {
	renewals = map[int32]int64{}
	var b batch
	first(&b)
	b.rows(func(s scanner) error {
		var node int32
		var n int64
		err := s.Scan(&node, &n)
		renewals[node] = n
		return err
	}, "SELECT node, renewals FROM leases WHERE "+where, args...)
	return renewals, b.send(ctx, "postgres.Invalidate", to)
}

// end takes a lease away that is over. Its node finds it gone when it comes back.
func end(ctx context.Context, to sender, node int32, renewals int64) error {
	var b batch
	b.exec("DELETE FROM leases WHERE node = $1 AND renewals = $2", node, renewals)
	return b.send(ctx, "postgres.Invalidate", to)
}
