package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// insertInvocations inserts records whose workspaces there are. It looks workspaces
// up for records, and not the other way round.
var insertInvocations = newInsert(`INSERT INTO invocations
		(workspace, id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request)
		SELECT r.* FROM (`, "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ") r CROSS JOIN workspaces w ON w.id = r.column1")

// WriteInvocations implements store.Invocations.
func (db *DB) WriteInvocations(ctx context.Context, records []core.InvocationRecord) error {
	err := db.writeData(ctx, "", func(ctx context.Context, s session) error {
		return execEach(ctx, s, insertInvocations, records, appendInvocation)
	})
	return failed("sqlite.WriteInvocations", err)
}

// appendInvocation appends the values of a record's columns.
func appendInvocation(args []any, r *core.InvocationRecord) []any {
	return append(args, string(r.Workspace), string(r.ID), string(r.Install), r.Handler, string(r.Kind), string(r.Trigger), string(r.Outcome),
		int64(r.Runs), r.Fuel, r.Duration.Microseconds(), r.Error, micros(r.Started), string(r.Delivery), int64(r.Attempt),
		store.LogText(r.Log), string(r.Request))
}
