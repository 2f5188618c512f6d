package dispatch

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Lifecycle is a step in an installation's life: it begins, changes, or ends.
type Lifecycle struct {
	Workspace    core.Workspace
	Installation core.Installation // as it will be
	Manifest     *abi.Manifest     // of the release it will have
	Hook         string            // handler to run, a mutation; "" for none
	Payload      json.RawMessage   // what the hook is told
	Changes      []core.Change     // the platform's rows, PutInstallation among them
	Actor        core.Actor        // must have the role to do this: the caller checks it
	NeedsPlan    bool              // refuse it unless the plan includes the plugin
}

// Lifecycle makes the step in one unit of work: the hook's writes and the
// changes are committed together, or nothing is. Scopes the hook grants are
// part of the PutInstallation among the changes.
func (d *Dispatcher) Lifecycle(ctx context.Context, l Lifecycle) error {
	_, err := d.execute(ctx, task{
		workspace: l.Workspace, trigger: abi.TriggerLifecycle, limits: d.background,
		authorise: func(v *view) (*target, error) {
			actor, err := v.current(l.Actor)
			if err != nil {
				return nil, err
			}
			// The caller checked the role that was; it may be another by now.
			if actor.Type != core.ActorInstallation && !actor.Role.Manages() {
				return nil, core.E("dispatch.Authorise", core.Denied,
					"Your role in this workspace is %s; this needs owner or admin. Ask one of them.", actor.Role)
			}
			if l.NeedsPlan && !v.Plan.Allows(l.Installation.Plugin.Name) {
				return nil, d.planError(v.Plan, l.Installation.Plugin.Name)
			}
			changes := l.Changes
			if installs(l.Changes, l.Installation.ID) {
				if err := core.CheckDomains(v.Access.Installations, l.Installation); err != nil {
					return nil, err
				}
				first, err := d.begin(v.Access.Workspace, l.Installation.ID, l.Manifest)
				if err != nil {
					return nil, err
				}
				changes = slices.Concat(l.Changes, first)
			}
			return &target{
				installation: l.Installation, manifest: l.Manifest, actor: actor, kind: abi.KindMutation, handler: l.Hook,
				input: abi.Invocation{Payload: l.Payload}, changes: changes,
			}, nil
		},
	})
	if err == nil {
		d.Forget(l.Workspace.ID) // its epoch has passed
	}
	return err
}

// installs reports whether the changes write the installation, rather than
// remove it.
func installs(changes []core.Change, id core.InstallationID) bool {
	return slices.ContainsFunc(changes, func(change core.Change) bool {
		put, ok := change.(core.PutInstallation)
		return ok && put.Installation.ID == id
	})
}

// withGrants is the target's changes and the scopes its handler gave to
// members: in the installation that is being written anyway, or in an update of
// the one there is.
func (t *target) withGrants(scopes []string, now time.Time) []core.Change {
	if len(scopes) == 0 {
		return t.changes
	}
	changes := slices.Clone(t.changes)
	for i, change := range changes {
		switch change := change.(type) {
		case core.PutInstallation:
			if change.Installation.ID == t.installation.ID {
				change.Installation.RoleScopes, _ = granted(change.Installation.RoleScopes, scopes)
				changes[i] = change
				return changes
			}
		case core.RemoveInstallation:
			if change.ID == t.installation.ID {
				return changes // there is nothing left to grant scopes of
			}
		}
	}
	updated := t.installation
	var news bool
	if updated.RoleScopes, news = granted(updated.RoleScopes, scopes); !news {
		return changes
	}
	updated.Revision++
	updated.Updated = now
	return append(changes,
		core.PutInstallation{Installation: updated},
		core.AppendAudit{Entry: core.AuditEntry{Time: now, Actor: string(updated.ID), Action: "installation.scopes.granted", Subject: string(updated.ID)}})
}

// granted adds scopes to those members have, and reports whether any is new.
func granted(roles map[core.Role][]string, scopes []string) (map[core.Role][]string, bool) {
	held := roles[core.RoleMember]
	all := slices.Concat(held, scopes)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == len(held) {
		return roles, false
	}
	roles = maps.Clone(roles)
	if roles == nil {
		roles = map[core.Role][]string{}
	}
	roles[core.RoleMember] = all
	return roles, true
}
