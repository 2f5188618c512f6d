package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

var insertEvents = newInsert(
	"INSERT OR FAIL INTO events (workspace, id, type, version, source, data, cause, hop, time)", "(?, ?, ?, ?, ?, ?, ?, ?, ?)", "")

func appendEvents(ctx context.Context, s session, ws core.WorkspaceID, events []core.AppendEvent) error {
	return failed("sqlite.AppendEvent", execEach(ctx, s, insertEvents, events, func(args []any, appended *core.AppendEvent) []any {
		e := &appended.Event
		return append(args, string(ws), string(e.ID), e.Type, int64(e.Version), e.Source, string(e.Data), string(e.Cause), int64(e.Hop), micros(e.Time))
	}))
}
