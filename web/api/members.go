package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Member is a person of a workspace.
type Member struct {
	Account   core.AccountID `json:"account"`
	Email     string         `json:"email"`
	Name      string         `json:"name"`
	Role      core.Role      `json:"role" enum:"owner,admin,member"`
	CreatedAt time.Time      `json:"createdAt" doc:"When they became a member."`
}

func memberView(m core.Member) Member { return Member{m.Account, m.Email, m.Name, m.Role, m.Created} }

type memberOutput struct{ Body Member }

type InMember struct {
	InWorkspace
	Account string `path:"account" doc:"The account's id."`
}

func (a *API) members() {
	register(a, readMembers, describe("GET /workspaces/{ws}/members", "listMembers", "List the members"),
		func(ctx context.Context, in *InWorkspace) (*List[Member], error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			members, err := a.Workspaces.Members(ctx, p.ID, p.Actor)
			return mapped(members, memberView, ""), err
		})

	add := describe("POST /workspaces/{ws}/members", "addMember", "Add a member")
	add.Description = "The person must have an account. Only owners make owners."
	add.DefaultStatus = http.StatusCreated
	register(a, writeMembers, add, func(ctx context.Context, in *struct {
		InWorkspace
		Body struct {
			Email string `json:"email"`
			Role  string `json:"role" enum:"owner,admin,member"`
		}
	}) (*memberOutput, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		m, err := a.Workspaces.AddMember(ctx, p.ID, p.Actor, in.Body.Email, core.Role(in.Body.Role))
		if err != nil {
			return nil, named("email", err)
		}
		return &memberOutput{memberView(m)}, nil
	})

	register(a, writeMembers, describe("PATCH /workspaces/{ws}/members/{account}", "setRole", "Change a member's role"),
		func(ctx context.Context, in *struct {
			InMember
			Body struct {
				Role string `json:"role" enum:"owner,admin,member"`
			}
		}) (*memberOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			m, err := a.Workspaces.SetRole(ctx, p.ID, p.Actor, core.AccountID(in.Account), core.Role(in.Body.Role))
			if err != nil {
				return nil, inBody(err)
			}
			return &memberOutput{memberView(m)}, nil
		})

	register(a, writeMembers, describe("DELETE /workspaces/{ws}/members/{account}", "removeMember", "Remove a member, or leave"),
		func(ctx context.Context, in *InMember) (*struct{}, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			return nil, a.Workspaces.RemoveMember(ctx, p.ID, p.Actor, core.AccountID(in.Account))
		})
}
