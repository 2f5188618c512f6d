package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

func insertEvent(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, e core.Event) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO events (workspace, id, type, version, source, data, cause, hop, time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		ws, e.ID, e.Type, e.Version, e.Source, string(e.Data), e.Cause, e.Hop, micros(e.Time))
	return failed("sqlite.AppendEvent", err)
}
