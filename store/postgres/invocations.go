package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const (
	selectInvocations = "SELECT id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started," +
		" delivery, attempt, log, request FROM "
	ofInvocations = "invocations WHERE " + inWorkspace
)

func (h History) invocations(
	ctx context.Context, op string, ws core.WorkspaceID, from string, args ...any,
) (list []core.InvocationRecord, err error) {
	err = h.db.read(ctx, op, ws, func(b *batch) {
		b.rows(func(s scanner) error {
			r, err := scanInvocation(s, ws)
			list = append(list, r)
			return err
		}, selectInvocations+from, args...)
	})
	return list, err
}

func scanInvocation(s scanner, ws core.WorkspaceID) (core.InvocationRecord, error) {
	r := core.InvocationRecord{Workspace: ws}
	var duration, started int64
	var log string
	err := s.Scan(&r.ID, &r.Install, &r.Handler, &r.Kind, &r.Trigger, &r.Outcome, &r.Runs, &r.Fuel, &duration, &r.Error, &started,
		&r.Delivery, &r.Attempt, &log, &r.Request)
	if err == nil && log != "" {
		err = core.Wrap("postgres.Invocation", core.Internal, json.Unmarshal([]byte(log), &r.Log))
	}
	r.Duration, r.Started = time.Duration(duration)*time.Microsecond, fromMicros(started)
	return r, err
}

// Invocations implements web/api's History.
func (h History) Invocations(
	ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int,
) ([]core.InvocationRecord, error) {
	return h.invocations(ctx, "postgres.Invocations", ws, ofInvocations+below, ws, idBelow(before), limit)
}

// Attempts implements web/api's History.
func (h History) Attempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.DeliveryID) ([]core.InvocationRecord, error) {
	return h.invocations(ctx, "postgres.Attempts", ws, each("invocations", "delivery")+" ORDER BY id", ws, texts(deliveries))
}

// Invocation implements web/api's History.
func (h History) Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (r core.InvocationRecord, err error) {
	err = h.db.read(ctx, "postgres.Invocation", ws, func(b *batch) {
		b.row(func(s scanner) (err error) { r, err = scanInvocation(s, ws); return err }, selectInvocations+ofInvocations+" AND id = $2", ws, id)
	})
	return r, err
}

// WriteInvocations implements store.Invocations. A workspace that is deleted or
// restored at the same time refuses records of its own, and holds them up: then each
// workspace's are written apart, so that it takes nobody else's along.
func (db *DB) WriteInvocations(ctx context.Context, records []core.InvocationRecord) error {
	err := db.writeInvocations(ctx, records)
	if refused, ok := asPgError(err); !ok || goesDown(refused) {
		return err
	}
	of := map[core.WorkspaceID][]core.InvocationRecord{}
	for _, r := range records {
		of[r.Workspace] = append(of[r.Workspace], r)
	}
	var errs []error
	for _, own := range of {
		errs = append(errs, db.writeInvocations(ctx, own))
	}
	return errors.Join(errs...)
}

func (db *DB) writeInvocations(ctx context.Context, records []core.InvocationRecord) error {
	return db.keepData(ctx, "postgres.WriteInvocations", func(b *batch) {
		b.exec("SELECT set_config('lock_timeout', '500ms', true)") // of the foreign key: see above
		b.exec(`INSERT INTO invocations
				(workspace, id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request)
			SELECT n.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
				$9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::text[], $16::text[]) AS n (workspace)`+
			with("w", "id", "workspaces", "id = n.workspace"),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Workspace) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.ID) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Install) }),
			columnOf(records, func(r core.InvocationRecord) string { return r.Handler }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Kind) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Trigger) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Outcome) }),
			columnOf(records, func(r core.InvocationRecord) int64 { return int64(r.Runs) }),
			columnOf(records, func(r core.InvocationRecord) int64 { return int64(r.Fuel) }),
			columnOf(records, func(r core.InvocationRecord) int64 { return r.Duration.Microseconds() }),
			columnOf(records, func(r core.InvocationRecord) string { return r.Error }),
			columnOf(records, func(r core.InvocationRecord) int64 { return micros(r.Started) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Delivery) }),
			columnOf(records, func(r core.InvocationRecord) int64 { return int64(r.Attempt) }),
			columnOf(records, func(r core.InvocationRecord) string { return store.LogText(r.Log) }),
			columnOf(records, func(r core.InvocationRecord) string { return string(r.Request) }))
	})
}
