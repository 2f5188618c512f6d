package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/web/session"
)

// Workspace is a workspace as its members see it.
type Workspace struct {
	ID        core.WorkspaceID `json:"id" example:"ws_01890a5d-ac96-774b-bcce-b302099a8057"`
	Slug      string           `json:"slug" doc:"Its name in addresses." example:"acme"`
	Name      string           `json:"name"`
	TimeZone  string           `json:"timeZone" example:"Europe/Paris"`
	Locale    string           `json:"locale" example:"en"`
	Plan      string           `json:"plan"`
	Role      core.Role        `json:"role" doc:"What you are in it."`
	CreatedAt time.Time        `json:"createdAt"`
}

func workspaceView(w core.Workspace, role core.Role) Workspace {
	return Workspace{w.ID, w.Slug, w.Name, w.TimeZone, w.Locale, w.Plan, role, w.Created}
}

// InWorkspace is the part of an input that names the workspace.
type InWorkspace struct {
	WS string `path:"ws" doc:"Slug or id."`
}

type workspaceOutput struct{ Body Workspace }

func (a *API) workspaces() {
	register(a, known, describe("GET /workspaces", "listWorkspaces", "List my workspaces"),
		func(ctx context.Context, _ *struct{}) (*List[Workspace], error) {
			who, err := session.Require(ctx)
			if err != nil {
				return nil, err
			}
			memberships, err := a.Workspaces.List(ctx, who.Account.ID)
			if err != nil {
				return nil, err
			}
			var open []Workspace
			for _, m := range memberships {
				if who.Token == nil || who.Token.Workspace == "" || who.Token.Workspace == m.Workspace.ID {
					open = append(open, workspaceView(m.Workspace, m.Role))
				}
			}
			return list(open, ""), nil
		})

	create := describe("POST /workspaces", "createWorkspace", "Make a workspace")
	create.DefaultStatus = http.StatusCreated
	register(a, owner, create, func(ctx context.Context, in *struct {
		Body struct {
			Name     string `json:"name"`
			Slug     string `json:"slug,omitempty" doc:"Absent: made from the name."`
			TimeZone string `json:"timeZone,omitempty" doc:"Absent: UTC."`
			Locale   string `json:"locale,omitempty" doc:"Absent: en."`
			Plan     string `json:"plan,omitempty" doc:"Absent: the first one."`
		}
	}) (*workspaceOutput, error) {
		who, err := session.Require(ctx)
		if err != nil {
			return nil, err
		}
		w, err := a.Workspaces.Create(ctx, who.Account.ID, workspace.CreateRequest(in.Body))
		if err != nil {
			return nil, inBody(err)
		}
		return &workspaceOutput{workspaceView(w, core.RoleOwner)}, nil
	})

	register(a, readWorkspace, describe("GET /workspaces/{ws}", "getWorkspace", "Get a workspace"),
		func(ctx context.Context, in *InWorkspace) (*workspaceOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			return &workspaceOutput{workspaceView(p.Workspace, p.Actor.Role)}, nil
		})

	register(a, writeWorkspace, describe("PATCH /workspaces/{ws}", "updateWorkspace", "Change a workspace"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Body struct {
				Name     *string `json:"name,omitempty"`
				Slug     *string `json:"slug,omitempty"`
				TimeZone *string `json:"timeZone,omitempty"`
				Locale   *string `json:"locale,omitempty"`
			}
		}) (*workspaceOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			w, err := a.Workspaces.Update(ctx, p.ID, p.Actor, workspace.UpdateRequest(in.Body))
			if err != nil {
				return nil, inBody(err)
			}
			return &workspaceOutput{workspaceView(w, p.Actor.Role)}, nil
		})

	remove := describe("DELETE /workspaces/{ws}", "deleteWorkspace", "Delete a workspace and everything in it")
	register(a, writeWorkspace, remove, func(ctx context.Context, in *struct {
		InWorkspace
		Slug string `query:"slug" doc:"The workspace's slug, to confirm that it is the one to delete."`
	}) (*struct{}, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		return nil, placed("query", a.Workspaces.Delete(ctx, p.ID, p.Actor, in.Slug))
	})
}
