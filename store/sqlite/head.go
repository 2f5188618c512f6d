package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// readHead returns the moment a workspace is at: zero before its first commit.
func readHead(ctx context.Context, q querier, ws core.WorkspaceID) (store.Moment, error) {
	return scanHead(q.QueryRowContext(ctx, selectHead, ws))
}

func scanHead(row *sql.Row) (at store.Moment, err error) {
	if err = row.Scan(&at.Seq, &at.AuthEpoch); errors.Is(err, sql.ErrNoRows) {
		return store.Moment{}, nil
	}
	return at, err
}

// bumpSeq moves a workspace on to its next moment and returns its number.
// Whatever changes something a unit of work can read must call it in the same
// transaction.
func bumpSeq(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID) (seq int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO heads (workspace, seq, auth_epoch) VALUES (?, 1, 0)
		ON CONFLICT (workspace) DO UPDATE SET seq = seq + 1 RETURNING seq`, ws).Scan(&seq)
	return seq, err
}

// bumpEpoch makes every view of who may do what in a workspace stale: units
// authorised before it fail their commit with Changed. Whatever changes
// installations, members, roles or contracts must call it in the same
// transaction.
func bumpEpoch(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO heads (workspace, seq, auth_epoch) VALUES (?, 1, 1)
		ON CONFLICT (workspace) DO UPDATE SET seq = seq + 1, auth_epoch = auth_epoch + 1`, ws)
	return err
}
