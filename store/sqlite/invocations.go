package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// invocationsAtOnce is how many records a statement inserts, if there are as
// many: beginning and ending one takes longer than adding a row.
const invocationsAtOnce = 32

var insertInvocation, insertInvocations = insertOf(1), insertOf(invocationsAtOnce)

// insertOf is the statement that inserts n records, those whose workspaces there
// are. It looks workspaces up for records, and not the other way round.
func insertOf(n int) string {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	return `INSERT INTO invocations
		(workspace, id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request)
		SELECT r.* FROM (VALUES ` + strings.Repeat(row+", ", n-1) + row + `) r CROSS JOIN workspaces w ON w.id = r.column1`
}

// WriteInvocations implements store.Invocations.
func (db *DB) WriteInvocations(ctx context.Context, records []core.InvocationRecord) error {
	err := db.writeData(ctx, "", func(ctx context.Context, s session) error {
		var args []any
		for some := range slices.Chunk(records, invocationsAtOnce) {
			if len(some) == invocationsAtOnce {
				args = args[:0]
				for i := range some {
					args = appendInvocation(args, &some[i])
				}
				if _, err := s.exec(ctx, insertInvocations, args...); err != nil {
					return err
				}
				continue
			}
			for i := range some {
				if _, err := s.exec(ctx, insertInvocation, appendInvocation(args[:0], &some[i])...); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return failed("sqlite.WriteInvocations", err)
}

// appendInvocation appends the values of a record's columns, as what the driver
// takes them to be: database/sql would ask reflection about each.
func appendInvocation(args []any, r *core.InvocationRecord) []any {
	return append(args, string(r.Workspace), string(r.ID), string(r.Install), r.Handler, string(r.Kind), string(r.Trigger), string(r.Outcome),
		int64(r.Runs), r.Fuel, r.Duration.Microseconds(), r.Error, micros(r.Started), string(r.Delivery), int64(r.Attempt),
		store.LogText(r.Log), string(r.Request))
}
