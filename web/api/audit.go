package api

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

func (a *API) audit() {
	register(a, readAudit, describe("GET /workspaces/{ws}/audit", "listAudit", "Who changed what, newest first"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Paging
		}) (*List[core.AuditEntry], error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			before, err := in.position("audit")
			if err != nil {
				return nil, err
			}
			entries, next, err := a.Workspaces.Audit(ctx, p.ID, p.Actor, before, in.Limit)
			return list(entries, cursorAt("audit", next)), err
		})
}
