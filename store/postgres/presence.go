package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
)

const (
	// presenceClass is the class of the advisory locks nodes hold, so that they are
	// no others of the same database.
	presenceClass = 0x6361726c
	// missed is how long a node has to be gone before others take over what it ran:
	// when Postgres itself was, all nodes come back within that time.
	missed = 2 * time.Second
	// leased is how far ahead the leases of running deliveries end at most: twice
	// what a claimer takes, as nodes' clocks are not quite alike.
	leased = time.Minute
)

// presence is this node's sign of life: a connection of its own that holds an
// advisory lock on the node's number. When the process ends, however it ends, so
// does the connection, and Postgres lets go of the lock. A node that is paused, or
// whose machine is gone without a word, keeps it; its deliveries wait for their
// leases.
type presence struct {
	db     *DB
	number int32
	config *pgx.ConnConfig
	conn   *pgx.Conn
	held   atomic.Bool // whether others see this node

	absent map[int32]time.Time // nodes that run deliveries and were not there, since when
}

// newPresence gives the node a number, and holds it.
func newPresence(ctx context.Context, db *DB, platform *pgxpool.Pool) (*presence, error) {
	p := &presence{db: db, config: platform.Config().ConnConfig, absent: map[int32]time.Time{}}
	var b batch
	b.row(func(s scanner) error { return s.Scan(&p.number) }, "SELECT nextval('node_numbers')::integer")
	if err := b.send(ctx, "postgres.Open", platform); err != nil {
		return nil, err
	}
	return p, p.hold(ctx)
}

// hold sees that the lock is held: on the connection that has it, or a new one.
func (p *presence) hold(ctx context.Context) error {
	const op = "postgres.Presence"
	if p.conn != nil {
		if p.conn.Ping(ctx) == nil {
			return nil
		}
		p.close(ctx)
	}
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return failed(op, err)
	}
	_, err = conn.Exec(ctx, "SET ROLE "+rolePlatform)
	if err == nil { // shared, as the connection before may not have ended for Postgres
		_, err = conn.Exec(ctx, "SELECT pg_advisory_lock_shared($1, $2)", int32(presenceClass), p.number)
	}
	if err != nil {
		conn.Close(ctx) //nolint:errcheck // it is of no use
		return failed(op, err)
	}
	p.conn = conn
	p.held.Store(true)
	return nil
}

// claims is the number that deliveries are claimed with: none while others don't see
// this node, so that they leave them to their leases.
func (p *presence) claims() int32 {
	if p.held.Load() {
		return p.number
	}
	return 0
}

func (p *presence) close(ctx context.Context) {
	p.held.Store(false)
	if p.conn != nil {
		p.conn.Close(ctx) //nolint:errcheck // it is not used any more
		p.conn = nil
	}
}

// takeOver makes what nodes ran that are gone due again.
func (p *presence) takeOver(ctx context.Context, now time.Time) error {
	const op = "postgres.TakeOver"
	gone := map[int32]bool{}
	var look batch
	look.rows(func(s scanner) error {
		node, err := scanned[int32](s)
		gone[node] = true
		return err
	}, `SELECT node FROM deliveries WHERE due > $2 AND due <= $3 AND state = 'running' AND node <> 0 AND node <> ALL (
			SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = $1
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		GROUP BY node`, int64(presenceClass), micros(now), micros(now.Add(leased)))
	if err := look.send(ctx, op, p.db.platform); err != nil {
		clear(p.absent) // nobody knows who is there
		return err
	}
	var dead []int32
	for node := range p.absent {
		if !gone[node] {
			delete(p.absent, node)
		}
	}
	for node := range gone {
		if since, known := p.absent[node]; !known {
			p.absent[node] = now
		} else if now.Sub(since) >= missed {
			dead = append(dead, node)
		}
	}
	if len(dead) == 0 {
		return nil
	}
	var take batch
	// What was with a dead node before may be what ended it, so it waits from its
	// second attempt on: a second, then twice as long each time, up to a minute.
	take.exec("UPDATE deliveries SET state = 'retry', later = attempt > 1, last_error = 'The server that ran this attempt is gone.',"+
		" due = $2 + CASE WHEN attempt < 2 THEN 0 ELSE 1000000 * least(60, 1 << least(attempt - 2, 6)::integer) END"+
		" WHERE "+at("SELECT ctid FROM deliveries WHERE due > $2 AND due <= $3 AND state = 'running' AND node = ANY ($1)"+unlocked),
		dead, micros(now), micros(now.Add(leased)))
	return core.Wrap(op, core.Unavailable, take.send(ctx, op, p.db.platform))
}
