package sqlite

import (
	"context"
	"crypto/subtle"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

// accountColumns are read by scanAccount, always under the name a.
const accountColumns = "a.id, a.email, a.name, a.password_hash, a.operator, a.created"

func accountInto(a *core.Account, created *int64) []any {
	return []any{&a.ID, &a.Email, &a.Name, &a.PasswordHash, &a.Operator, created}
}

func scanAccount(row scanner) (a core.Account, err error) {
	var created int64
	err = row.Scan(accountInto(&a, &created)...)
	a.Created = fromMicros(created)
	return a, err
}

// CreateAccount implements core/account's Store.
func (db *DB) CreateAccount(ctx context.Context, a core.Account) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error { return insertAccount(ctx, tx, a) })
}

func insertAccount(ctx context.Context, tx *sql.Tx, a core.Account) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO accounts (id, email, name, password_hash, operator, created) VALUES (?, ?, ?, ?, ?, ?)",
		a.ID, a.Email, a.Name, a.PasswordHash, a.Operator, micros(a.Created))
	return failed("sqlite.CreateAccount", err)
}

// CreateFirstAccount implements core/account's Store.
func (db *DB) CreateFirstAccount(ctx context.Context, a core.Account, setup [32]byte) error {
	const op = "sqlite.CreateFirstAccount"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		taken, err := hasAccounts(ctx, tx)
		if err != nil {
			return err
		}
		if taken {
			return core.E(op, core.Denied, "There is an account already.")
		}
		stored, err := readSetup(ctx, tx)
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(stored[:], setup[:]) != 1 {
			return core.E(op, core.NotFound, "")
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM setup"); err != nil {
			return failed(op, err)
		}
		return insertAccount(ctx, tx, a)
	})
}

// Account implements core/account's Store.
func (db *DB) Account(ctx context.Context, id core.AccountID) (core.Account, error) {
	a, err := scanAccount(db.read.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM accounts a WHERE a.id = ?", id))
	return a, failed("sqlite.Account", err)
}

// AccountByEmail implements core/account's and core/workspace's Store.
func (db *DB) AccountByEmail(ctx context.Context, email string) (core.Account, error) {
	a, err := scanAccount(db.read.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM accounts a WHERE a.email = ?", email))
	return a, failed("sqlite.AccountByEmail", err)
}

// HasAccounts implements core/account's Store.
func (db *DB) HasAccounts(ctx context.Context) (bool, error) { return hasAccounts(ctx, db.read) }

func hasAccounts(ctx context.Context, q querier) (taken bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM accounts)").Scan(&taken)
	return taken, failed("sqlite.HasAccounts", err)
}

// SetPassword implements core/account's Store.
func (db *DB) SetPassword(ctx context.Context, id core.AccountID, hash string) error {
	const op = "sqlite.SetPassword"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE accounts SET password_hash = ? WHERE id = ?", hash, id)
		if err := one(op, result, err); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM sessions WHERE account = ?", id)
		return failed(op, err)
	})
}

// PutSetup implements core/account's Store.
func (db *DB) PutSetup(ctx context.Context, hash [32]byte) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			"INSERT INTO setup (one, hash) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET hash = excluded.hash", hash[:])
		return failed("sqlite.PutSetup", err)
	})
}

// Setup implements core/account's Store.
func (db *DB) Setup(ctx context.Context) ([32]byte, error) { return readSetup(ctx, db.read) }

func readSetup(ctx context.Context, q querier) (hash [32]byte, err error) {
	var stored []byte
	err = q.QueryRowContext(ctx, "SELECT hash FROM setup").Scan(&stored)
	copy(hash[:], stored)
	return hash, failed("sqlite.Setup", err)
}
