package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// ReplaceSession implements core/account's Store.
func (db *DB) ReplaceSession(ctx context.Context, s core.Session, previous [32]byte) error {
	return db.keep(ctx, "postgres.ReplaceSession", func(b *batch) {
		b.exec("DELETE FROM sessions WHERE hash = $1", previous[:])
		b.exec("DELETE FROM sessions WHERE account = $1 AND expires <= $2", s.Account, micros(s.Created))
		b.exec("INSERT INTO sessions (hash, id, account, created, expires) VALUES ($1, $2, $3, $4, $5)",
			s.Hash[:], s.ID, s.Account, micros(s.Created), micros(s.Expires))
	})
}

// SessionByHash implements core/account's Store.
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (s core.Session, a core.Account, err error) {
	s.Hash = hash
	err = db.find(ctx, "postgres.SessionByHash", func(b *batch) {
		b.row(func(row scanner) error {
			var created, expires, since int64
			err := row.Scan(append([]any{&s.ID, &s.Account, &created, &expires}, accountInto(&a, &since)...)...)
			s.Created, s.Expires, a.Created = fromMicros(created), fromMicros(expires), fromMicros(since)
			return err
		}, "SELECT s.id, s.account, s.created, s.expires, "+accountColumns+
			" FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.hash = $1", hash[:])
	})
	return s, a, err
}

// DeleteSession implements core/account's Store.
func (db *DB) DeleteSession(ctx context.Context, hash [32]byte) error {
	return db.keep(ctx, "postgres.DeleteSession", func(b *batch) { b.exec("DELETE FROM sessions WHERE hash = $1", hash[:]) })
}
