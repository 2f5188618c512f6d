package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

// Contracts implements core/billing's Store.
func (db *DB) Contracts(ctx context.Context, ws core.WorkspaceID) ([]core.Contract, error) {
	rows, err := db.read.QueryContext(ctx,
		"SELECT id, plan, began, ended FROM contracts WHERE "+inWorkspace+" ORDER BY ended > 0, began DESC, id DESC", ws)
	contracts, err := collect(rows, err, func(s scanner) (core.Contract, error) {
		c := core.Contract{Workspace: ws}
		var began, ended int64
		err := s.Scan(&c.ID, &c.Plan, &began, &ended)
		c.Began, c.Ended = fromMicros(began), fromMicros(ended)
		return c, err
	})
	return contracts, failed("sqlite.Contracts", err)
}

func putContract(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, c core.Contract) error {
	const op = "sqlite.PutContract"
	if _, err := tx.ExecContext(ctx, "UPDATE contracts SET ended = ? WHERE "+inWorkspace+" AND ended = 0", micros(c.Began), ws); err != nil {
		return failed(op, err)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO contracts (workspace, id, plan, began, ended) VALUES (?, ?, ?, ?, 0)", ws,
		c.ID, c.Plan, micros(c.Began))
	if err != nil {
		return failed(op, err)
	}
	// The store doesn't know what a plan includes; who tries them does.
	if err := resume(ctx, tx, c.Began, " AND "+inWorkspace, ws); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx, ws)
}
