package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// ReplaceSession implements core/account's Store.
func (db *DB) ReplaceSession(ctx context.Context, s core.Session, previous [32]byte) error {
	const op = "sqlite.ReplaceSession"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ? OR account = ? AND expires <= ?",
			previous[:], s.Account, micros(s.Created)); err != nil {
			return failed(op, err)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (hash, id, account, created, expires) VALUES (?, ?, ?, ?, ?)",
			s.Hash[:], s.ID, s.Account, micros(s.Created), micros(s.Expires))
		return failed(op, err)
	})
}

// SessionByHash implements core/account's Store.
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (core.Session, core.Account, error) {
	known, err := store.Recall(&db.memory.sessions, hash, func() (knownSession, error) { return db.readSession(ctx, hash) })
	return known.session, known.account, err
}

func (db *DB) readSession(ctx context.Context, hash [32]byte) (k knownSession, err error) {
	s, a := &k.session, &k.account
	var created, expires, since int64
	s.Hash = hash
	err = db.read.QueryRowContext(ctx, `SELECT s.id, s.account, s.created, s.expires, `+accountColumns+`
		FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.hash = ?`, hash[:]).
		Scan(append([]any{&s.ID, &s.Account, &created, &expires}, accountInto(a, &since)...)...)
	s.Created, s.Expires, a.Created = fromMicros(created), fromMicros(expires), fromMicros(since)
	return k, failed("sqlite.SessionByHash", err)
}

// DeleteSession implements core/account's Store.
func (db *DB) DeleteSession(ctx context.Context, hash [32]byte) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ?", hash[:])
		return failed("sqlite.DeleteSession", err)
	})
}
