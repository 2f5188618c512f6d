package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// WriteInvocations implements store.Invocations.
func (db *DB) WriteInvocations(ctx context.Context, records []core.InvocationRecord) error {
	err := db.writeData(ctx, func(ctx context.Context, tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO invocations
			(workspace, id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request)
			SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM workspaces WHERE id = ?`)
		if err != nil {
			return err
		}
		defer insert.Close() //nolint:errcheck // its transaction ends
		for _, r := range records {
			if _, err := insert.ExecContext(ctx, r.ID, r.Install, r.Handler, r.Kind, r.Trigger, r.Outcome, r.Runs, r.Fuel,
				r.Duration.Microseconds(), r.Error, micros(r.Started), r.Delivery, r.Attempt, store.LogText(r.Log), r.Request, r.Workspace); err != nil {
				return err
			}
		}
		return nil
	})
	return failed("sqlite.WriteInvocations", err)
}
