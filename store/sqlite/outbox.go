package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
)

func insertEvent(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, e core.Event) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO events (workspace, id, type, version, source, data, cause, hop, time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		ws, e.ID, e.Type, e.Version, e.Source, string(e.Data), e.Cause, e.Hop, micros(e.Time))
	return failed("sqlite.AppendEvent", err)
}

// Events returns up to limit events of a workspace, oldest first, from the one
// behind after ("" for the first).
func (db *DB) Events(ctx context.Context, ws core.WorkspaceID, after core.EventID, limit int) ([]core.Event, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT id, type, version, source, data, cause, hop, time
		FROM events WHERE `+inWorkspace+` AND id > ? ORDER BY id LIMIT ?`, ws, after, limit)
	list, err := collect(rows, err, func(s scanner) (core.Event, error) {
		e := core.Event{Workspace: ws}
		var data string
		var at int64
		err := s.Scan(&e.ID, &e.Type, &e.Version, &e.Source, &data, &e.Cause, &e.Hop, &at)
		e.Data, e.Time = json.RawMessage(data), fromMicros(at)
		return e, err
	})
	return list, failed("sqlite.Events", err)
}
