package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// ReplaceSession implements core/account's Store. A session that only begins takes
// nobody's place: those whose time is over are refused in any case.
func (db *DB) ReplaceSession(ctx context.Context, s core.Session, previous [32]byte) error {
	keep := db.keep
	if previous == [32]byte{} {
		keep = db.keepData
	}
	return keep(ctx, "postgres.ReplaceSession", func(b *batch) {
		b.exec("DELETE FROM sessions WHERE hash = $1", previous[:])
		b.exec("DELETE FROM sessions WHERE account = $1 AND expires <= $2", s.Account, micros(s.Created))
		b.exec("INSERT INTO sessions (hash, id, account, created, expires) VALUES ($1, $2, $3, $4, $5)",
			s.Hash[:], s.ID, s.Account, micros(s.Created), micros(s.Expires))
	})
}

// signedIn is a session with its account.
type signedIn struct {
	session core.Session
	account core.Account
}

func (db *DB) gathersSessions() *gatherer[[32]byte, signedIn] {
	return gathers(db, "postgres.SessionByHash",
		"SELECT q.place, s.id, s.account, s.created, s.expires, "+accountColumns+
			" FROM unnest($1::bytea[]) WITH ORDINALITY q (hash, place)"+
			with("s", "*", "sessions", "hash = q.hash")+with("a", "*", "accounts", "id = s.account"),
		func(hashes [][32]byte) []any { return []any{hashArray(hashes)} },
		func(row scanner) (k signedIn, err error) {
			var created, expires, since int64
			err = row.Scan(append([]any{&k.session.ID, &k.session.Account, &created, &expires}, accountInto(&k.account, &since)...)...)
			k.session.Created, k.session.Expires, k.account.Created = fromMicros(created), fromMicros(expires), fromMicros(since)
			return k, err
		})
}

// SessionByHash implements core/account's Store.
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (core.Session, core.Account, error) {
	k, err := remembered(ctx, db.lease, &db.memory.sessions, db.sessions, hash)
	k.session.Hash = hash
	return k.session, k.account, err
}

// DeleteSession implements core/account's Store.
func (db *DB) DeleteSession(ctx context.Context, hash [32]byte) error {
	return db.keep(ctx, "postgres.DeleteSession", func(b *batch) { b.exec("DELETE FROM sessions WHERE hash = $1", hash[:]) })
}
