package sqlite

import (
	"context"
	"database/sql"
	"math"

	"github.com/carrel-dev/carrel/core"
)

// Audit implements core/workspace's Store.
func (db *DB) Audit(ctx context.Context, ws core.WorkspaceID, before int64, limit int) (entries []core.AuditEntry, next int64, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	var positions []int64
	rows, err := db.read.QueryContext(ctx, "SELECT position, time, actor, action, subject FROM audit WHERE "+inWorkspace+
		" AND position < ? ORDER BY position DESC LIMIT ?", ws, before, limit+1)
	entries, err = collect(rows, err, func(s scanner) (e core.AuditEntry, err error) {
		var position, time int64
		err = s.Scan(&position, &time, &e.Actor, &e.Action, &e.Subject)
		e.Time, positions = fromMicros(time), append(positions, position)
		return e, err
	})
	if len(entries) > limit {
		entries, next = entries[:limit], positions[limit-1]
	}
	return entries, next, failed("sqlite.Audit", err)
}

func appendAudit(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, e core.AuditEntry) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO audit (workspace, time, actor, action, subject) VALUES (?, ?, ?, ?, ?)",
		ws, micros(e.Time), e.Actor, e.Action, e.Subject)
	return failed("sqlite.AppendAudit", err)
}
