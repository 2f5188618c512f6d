package postgres

import (
	"context"
	"sync/atomic"
	"time"
)

// clock is the database's clock, which all its nodes go by: what one of them makes
// due another claims, and a lease means the same to each. The node's own clock only
// tells how much time has passed since the database's was read.
type clock struct {
	local func() time.Time
	last  atomic.Pointer[reading]
}

// reading is what both clocks showed at one moment.
type reading struct{ database, local time.Time }

func newClock() *clock { return &clock{local: time.Now} }

func (c *clock) now() time.Time {
	last := c.last.Load()
	return last.database.Add(c.local().Sub(last.local))
}

// read looks at the database's clock. A reading that took long says little: it
// counts only where it contradicts the one before.
func (c *clock) read(ctx context.Context, to sender) error {
	began := c.local()
	var us int64
	var b batch
	b.row(func(s scanner) error { return s.Scan(&us) }, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
	if err := b.send(ctx, "postgres.ReadClock", to); err != nil {
		return err
	}
	now := c.local()
	took := now.Sub(began)
	earliest := fromMicros(us)
	if c.last.Load() != nil {
		if known := c.now(); !known.Before(earliest) && !known.After(earliest.Add(took)) {
			return nil
		}
	}
	c.last.Store(&reading{earliest.Add(took / 2), now})
	return nil
}

// Now is the time by the database's clock, whatever this node's shows.
func (db *DB) Now() time.Time { return db.clock.now() }

// readClock reads it again; without an answer the last reading goes on.
func (db *DB) readClock() {
	ctx, cancel := context.WithTimeout(context.Background(), look)
	defer cancel()
	db.clock.read(ctx, db.platform) //nolint:errcheck // calls say that the database is gone
}
