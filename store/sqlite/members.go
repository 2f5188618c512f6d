package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

func readMembers(ctx context.Context, q querier, ws core.WorkspaceID) ([]core.Member, error) {
	rows, err := q.QueryContext(ctx, `SELECT m.account, a.email, a.name, m.role, m.created
		FROM members m JOIN accounts a ON a.id = m.account WHERE `+inWorkspace+` ORDER BY a.name, a.email`, ws)
	return collect(rows, err, func(s scanner) (core.Member, error) {
		m := core.Member{Workspace: ws}
		var created int64
		err := s.Scan(&m.Account, &m.Email, &m.Name, &m.Role, &created)
		m.Created = fromMicros(created)
		return m, err
	})
}

func putMember(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, m core.Member) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO members (workspace, account, role, created) VALUES (?, ?, ?, ?)
		ON CONFLICT (workspace, account) DO UPDATE SET role = excluded.role`, ws, m.Account, m.Role, micros(m.Created))
	if err != nil {
		return failed("sqlite.PutMember", err)
	}
	return bumpEpoch(ctx, tx, ws)
}

func removeMember(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, account core.AccountID) error {
	result, err := tx.ExecContext(ctx, "DELETE FROM members WHERE "+inWorkspace+" AND account = ?", ws, account)
	if err := one("sqlite.RemoveMember", result, err); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx, ws)
}
