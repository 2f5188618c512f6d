package workspace

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// The platform's own scopes in a workspace: what a token that is limited to
// scopes needs besides the role of its account. "core.*" covers them all.
const (
	ScopeWorkspace     = "core.workspace.write"
	ScopeMembersRead   = "core.members.read"
	ScopeMembers       = "core.members.write"
	ScopeInstalledRead = "core.installations.read"
	ScopeInstalled     = "core.installations.write"
	ScopeAudit         = "core.audit.read"
)

// open are the scopes every member has; owners and admins have all.
var open = []string{ScopeMembersRead, ScopeInstalledRead}

// authorise decides by what the workspace says now: the actor's own role may be
// as old as its request.
func authorise(a core.Access, actor core.Actor, scope string) error {
	const op = "workspace.authorise"
	m, ok := a.Member(actor.Account)
	if !ok || actor.Type != core.ActorMember && actor.Type != core.ActorToken {
		return errNoWorkspace
	}
	if !m.Role.Manages() && !slices.Contains(open, scope) {
		return core.E(op, core.Denied, "Your role in this workspace is %s; this needs owner or admin. Ask one of them.", m.Role)
	}
	if actor.Scopes != nil && !slices.ContainsFunc(actor.Scopes, func(held string) bool { return core.ScopeCovers(held, scope) }) {
		return core.E(op, core.Denied, "The API token lacks the scope %s. Make one that has it.", scope)
	}
	return nil
}

// read reads the workspace for somebody who needs a scope.
func read(ctx context.Context, store Store, ws core.WorkspaceID, actor core.Actor, scope string) (core.Access, error) {
	a, err := store.Access(ctx, ws)
	if err != nil {
		return a, missing(err)
	}
	return a, authorise(a, actor, scope)
}

// change changes the workspace for somebody who needs a scope. The events among
// the changes are delivered.
func change(ctx context.Context, store Store, ws core.WorkspaceID, actor core.Actor, scope string, decide func(core.Access) ([]core.Change, error)) error {
	found := false
	err := store.Change(ctx, ws, func(a core.Access) ([]core.Change, error) {
		found = true
		if err := authorise(a, actor, scope); err != nil {
			return nil, err
		}
		changes, err := decide(a)
		return core.WithDeliveries(ctx, a, changes), err
	})
	if !found {
		return missing(err)
	}
	return core.Wrap("workspace.change", core.Unavailable, err)
}
