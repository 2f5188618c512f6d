package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// tokenColumns are read by a tokenRow, always under the name t.
const tokenColumns = "t.id, t.account, t.name, t.workspace, t.scopes, t.created, t.expires, t.last_used"

type tokenRow struct {
	token                      core.Token
	scopes                     *string
	created, expires, lastUsed int64
}

func (r *tokenRow) into() []any {
	t := &r.token
	return []any{&t.ID, &t.Account, &t.Name, &t.Workspace, &r.scopes, &r.created, &r.expires, &r.lastUsed}
}

func (r *tokenRow) finish() (core.Token, error) {
	t := r.token
	t.Created, t.Expires, t.LastUsed = fromMicros(r.created), fromMicros(r.expires), fromMicros(r.lastUsed)
	if r.scopes != nil {
		return t, core.Wrap("postgres.Token", core.Internal, json.Unmarshal([]byte(*r.scopes), &t.Scopes))
	}
	return t, nil
}

// CreateToken implements core/account's Store.
func (db *DB) CreateToken(ctx context.Context, t core.Token) error {
	const op = "postgres.CreateToken"
	var scopes *string
	if t.Scopes != nil {
		encoded, err := json.Marshal(t.Scopes)
		if err != nil {
			return core.Wrap(op, core.Internal, err)
		}
		list := text(string(encoded))
		scopes = &list
	}
	return db.keepData(ctx, op, func(b *batch) {
		b.exec(`INSERT INTO tokens (hash, id, account, name, workspace, scopes, created, expires, last_used)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			t.Hash[:], t.ID, t.Account, t.Name, t.Workspace, scopes, micros(t.Created), micros(t.Expires), micros(t.LastUsed))
	})
}

// bearer is a token with its account.
type bearer struct {
	token   core.Token
	account core.Account
}

func (db *DB) gathersTokens() *gatherer[[32]byte, bearer] {
	return gathers(db, "postgres.TokenByHash",
		"SELECT q.place, "+tokenColumns+", "+accountColumns+
			" FROM unnest($1::bytea[]) WITH ORDINALITY q (hash, place)"+
			with("t", "*", "tokens", "hash = q.hash")+with("a", "*", "accounts", "id = t.account"),
		func(hashes [][32]byte) []any { return []any{hashArray(hashes)} },
		func(s scanner) (k bearer, err error) {
			var row tokenRow
			var since int64
			if err := s.Scan(append(row.into(), accountInto(&k.account, &since)...)...); err != nil {
				return k, err
			}
			k.account.Created = fromMicros(since)
			k.token, err = row.finish()
			return k, err
		})
}

// hashArray is an argument of type bytea[].
func hashArray(hashes [][32]byte) [][]byte {
	array := make([][]byte, len(hashes))
	for i := range hashes {
		array[i] = hashes[i][:]
	}
	return array
}

// TokenByHash implements core/account's Store.
func (db *DB) TokenByHash(ctx context.Context, hash [32]byte) (core.Token, core.Account, error) {
	k, err := remembered(ctx, db.lease, &db.memory.tokens, db.tokens, hash)
	k.token.Hash = hash
	return k.token, k.account, err
}

// TokensOf implements core/account's Store. It leaves out the hashes.
func (db *DB) TokensOf(ctx context.Context, account core.AccountID) (tokens []core.Token, err error) {
	err = db.find(ctx, "postgres.TokensOf", func(b *batch) {
		b.rows(func(s scanner) error {
			var row tokenRow
			if err := s.Scan(row.into()...); err != nil {
				return err
			}
			t, err := row.finish()
			tokens = append(tokens, t)
			return err
		}, "SELECT "+tokenColumns+" FROM (SELECT * FROM tokens WHERE account = $1 OFFSET 0) t ORDER BY t.id DESC", account)
	})
	return tokens, err
}

// DeleteToken implements core/account's Store.
func (db *DB) DeleteToken(ctx context.Context, account core.AccountID, id core.TokenID) error {
	const op = "postgres.DeleteToken"
	return db.keep(ctx, op, func(b *batch) {
		b.must(missing(op), "DELETE FROM tokens WHERE account = $1 AND id = $2", account, id)
	})
}

// TouchToken implements core/account's Store.
func (db *DB) TouchToken(ctx context.Context, id core.TokenID, used time.Time) error {
	defer db.memory.tokens.Clear() // of which one was used now; other nodes may say so once more
	return db.keepData(ctx, "postgres.TouchToken", func(b *batch) {
		// Who is ending the token may take long, and is not waited for: this connection is everybody's.
		b.exec("UPDATE tokens SET last_used = $1 WHERE id = (SELECT id FROM tokens WHERE id = $2 FOR NO KEY UPDATE SKIP LOCKED)", micros(used), id)
	})
}
