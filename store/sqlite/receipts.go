package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

// putReceipt stores what an idempotent request was answered. Somebody else's
// receipt for the same key means that the unit must run again, to find it.
func putReceipt(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, r core.Receipt) error {
	const op = "sqlite.PutReceipt"
	_, err := tx.ExecContext(ctx, "INSERT INTO receipts (workspace, scope, key, request_hash, answer, created) VALUES (?, ?, ?, ?, ?, ?)",
		ws, r.Scope, r.Key, r.RequestHash[:], string(r.Answer), micros(r.Created))
	if err = failed(op, err); core.KindOf(err) == core.Exists {
		return core.E(op, core.Changed, "A request with the same Idempotency-Key was answered at the same time.")
	}
	return err
}
