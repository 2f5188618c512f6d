package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// History reads what happened in a workspace, newest first.
type History struct{ db *DB }

// History returns the history of this file's workspaces.
func (db *DB) History() History { return History{db} }

// newest is a condition on ids, which sort by time: below ?2, or all of them
// when it is empty.
const newest = inWorkspace + below

const below = " AND (?2 = '' OR id < ?2) ORDER BY id DESC LIMIT ?3"

// Events implements web/api's History.
func (h History) Events(ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) ([]core.Event, error) {
	where, args := newest, []any{ws, before, limit}
	if eventType != "" {
		where, args = inWorkspace+" AND type = ?4"+below, append(args, eventType)
	}
	rows, err := h.db.read.QueryContext(ctx,
		"SELECT id, type, version, source, data, cause, hop, time FROM events WHERE "+where, args...)
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

const selectEvent = "SELECT id, type, version, source, data, cause, hop, time FROM events WHERE " + inWorkspace + " AND id = ?"

// Event implements core/dispatch's Events.
func (h History) Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error) {
	e := core.Event{Workspace: ws}
	var data string
	var at int64
	err := h.db.readStatements[selectEvent].QueryRowContext(ctx, ws, id).
		Scan(&e.ID, &e.Type, &e.Version, &e.Source, &data, &e.Cause, &e.Hop, &at)
	e.Data, e.Time = json.RawMessage(data), fromMicros(at)
	return e, failed("sqlite.Event", err)
}

const invocationColumns = "id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request"

func scanInvocation(s scanner, ws core.WorkspaceID) (core.InvocationRecord, error) {
	r := core.InvocationRecord{Workspace: ws}
	var duration, started int64
	var log string
	err := s.Scan(&r.ID, &r.Install, &r.Handler, &r.Kind, &r.Trigger, &r.Outcome, &r.Runs, &r.Fuel, &duration, &r.Error, &started,
		&r.Delivery, &r.Attempt, &log, &r.Request)
	if err == nil && log != "" {
		err = json.Unmarshal([]byte(log), &r.Log)
	}
	r.Duration, r.Started = time.Duration(duration)*time.Microsecond, fromMicros(started)
	return r, err
}

// Invocations implements web/api's History.
func (h History) Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error) {
	rows, err := h.db.read.QueryContext(ctx, "SELECT "+invocationColumns+" FROM invocations WHERE "+newest, ws, before, limit)
	list, err := collect(rows, err, func(s scanner) (core.InvocationRecord, error) { return scanInvocation(s, ws) })
	return list, failed("sqlite.Invocations", err)
}

// Invocation implements web/api's History.
func (h History) Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error) {
	row := h.db.read.QueryRowContext(ctx, "SELECT "+invocationColumns+" FROM invocations WHERE "+inWorkspace+" AND id = ?", ws, id)
	r, err := scanInvocation(row, ws)
	return r, failed("sqlite.Invocation", err)
}

// Delivery implements web/api's History.
func (h History) Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error) {
	d, err := scanDelivery(h.db.read.QueryRowContext(ctx,
		"SELECT "+deliveryColumns+" FROM deliveries WHERE "+inWorkspace+" AND id = ?", ws, id))
	return d, failed("sqlite.Delivery", err)
}

// Redrive has a delivery that was set aside begin again, with all its attempts,
// and says in the audit log, in the same transaction, whose wish it was. It is due
// at the entry's time.
func (h History) Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, entry core.AuditEntry) (core.Delivery, error) {
	const op = "sqlite.Redrive"
	d, err := h.Delivery(ctx, ws, id)
	if err != nil {
		return d, err
	}
	err = h.db.writeOf(ctx, ws, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = 'pending', attempt = 0, due = ?, later = 0 WHERE "+inWorkspace+" AND id = ? AND state = 'set_aside'",
			micros(entry.Time), ws, id)
		if err := one(op, result, err); err != nil {
			return err
		}
		return appendAudit(ctx, tx, ws, entry)
	})
	if core.KindOf(err) == core.NotFound {
		return d, core.E(op, core.Denied, "The delivery is %s; only one that was set aside can be redriven.", d.State)
	}
	if err != nil {
		return d, err
	}
	return h.Delivery(ctx, ws, id)
}
