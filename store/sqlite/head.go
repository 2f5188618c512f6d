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

// bump moves a workspace on to its next moment and returns that.
func (s session) bump(ctx context.Context, ws core.WorkspaceID) (at store.Moment, err error) {
	err = s.row(ctx, bumpSeq, ws).Scan(&at.Seq, &at.AuthEpoch)
	return at, err
}

// bumpEpoch makes every view of who may do what in a workspace stale: units
// authorised before it fail their commit with Changed. Whatever changes
// installations, members, roles or contracts must call it in the same
// transaction. It moves the workspace on to its next moment, too.
func bumpEpoch(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO heads (workspace, seq, auth_epoch) VALUES (?, 1, 1)
		ON CONFLICT (workspace) DO UPDATE SET seq = seq + 1, auth_epoch = auth_epoch + 1`, ws)
	return err
}
