package dispatch

import (
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// These functions decide from a view alone. Their answers, refusals included,
// are reported only after the view's epoch was found to be current.

// current is the actor as the workspace knows it now: the role an actor came
// with may be as old as its request.
func (v *view) current(actor core.Actor) (core.Actor, error) {
	switch actor.Type {
	case core.ActorMember, core.ActorToken:
		member, ok := v.Access.Member(actor.Account)
		if !ok {
			return actor, core.E("dispatch.Authorise", core.NotFound, "There is no such workspace, or you are not a member of it.")
		}
		actor.Role = member.Role
		return actor, nil
	case core.ActorAnonymous, core.ActorInstallation:
		return actor, nil
	default:
		return actor, core.E("dispatch.Authorise", core.Unauthenticated, "Sign in first.")
	}
}

// usable reports why nobody may use an installation now: it is disabled, or the
// plan doesn't include it. Somebody who isn't a member is told what they would
// be told if it weren't installed at all.
func (d *Dispatcher) usable(v *view, in *installed, alias string, actor core.Actor) error {
	const op = "dispatch.Authorise"
	missing := core.E(op, core.NotFound, "There is no plugin %q in this workspace.", alias)
	if in == nil {
		return missing
	}
	var err error
	switch {
	case in.State != core.InstallationEnabled:
		err = core.E(op, core.Denied, "%s is disabled in this workspace. An owner or admin can enable it.", in.Alias)
	case !v.Plan.Allows(in.Plugin.Name):
		err = d.planError(v.Plan, in.Plugin.Name)
	case in.manifest == nil:
		return core.E(op, core.Unavailable,
			"The release %s of %s is missing from this server. Its operator must publish it again.", in.Version, in.Plugin)
	}
	if err != nil && actor.Type == core.ActorAnonymous {
		return missing
	}
	return err
}

// planError says which plans include a plugin, and what to do.
func (d *Dispatcher) planError(plan core.Plan, plugin string) error {
	var others []string
	for _, other := range d.plans {
		if other.Allows(plugin) {
			others = append(others, other.Title)
		}
	}
	title := plan.Title
	if title == "" {
		title = plan.ID
	}
	if len(others) == 0 {
		return core.E("dispatch.Authorise", core.Denied,
			"The plan %s does not include %s, and no other plan of this server does. Ask its operator.", title, plugin)
	}
	return core.E("dispatch.Authorise", core.Denied, "The plan %s does not include %s. It is part of %s: an owner or admin can change the workspace's plan.",
		title, plugin, strings.Join(others, " and "))
}

// mayUse checks that an actor may use a route or page with this permission. One
// without a permission is open to every member, but to a token limited to
// scopes only if one of them is of this plugin.
func mayUse(in *installed, actor core.Actor, permission string) error {
	const op = "dispatch.Authorise"
	switch {
	case actor.Type == core.ActorAnonymous:
		return core.E(op, core.Unauthenticated, "Sign in to use this part of %s.", in.Alias)
	case permission != "" && in.Has(actor, permission):
		return nil
	case permission == "" && inNamespace(actor.Scopes, in.manifest.Name):
		return nil
	case permission == "":
		return core.E(op, core.Denied,
			"The API token is limited to scopes, none of which is of %s. Make one with %s.*.", in.manifest.Name, in.manifest.Name)
	case actor.Scopes != nil && in.Has(core.Actor{Type: actor.Type, Account: actor.Account, Role: actor.Role}, permission):
		return core.E(op, core.Denied, "The API token lacks the scope %s. Make one that has it.", permission)
	default:
		return core.E(op, core.Denied,
			"This needs the scope %s. Owners and admins of the workspace have it, and can give it to the role %s.",
			permission, actor.Role)
	}
}

func inNamespace(scopes []string, plugin string) bool {
	return scopes == nil || slices.ContainsFunc(scopes, func(scope string) bool {
		return scope == "*" || strings.HasPrefix(scope, plugin+".")
	})
}

// job finds a job of the installation's manifest.
func (in *installed) job(name string) (abi.Job, bool) {
	i := slices.IndexFunc(in.manifest.Jobs, func(j abi.Job) bool { return j.Name == name })
	if i < 0 {
		return abi.Job{}, false
	}
	return in.manifest.Jobs[i], true
}
