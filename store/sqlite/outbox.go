package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

const insertEventQuery = `INSERT INTO events (workspace, id, type, version, source, data, cause, hop, time)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

func insertEvent(ctx context.Context, s session, ws core.WorkspaceID, e core.Event) error {
	_, err := s.exec(ctx, insertEventQuery, ws, e.ID, e.Type, e.Version, e.Source, string(e.Data), e.Cause, e.Hop, micros(e.Time))
	return failed("sqlite.AppendEvent", err)
}
