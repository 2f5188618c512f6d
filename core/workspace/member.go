package workspace

import (
	"context"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// meterMembers is the plan's quota of members.
const meterMembers = "core.members"

// Members returns the people of a workspace, by name.
func (s *Service) Members(ctx context.Context, ws core.WorkspaceID, actor core.Actor) ([]core.Member, error) {
	a, err := read(ctx, s.store, ws, actor, ScopeMembersRead)
	if err != nil {
		return nil, err
	}
	return a.Members, nil
}

// AddMember makes a person with an account a member. NotFound: there is no such
// account; Exists: they are a member; QuotaExceeded: the plan has no more
// places.
func (s *Service) AddMember(ctx context.Context, ws core.WorkspaceID, actor core.Actor, email string, role core.Role) (core.Member, error) {
	const op = "workspace.AddMember"
	if err := checkRole(op, role); err != nil {
		return core.Member{}, err
	}
	// Asked first: who may not add members may not learn who has an account.
	if _, err := read(ctx, s.store, ws, actor, ScopeMembers); err != nil {
		return core.Member{}, err
	}
	account, err := s.store.AccountByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	if core.KindOf(err) == core.NotFound {
		return core.Member{}, core.E(op, core.NotFound,
			"Nobody has an account with the email address %s. Ask them to sign up first.", email)
	}
	if err != nil {
		return core.Member{}, core.Wrap(op, core.Unavailable, err)
	}
	m := core.Member{Workspace: ws, Account: account.ID, Email: account.Email, Name: account.Name, Role: role, Created: s.now()}
	return m, s.changeMembers(ctx, ws, actor, func(a core.Access, by core.Member) (core.Change, core.Happening, error) {
		if _, ok := a.Member(m.Account); ok {
			return nil, nil, core.E(op, core.Exists, "%s is a member of this workspace already.", m.Email)
		}
		if role == core.RoleOwner && by.Role != core.RoleOwner {
			return nil, nil, errOwners
		}
		plan, _ := s.plans.Plan(a.Workspace.Plan)
		if quota, ok := plan.Quota(meterMembers); ok && int64(len(a.Members)) >= quota {
			return nil, nil, core.E(op, core.QuotaExceeded,
				"The plan %s has places for %d members. Change the plan, or remove a member.", plan.Title, quota)
		}
		return core.PutMember{Member: m}, core.MemberAdded{Account: m.Account, Email: m.Email, Name: m.Name, Role: role, By: idOf(actor)}, nil
	}, "member.added", account.ID)
}

// SetRole changes what a member is. A workspace keeps at least one owner, and
// only owners make and unmake owners.
func (s *Service) SetRole(ctx context.Context, ws core.WorkspaceID, actor core.Actor, account core.AccountID, role core.Role) (core.Member, error) {
	const op = "workspace.SetRole"
	if err := checkRole(op, role); err != nil {
		return core.Member{}, err
	}
	var m core.Member
	err := s.changeMembers(ctx, ws, actor, func(a core.Access, by core.Member) (core.Change, core.Happening, error) {
		var ok bool
		if m, ok = a.Member(account); !ok {
			return nil, nil, errNoMember
		}
		if (m.Role == core.RoleOwner || role == core.RoleOwner) && by.Role != core.RoleOwner {
			return nil, nil, errOwners
		}
		if role != core.RoleOwner && lastOwner(a, m) {
			return nil, nil, errLastOwner
		}
		was := m.Role
		m.Role = role
		return core.PutMember{Member: m}, core.MemberRoleChanged{Account: account, Role: role, Was: was, By: idOf(actor)}, nil
	}, "member.role_changed", account)
	return m, err
}

// RemoveMember takes a person out of the workspace. Everybody may leave, except
// the last owner.
func (s *Service) RemoveMember(ctx context.Context, ws core.WorkspaceID, actor core.Actor, account core.AccountID) error {
	scope := ScopeMembers
	if account == actor.Account && actor.Scopes == nil {
		scope = ScopeMembersRead // leaving
	}
	return s.changeMembersWith(ctx, ws, actor, scope, func(a core.Access, by core.Member) (core.Change, core.Happening, error) {
		m, ok := a.Member(account)
		if !ok {
			return nil, nil, errNoMember
		}
		if m.Role == core.RoleOwner && by.Role != core.RoleOwner {
			return nil, nil, errOwners
		}
		if lastOwner(a, m) {
			return nil, nil, errLastOwner
		}
		return core.RemoveMember{Account: account}, core.MemberRemoved{Account: account, By: idOf(actor)}, nil
	}, "member.removed", account)
}

var (
	errNoMember  = core.E("workspace.member", core.NotFound, "There is no such member.")
	errOwners    = core.E("workspace.member", core.Denied, "Only an owner may make somebody an owner, or change or remove one.")
	errLastOwner = core.E("workspace.member", core.Denied, "This is the last owner. Make somebody else an owner first.")
)

// decideMember answers a change, and the event of it.
type decideMember func(a core.Access, by core.Member) (core.Change, core.Happening, error)

func (s *Service) changeMembers(ctx context.Context, ws core.WorkspaceID, actor core.Actor, decide decideMember, action string, subject core.AccountID) error {
	return s.changeMembersWith(ctx, ws, actor, ScopeMembers, decide, action, subject)
}

// changeMembersWith decides inside the transaction, so that two changes at once
// can't each leave the other one's owner in place.
func (s *Service) changeMembersWith(ctx context.Context, ws core.WorkspaceID, actor core.Actor, scope string, decide decideMember, action string, subject core.AccountID) error {
	return change(ctx, s.store, ws, actor, scope, func(a core.Access) ([]core.Change, error) {
		by, _ := a.Member(actor.Account)
		change, happening, err := decide(a, by)
		if err != nil {
			return nil, err
		}
		return []core.Change{change, s.audit(actor, action, string(subject)), core.Happened(ws, s.now(), happening)}, nil
	})
}

func lastOwner(a core.Access, m core.Member) bool {
	if m.Role != core.RoleOwner {
		return false
	}
	owners := 0
	for _, other := range a.Members {
		if other.Role == core.RoleOwner {
			owners++
		}
	}
	return owners == 1
}

func checkRole(op string, role core.Role) error {
	var wrong core.Violations
	if !core.ValidRole(role) {
		wrong.Add("role", "%q is not a role; choose owner, admin or member", role)
	}
	return wrong.Err(op, "There is no such role.")
}
