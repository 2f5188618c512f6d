package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// tokenColumns are read by tokenInto and finishToken, always under the name t.
const tokenColumns = "t.id, t.account, t.name, t.workspace, t.scopes, t.created, t.expires, t.last_used"

type tokenRow struct {
	token                      core.Token
	scopes                     sql.NullString
	created, expires, lastUsed int64
}

func (r *tokenRow) into() []any {
	t := &r.token
	return []any{&t.ID, &t.Account, &t.Name, &t.Workspace, &r.scopes, &r.created, &r.expires, &r.lastUsed}
}

func (r *tokenRow) finish() (core.Token, error) {
	t := r.token
	t.Created, t.Expires, t.LastUsed = fromMicros(r.created), fromMicros(r.expires), fromMicros(r.lastUsed)
	if r.scopes.Valid {
		return t, json.Unmarshal([]byte(r.scopes.String), &t.Scopes)
	}
	return t, nil
}

// CreateToken implements core/account's Store.
func (db *DB) CreateToken(ctx context.Context, t core.Token) error {
	const op = "sqlite.CreateToken"
	var scopes sql.NullString
	if t.Scopes != nil {
		text, err := json.Marshal(t.Scopes)
		if err != nil {
			return core.Wrap(op, core.Internal, err)
		}
		scopes = sql.NullString{String: string(text), Valid: true}
	}
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (hash, id, account, name, workspace, scopes, created, expires, last_used)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			t.Hash[:], t.ID, t.Account, t.Name, t.Workspace, scopes, micros(t.Created), micros(t.Expires), micros(t.LastUsed))
		return failed(op, err)
	})
}

// TokenByHash implements core/account's Store.
func (db *DB) TokenByHash(ctx context.Context, hash [32]byte) (core.Token, core.Account, error) {
	known, err := store.Recall(&db.memory.tokens, hash, func() (knownToken, error) { return db.readToken(ctx, hash) })
	return known.token, known.account, err
}

func (db *DB) readToken(ctx context.Context, hash [32]byte) (k knownToken, err error) {
	const op = "sqlite.TokenByHash"
	var row tokenRow
	var since int64
	err = db.read.QueryRowContext(ctx, `SELECT `+tokenColumns+`, `+accountColumns+`
		FROM tokens t JOIN accounts a ON a.id = t.account WHERE t.hash = ?`, hash[:]).
		Scan(append(row.into(), accountInto(&k.account, &since)...)...)
	if err != nil {
		return knownToken{}, failed(op, err)
	}
	k.account.Created = fromMicros(since)
	k.token, err = row.finish()
	k.token.Hash = hash
	return k, core.Wrap(op, core.Internal, err)
}

// TokensOf implements core/account's Store. It leaves out the hashes.
func (db *DB) TokensOf(ctx context.Context, account core.AccountID) ([]core.Token, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT "+tokenColumns+" FROM tokens t WHERE t.account = ? ORDER BY t.id DESC", account)
	tokens, err := collect(rows, err, func(s scanner) (core.Token, error) {
		var row tokenRow
		if err := s.Scan(row.into()...); err != nil {
			return core.Token{}, err
		}
		return row.finish()
	})
	return tokens, failed("sqlite.TokensOf", err)
}

// DeleteToken implements core/account's Store.
func (db *DB) DeleteToken(ctx context.Context, account core.AccountID, id core.TokenID) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE account = ? AND id = ?", account, id)
		return one("sqlite.DeleteToken", result, err)
	})
}

// TouchToken implements core/account's Store.
func (db *DB) TouchToken(ctx context.Context, id core.TokenID, used time.Time) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE tokens SET last_used = ? WHERE id = ?", micros(used), id)
		return failed("sqlite.TouchToken", err)
	})
}
