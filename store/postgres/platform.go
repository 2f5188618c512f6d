package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// find runs a batch that looks for what is of no workspace, or at several at a
// time. Like read it passes over a connection that turns out to be dead, so ask may
// be called again.
func (db *DB) find(ctx context.Context, op string, ask func(*batch)) error {
	return sendRead(ctx, op, db.platform, func() *batch { b := &batch{}; ask(b); return b })
}

// keep runs a batch that changes what is of no workspace, and has who is who
// forgotten.
func (db *DB) keep(ctx context.Context, op string, change func(*batch)) error {
	return db.ended(ctx, db.keepData(ctx, op, change))
}

// keepData is keep for what takes nobody's place or right away: nothing that is
// remembered is wrong after it. It goes on when its caller is gone.
func (db *DB) keepData(ctx context.Context, op string, change func(*batch)) error {
	if err := ctx.Err(); err != nil {
		return &core.Error{Op: op, Kind: core.Timeout, Err: err}
	}
	var b batch
	change(&b)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	return b.send(ctx, op, db.platform)
}
