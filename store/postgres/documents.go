package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// documents is the database's document engine, a store.Backend.
type documents struct {
	db      *DB
	numbers store.Numbers
}

// Documents returns the database's document engine.
func (db *DB) Documents() store.Backend { return db.documents }

// read runs a batch of a workspace's rows in one snapshot. ask adds to it, and may
// be called again; what it reads may be used once read returns. A connection that
// turns out to be dead is no reason to fail: nothing was read from it.
func (db *DB) read(ctx context.Context, op string, ws core.WorkspaceID, ask func(*batch)) error {
	leave, err := db.reading.enter(ctx, ws)
	if err != nil {
		return err
	}
	defer leave()
	return sendRead(ctx, op, db.reads, func() *batch { b := within(ws); ask(b); return b })
}

// sendRead sends a batch that only reads; and once more, made anew, if the connection
// was dead before anything was read from it.
func sendRead(ctx context.Context, op string, pool *pgxpool.Pool, make func() *batch) error {
	b := make()
	err := b.send(ctx, op, pool)
	if b.lost && b.done == 0 {
		return make().send(ctx, op, pool)
	}
	return err
}

// writeData changes rows of a workspace that say nothing of who is who, beside its
// units of work.
func (db *DB) writeData(ctx context.Context, op string, ws core.WorkspaceID, add func(*batch)) error {
	return db.committer.write(ctx, op, ws, newPending(func(b *batch) error { add(b); return nil }))
}

const selectHead = "SELECT seq, auth_epoch FROM heads WHERE " + inWorkspace

// head adds the question of where a workspace is: zero before its first commit.
func (b *batch) head(ws core.WorkspaceID, at *store.Moment) {
	b.row(func(s scanner) error { return orNone(s.Scan(&at.Seq, &at.AuthEpoch)) }, selectHead, ws)
}

const selectDocument = "SELECT version, schema, body, created, updated FROM documents WHERE " + inWorkspace + " AND tbl = $2 AND id = $3"

// Document implements store.Backend.
func (d *documents) Document(
	ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID,
) (found *core.Document, at store.Moment, err error) {
	err = d.db.read(ctx, "postgres.Document", ws, func(b *batch) {
		b.head(ws, &at)
		b.rows(func(s scanner) error {
			found = &core.Document{ID: id}
			var body string
			var created, updated int64
			err := s.Scan(&found.Version, &found.Schema, &body, &created, &updated)
			found.Body, found.Created, found.Updated = []byte(body), fromMicros(created), fromMicros(updated)
			return err
		}, selectDocument, ws, int64(table), id)
	})
	return found, at, err
}

const selectReceipt = "SELECT request_hash, answer, created FROM receipts WHERE " + inWorkspace + " AND scope = $2 AND key = $3"

// Receipt implements store.Backend.
func (d *documents) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (found *core.Receipt, at store.Moment, err error) {
	const op = "postgres.Receipt"
	err = d.db.read(ctx, op, ws, func(b *batch) {
		b.head(ws, &at)
		b.rows(func(s scanner) error {
			var hash []byte
			var answer string
			var created int64
			if err := s.Scan(&hash, &answer, &created); err != nil {
				return err
			}
			found = &core.Receipt{Scope: scope, Key: key, Answer: []byte(answer), Created: fromMicros(created)}
			if copy(found.RequestHash[:], hash) != len(found.RequestHash) {
				return core.E(op, core.Internal, "A stored receipt has no whole request hash.")
			}
			return nil
		}, selectReceipt, ws, scope, key)
	})
	return found, at, err
}

// Numbers implements store.Backend.
func (d *documents) Numbers(ctx context.Context, names []string) ([]store.Number, error) {
	const op = "postgres.Numbers"
	if numbers := d.numbers.Of(names); numbers != nil {
		return numbers, nil
	}
	given := make(map[string]store.Number, len(names))
	var b batch
	for _, name := range names {
		b.exec("INSERT INTO catalog (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
	}
	// A statement of its own: one that another node inserted at the same time is seen by the next.
	for _, name := range names {
		b.row(func(s scanner) error {
			var number store.Number
			err := s.Scan(&number)
			given[name] = number
			return err
		}, "SELECT number FROM catalog WHERE name = $1", name)
	}
	if err := b.send(ctx, op, d.db.platform); err != nil {
		return nil, err
	}
	d.numbers.Add(given)
	return d.numbers.Of(names), nil
}
