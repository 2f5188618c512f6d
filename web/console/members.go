package console

import (
	"net/http"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// members lists who may enter the workspace.
func (c *Console) members(v *visit) error {
	return c.showMembers(v, v.frame("Members"), "", core.RoleMember)
}

func (c *Console) showMembers(v *visit, f frame, email string, role core.Role) error {
	list, err := c.Workspaces.Members(v.UserContext(), v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	return render(v.Ctx, membersPage(f, membersView{
		Members: list, Self: v.who.Account.ID, Manages: v.actor.Role.Manages(), Roles: v.roles(), Email: email, Role: role,
	}))
}

// roles are those the visitor may give: only owners make owners.
func (v *visit) roles() []roleChoice {
	roles := []roleChoice{
		{core.RoleMember, "What the plugins give members."},
		{core.RoleAdmin, "Everything in the workspace, but closing it and naming owners."},
		{core.RoleOwner, "Everything."},
	}
	if v.actor.Role != core.RoleOwner {
		return roles[:2]
	}
	return roles
}

// addMember lets somebody in.
func (c *Console) addMember(v *visit) error {
	email, role := field(v.Ctx, "email"), core.Role(field(v.Ctx, "role"))
	if _, err := c.Workspaces.AddMember(v.UserContext(), v.ws.ID, v.actor, email, role); err != nil {
		f := v.frame("Members")
		f.Problem = v.refused(err)
		return c.showMembers(v, f, email, role)
	}
	return v.to("/members", "added")
}

// member shows one of them, to change or remove.
func (c *Console) member(v *visit) error {
	m, err := c.findMember(v)
	if err != nil {
		return err
	}
	return c.showMember(v, v.frame(m.Name, v.above("Members", "/members")), m)
}

func (c *Console) showMember(v *visit, f frame, m core.Member) error {
	return render(v.Ctx, memberPage(f, memberView{
		Member: m, Self: m.Account == v.who.Account.ID, Manages: v.actor.Role.Manages(), Roles: v.roles(),
	}))
}

// findMember is the member a route names. A member sees nobody's page but their
// own; there, too, they can do nothing but leave.
func (c *Console) findMember(v *visit) (core.Member, error) {
	const op = "console.member"
	account := core.AccountID(param(v.Ctx, "account"))
	list, err := c.Workspaces.Members(v.UserContext(), v.ws.ID, v.actor)
	if err != nil {
		return core.Member{}, err
	}
	i := slices.IndexFunc(list, func(m core.Member) bool { return m.Account == account })
	if i < 0 {
		return core.Member{}, core.E(op, core.NotFound, "There is no such member.")
	}
	if account != v.who.Account.ID && !v.actor.Role.Manages() {
		return core.Member{}, core.E(op, core.Denied,
			"Your role in this workspace is %s; this needs owner or admin. Ask one of them.", v.actor.Role)
	}
	return list[i], nil
}

// setRole changes what a member is.
func (c *Console) setRole(v *visit) error {
	m, err := c.findMember(v)
	if err != nil {
		return err
	}
	if _, err := c.Workspaces.SetRole(v.UserContext(), v.ws.ID, v.actor, m.Account, core.Role(field(v.Ctx, "role"))); err != nil {
		f := v.frame(m.Name, v.above("Members", "/members"))
		f.Problem = v.refused(err)
		return c.showMember(v, f, m)
	}
	return v.to("/members", "role")
}

// removeMember takes somebody out, or lets them leave.
func (c *Console) removeMember(v *visit) error {
	m, err := c.findMember(v)
	if err != nil {
		return err
	}
	if err := c.Workspaces.RemoveMember(v.UserContext(), v.ws.ID, v.actor, m.Account); err != nil {
		f := v.frame(m.Name, v.above("Members", "/members"))
		f.Problem = v.refused(err)
		return c.showMember(v, f, m)
	}
	if m.Account == v.who.Account.ID {
		return v.Redirect(Prefix+"/workspaces?done=left", http.StatusSeeOther)
	}
	return v.to("/members", "removed")
}
