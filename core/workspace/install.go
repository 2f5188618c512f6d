package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// InstallRequest is what a person asks for and consents to.
type InstallRequest struct {
	Plugin   string          // name or publisher/name
	Version  string          // empty: the newest
	Alias    string          // empty: the plugin's name
	Grants   []core.Grant    // must be what the manifest asks for, no less and no more
	Settings json.RawMessage // an object; empty: the schema's defaults
}

// Preview says what an installation would bring, and what stands in its way.
type Preview struct {
	Release      core.Release // with the manifest: tables, routes, pages, settings schema
	Alias        string
	Capabilities []abi.CapabilityRequest // to consent to, with the reasons
	Settings     json.RawMessage         // with the schema's defaults, without secrets
	Kept         core.Footprint          // what an earlier installation left, and this one would find
	Problems     []error                 // each a core.Error; empty: Install would begin
}

// Preview answers what Install would do, without doing it. Its error says only
// that the question can't be answered; what is wrong with the request itself is
// in Problems.
func (s *Installations) Preview(ctx context.Context, ws core.WorkspaceID, actor core.Actor, r InstallRequest) (Preview, error) {
	a, err := read(ctx, s.store, ws, actor, ScopeInstalled)
	if err != nil {
		return Preview{}, err
	}
	release, err := s.release(ctx, r)
	if err != nil {
		return Preview{}, err
	}
	in, problems := s.prepare(a, release, r)
	kept, err := s.store.Footprint(ctx, ws, release.Plugin)
	if err != nil {
		return Preview{}, core.Wrap("workspace.Preview", core.Unavailable, err)
	}
	public, _, err := core.PublicSettings(release.Manifest.Settings, in.Settings)
	return Preview{
		Release: release, Alias: in.Alias, Capabilities: core.Requests(&release.Manifest),
		Settings: public, Kept: kept, Problems: problems,
	}, err
}

// Install enables a release in a workspace: the plugin's install hook, the
// installation, the audit line and the event are one unit, so a failing hook leaves
// nothing. Denied: the plan doesn't include the plugin; Invalid: grants or
// settings; Exists: the plugin or the alias is there already.
func (s *Installations) Install(ctx context.Context, ws core.WorkspaceID, actor core.Actor, r InstallRequest) (Installed, error) {
	const op = "workspace.Install"
	a, err := read(ctx, s.store, ws, actor, ScopeInstalled)
	if err != nil {
		return Installed{}, err
	}
	release, err := s.release(ctx, r)
	if err != nil {
		return Installed{}, err
	}
	in, problems := s.prepare(a, release, r)
	if len(problems) > 0 {
		return Installed{}, problems[0]
	}
	err = s.hooks.Lifecycle(ctx, Lifecycle{
		Workspace: a.Workspace, Installation: in, Manifest: &release.Manifest, Hook: release.Manifest.Lifecycle.Install, Actor: actor,
		Changes: []core.Change{
			core.PutInstallation{Installation: in},
			auditLine(in.Created, actor, "installation.created", in.Plugin.String()+"@"+in.Version),
			core.Happened(ws, in.Created, core.PluginInstalled{
				Installation: in.ID, Plugin: in.Plugin.String(), Alias: in.Alias, Version: in.Version, By: idOf(actor),
			}),
		},
	})
	if core.KindOf(err) == core.Exists {
		// Another request was faster, or the hook itself met a taken value.
		if now, rerr := s.store.Access(ctx, ws); rerr == nil {
			if terr := taken(now, in); terr != nil {
				return Installed{}, terr
			}
		}
	}
	if err != nil {
		return Installed{}, core.Wrap(op, core.Unavailable, err)
	}
	return s.public(a.Workspace, in, &release.Manifest)
}

func (s *Installations) release(ctx context.Context, r InstallRequest) (core.Release, error) {
	const op = "workspace.Install"
	release, err := s.catalog.Release(ctx, r.Plugin, r.Version)
	if core.KindOf(err) == core.NotFound {
		return release, core.E(op, core.NotFound,
			"The marketplace has no plugin %s.", strings.TrimSuffix(r.Plugin+" "+r.Version, " "))
	}
	if err != nil {
		return release, core.Wrap(op, core.Unavailable, err)
	}
	if release.Yanked {
		return release, core.E(op, core.Denied,
			"%s %s was withdrawn by its publisher. Install another version.", release.Plugin, release.Version)
	}
	return release, nil
}

// prepare makes the installation of a request, and says what is wrong with it.
func (s *Installations) prepare(a core.Access, release core.Release, r InstallRequest) (in core.Installation, problems []error) {
	const op = "workspace.Install"
	m := &release.Manifest
	now := s.now()
	in = core.Installation{
		ID: core.NewInstallationID(), Workspace: a.Workspace.ID, Plugin: release.Plugin, Alias: orElse(r.Alias, release.Plugin.Name),
		Version: release.Version, Digest: release.Digest, State: core.InstallationEnabled, Grants: r.Grants,
		RoleScopes: roleScopes(m.Permissions), Revision: 1, Created: now, Updated: now,
	}
	problem := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	problem(s.planAllows(op, a.Workspace, release.Plugin.Name))
	problem(taken(a, in))
	problem(core.CheckDomains(a.Installations, in))
	var wrong core.Violations
	if !core.ValidSlug(in.Alias) {
		wrong.Add("alias",
			"must be 2 to 39 lower-case letters, digits and dashes, begin with a letter, "+
				"and not be a word of the address itself like api or console")
	}
	problem(wrong.Err(op, "The plugin can't be installed under this alias."))
	problem(checkConsent(op, core.Requests(m), r.Grants))
	problem(core.CheckUnsealed(r.Settings))
	settings, err := s.schemas.Check(m.Settings, r.Settings)
	if err == nil {
		settings, err = s.vault.seal(in, m.Settings, settings, nil)
	}
	problem(core.Wrap(op, core.Internal, err))
	in.Settings = settings
	return in, problems
}

// planAllows says which plans have the plugin when the workspace's hasn't.
func (s *Installations) planAllows(op string, w core.Workspace, plugin string) error {
	plan, known := s.plans.Plan(w.Plan)
	if plan.Allows(plugin) {
		return nil
	}
	having := slices.DeleteFunc(slices.Clone(s.plans.List()), func(p core.Plan) bool { return !p.Allows(plugin) })
	why := fmt.Sprintf("The plan %s does not include the plugin %s.", plan.Title, plugin)
	if !known {
		why = fmt.Sprintf("The workspace's plan %s is no longer offered.", w.Plan)
	}
	if len(having) == 0 {
		return core.E(op, core.Denied,
			"%s No plan of this server does; its operator can add it to one, with carrel serve --plans.", why)
	}
	return core.E(op, core.Denied, "%s These do: %s. Change the workspace's plan first.", why, titles(having))
}

// taken says what of the workspace is in an installation's way.
func taken(a core.Access, in core.Installation) error {
	const op = "workspace.Install"
	for _, other := range a.Installations {
		if other.Plugin == in.Plugin {
			return core.E(op, core.Exists, "%s is installed in this workspace already, as %s.", in.Plugin, other.Alias)
		}
		if other.Alias == in.Alias {
			return core.E(op, core.Exists,
				"The alias %s belongs to the installation of %s. Choose another.", in.Alias, other.Plugin)
		}
	}
	return nil
}

// checkConsent compares what was granted with what the manifest asks for. An
// answer with something missing lists all of it, with the author's reasons, so
// that a client can show it and ask.
func checkConsent(op string, asked []abi.CapabilityRequest, granted []core.Grant) error {
	var wrong core.Violations
	for _, ask := range asked {
		name := string(ask.Name)
		if reach := slices.Concat(ask.Hosts, ask.Events, stars(ask.Domains)); len(reach) > 0 {
			name += " (" + strings.Join(reach, ", ") + ")"
		}
		i := slices.IndexFunc(granted, func(g core.Grant) bool { return g.Capability == ask.Name })
		if i < 0 {
			wrong.Add("grants."+string(ask.Name), "%s is not granted. The plugin asks for it: %s", name, ask.Reason)
			continue
		}
		for _, part := range []struct {
			name, what    string
			asked, agreed []string
		}{
			{"hosts", "hosts the plugin asks for", ask.Hosts, granted[i].Hosts},
			{"events", "types of events the plugin receives", ask.Events, granted[i].Events},
			{"domains", "neutral domains whose events the plugin alone would emit", ask.Domains, granted[i].Domains},
		} {
			if !sameSet(part.asked, part.agreed) {
				wrong.Add("grants."+string(ask.Name)+"."+part.name, "must be the %s, %s", part.what, list(part.asked))
			}
		}
	}
	seen := map[abi.Capability]bool{}
	for _, g := range granted {
		if !slices.ContainsFunc(asked, func(ask abi.CapabilityRequest) bool { return ask.Name == g.Capability }) {
			wrong.Add("grants."+string(g.Capability), "is not something the plugin asks for")
		}
		if seen[g.Capability] {
			wrong.Add("grants."+string(g.Capability), "is granted twice")
		}
		seen[g.Capability] = true
	}
	return wrong.Err(op, "The plugin needs consent to exactly what it asks for.")
}

// stars are the types of events of domains.
func stars(domains []string) []string {
	types := make([]string, len(domains))
	for i, domain := range domains {
		types[i] = domain + ".*"
	}
	return types
}

func list(names []string) string {
	if len(names) == 0 {
		return "and it asks for none"
	}
	return "which are " + strings.Join(names, ", ")
}

func sameSet(a, b []string) bool {
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}
