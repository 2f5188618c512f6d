package postgres

import "github.com/carrel-dev/carrel/core"

// members adds the question of who belongs to a workspace.
func (b *batch) members(ws core.WorkspaceID, into *[]core.Member) {
	b.rows(func(s scanner) error {
		m := core.Member{Workspace: ws}
		var created int64
		err := s.Scan(&m.Account, &m.Email, &m.Name, &m.Role, &created)
		m.Created = fromMicros(created)
		*into = append(*into, m)
		return err
	}, "SELECT m.account, a.email, a.name, m.role, m.created FROM members m"+with("a", "email, name", "accounts", "id = m.account")+
		"WHERE m."+inWorkspace+" ORDER BY a.name, a.email", ws)
}

func (b *batch) putMember(ws core.WorkspaceID, m core.Member) {
	b.exec(`INSERT INTO members (workspace, account, role, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace, account) DO UPDATE SET role = excluded.role`, ws, m.Account, m.Role, micros(m.Created))
	b.bumpEpoch(ws)
}
