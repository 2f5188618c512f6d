package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// History reads what happened in a workspace, newest first.
type History struct{ db *DB }

// History returns the history of this database's workspaces.
func (db *DB) History() History { return History{db} }

// below orders rows by their ids, which sort by time, and begins below $2.
const below = " AND id < $2 ORDER BY id DESC LIMIT $3"

// each is the rows of a table whose column, which is indexed unless empty, is one of
// $2, which has none twice; to stand behind FROM. Each value is looked up on its own:
// for all together Postgres may go through the workspace.
func each(table, column string) string {
	return "unnest($2::text[]) AS wanted (value)" + with("found", "*", table, inWorkspace+" AND "+column+" <> '' AND "+column+" = wanted.value")
}

// idBelow is the bound for below; all ids are below that of none.
func idBelow[T ~string](before T) string {
	if before == "" {
		return afterIDs
	}
	return string(before)
}

const selectEvents = "SELECT id, type, version, source, data, cause, hop, time FROM events WHERE " + inWorkspace

func scanEvent(s scanner, ws core.WorkspaceID) (core.Event, error) {
	e := core.Event{Workspace: ws}
	var data string
	var at int64
	err := s.Scan(&e.ID, &e.Type, &e.Version, &e.Source, &data, &e.Cause, &e.Hop, &at)
	e.Data, e.Time = json.RawMessage(data), fromMicros(at)
	return e, err
}

// Events implements web/api's History.
func (h History) Events(
	ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int,
) (list []core.Event, err error) {
	where, args := below, []any{ws, idBelow(before), limit}
	if eventType != "" {
		where, args = " AND type = $4"+below, append(args, eventType)
	}
	err = h.db.read(ctx, "postgres.Events", ws, func(b *batch) {
		b.rows(func(s scanner) error {
			e, err := scanEvent(s, ws)
			list = append(list, e)
			return err
		}, selectEvents+where, args...)
	})
	return list, err
}

// Event implements core/dispatch's Events.
func (h History) Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error) {
	return h.db.events.ask(ctx, ws, id)
}

// eventsByID asks for ranges of one id each, in their order, which one index has: for
// an id alone Postgres may take the other, of types, and go through all of it.
var eventsByID = "SELECT found.* FROM unnest($2::text[]) AS wanted (id)" +
	", LATERAL (" + selectEvents + " AND id BETWEEN wanted.id AND wanted.id ORDER BY id LIMIT 1) found"

// gathersEvents: deliveries of a workspace that are run side by side each need their
// event.
func (db *DB) gathersEvents() *gatherer[core.EventID, core.Event] {
	const op = "postgres.Event"
	return newGatherer(op, func(ctx context.Context, ws core.WorkspaceID, ids []core.EventID) (answers []*core.Event, err error) {
		err = db.read(ctx, op, ws, func(b *batch) {
			answers = make([]*core.Event, len(ids))
			b.rows(func(s scanner) error {
				e, err := scanEvent(s, ws)
				if place := slices.Index(ids, e.ID); err == nil && place >= 0 {
					answers[place] = &e
				}
				return err
			}, eventsByID, ws, texts(ids))
		})
		return answers, err
	})
}

// Pulse says how far a workspace has come: the number of its last commit, and the
// last call on record, "" before the first. A page that is looked at asks twice a
// second, so it is two looks at the ends of indexes.
func (h History) Pulse(ctx context.Context, ws core.WorkspaceID) (commits int64, call core.InvocationID, err error) {
	err = h.db.read(ctx, "postgres.Pulse", ws, func(b *batch) {
		b.row(func(s scanner) error { return s.Scan(&commits, &call) },
			"SELECT coalesce((SELECT seq FROM heads WHERE "+inWorkspace+"), 0), "+
				"coalesce((SELECT id FROM invocations WHERE "+inWorkspace+" ORDER BY id DESC LIMIT 1), '')", ws)
	})
	return commits, call, err
}
