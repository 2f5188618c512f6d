package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// accountColumns are read into accountInto, always under the name a.
const accountColumns = "a.id, a.email, a.name, a.password_hash, a.operator, a.created"

func accountInto(a *core.Account, created *int64) []any {
	return []any{&a.ID, &a.Email, &a.Name, &a.PasswordHash, &a.Operator, created}
}

// CreateAccount implements core/account's Store.
func (db *DB) CreateAccount(ctx context.Context, a core.Account) error {
	return db.keepData(ctx, "postgres.CreateAccount", func(b *batch) { b.insertAccount(a) })
}

func (b *batch) insertAccount(a core.Account) {
	b.exec("INSERT INTO accounts (id, email, name, password_hash, operator, created) VALUES ($1, $2, $3, $4, $5, $6)",
		a.ID, a.Email, a.Name, a.PasswordHash, a.Operator, micros(a.Created))
}

// CreateFirstAccount implements core/account's Store. Of several at once, one
// gets the row with the set-up token; the others find its account.
func (db *DB) CreateFirstAccount(ctx context.Context, a core.Account, setup [32]byte) error {
	const op = "postgres.CreateFirstAccount"
	return db.keepData(ctx, op, func(b *batch) {
		b.exec("SELECT FROM setup FOR UPDATE")
		b.exec("SELECT expect(NOT EXISTS (SELECT FROM accounts), $1)",
			int32(b.unless(func(int64) error { return core.E(op, core.Denied, "There is an account already.") })))
		b.must(missing(op), "DELETE FROM setup WHERE hash = $1", setup[:])
		b.insertAccount(a)
	})
}

// Account implements core/account's Store.
func (db *DB) Account(ctx context.Context, id core.AccountID) (core.Account, error) {
	return db.account(ctx, "postgres.Account", "a.id = $1", id)
}

// AccountByEmail implements core/account's and core/workspace's Store.
func (db *DB) AccountByEmail(ctx context.Context, email string) (core.Account, error) {
	return db.account(ctx, "postgres.AccountByEmail", "a.email = $1", email)
}

func (db *DB) account(ctx context.Context, op, where string, arg any) (a core.Account, err error) {
	err = db.find(ctx, op, func(b *batch) {
		b.row(func(s scanner) error {
			var created int64
			err := s.Scan(accountInto(&a, &created)...)
			a.Created = fromMicros(created)
			return err
		}, "SELECT "+accountColumns+" FROM accounts a WHERE "+where, arg)
	})
	return a, err
}

// HasAccounts implements core/account's Store.
func (db *DB) HasAccounts(ctx context.Context) (taken bool, err error) {
	err = db.find(ctx, "postgres.HasAccounts", func(b *batch) {
		b.row(func(s scanner) error { return s.Scan(&taken) }, "SELECT EXISTS (SELECT FROM accounts)")
	})
	return taken, err
}

// SetPassword implements core/account's Store.
func (db *DB) SetPassword(ctx context.Context, id core.AccountID, hash string) error {
	const op = "postgres.SetPassword"
	return db.keep(ctx, op, func(b *batch) {
		b.must(missing(op), "UPDATE accounts SET password_hash = $1 WHERE id = $2", hash, id)
		b.exec("DELETE FROM sessions WHERE account = $1", id)
	})
}

// PutSetup implements core/account's Store.
func (db *DB) PutSetup(ctx context.Context, hash [32]byte) error {
	return db.keepData(ctx, "postgres.PutSetup", func(b *batch) {
		b.exec("INSERT INTO setup (one, hash) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET hash = excluded.hash", hash[:])
	})
}

// Setup implements core/account's Store.
func (db *DB) Setup(ctx context.Context) (hash [32]byte, err error) {
	err = db.find(ctx, "postgres.Setup", func(b *batch) {
		b.row(func(s scanner) error {
			var stored []byte
			err := s.Scan(&stored)
			copy(hash[:], stored)
			return err
		}, "SELECT hash FROM setup")
	})
	return hash, err
}
