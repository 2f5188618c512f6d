package postgres

import (
	"context"
	"math"

	"github.com/carrel-dev/carrel/core"
)

// Audit implements core/workspace's Store.
func (db *DB) Audit(ctx context.Context, ws core.WorkspaceID, before int64, limit int) (entries []core.AuditEntry, next int64, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	var positions []int64
	err = db.read(ctx, "postgres.Audit", ws, func(b *batch) {
		b.rows(func(s scanner) error {
			var e core.AuditEntry
			var position, time int64
			err := s.Scan(&position, &time, &e.Actor, &e.Action, &e.Subject)
			e.Time = fromMicros(time)
			entries, positions = append(entries, e), append(positions, position)
			return err
		}, "SELECT position, time, actor, action, subject FROM audit WHERE "+inWorkspace+
			" AND position < $2 ORDER BY position DESC LIMIT $3", ws, before, limit+1)
	})
	if len(entries) > limit {
		entries, next = entries[:limit], positions[limit-1]
	}
	return entries, next, err
}

func (b *batch) audit(ws core.WorkspaceID, e core.AuditEntry) {
	b.exec("INSERT INTO audit (workspace, time, actor, action, subject) VALUES ($1, $2, $3, $4, $5)",
		ws, micros(e.Time), e.Actor, e.Action, e.Subject)
}
