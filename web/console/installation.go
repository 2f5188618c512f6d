package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/workspace"
)

// having are the roles that have a permission of the installation now.
func (v installationView) having(permission string) []string {
	roles := []string{"Owners", "admins"}
	if slices.Contains(v.Roles[core.RoleMember], permission) {
		roles = append(roles, "members")
	}
	return roles
}

// installation shows what is installed, and what can be changed of it.
func (c *Console) installation(v *visit) error { return c.showInstallation(v, nil, nil) }

// showInstallation shows it with what was typed before and why it was refused.
func (c *Console) showInstallation(v *visit, typed map[string]string, refusal error) error {
	ctx := v.UserContext()
	in, m, err := c.Installations.Get(ctx, v.ws.ID, v.actor, param(v.Ctx, "plugin"))
	if err != nil {
		return err
	}
	settings, err := newForm(m.Settings, in.Settings, in.Secrets)
	if err != nil {
		return err
	}
	settings.typed = typed
	f := v.frame(in.Title)
	if refusal != nil {
		f.Problem = v.refused(refusal)
		settings.blame(f.Problem, refusal)
	}
	view := installationView{
		Installed: in, Name: in.Plugin.Name, Enabled: in.State == core.InstallationEnabled, Settings: settings.fields(),
		Permissions: m.Permissions, Emits: m.Emits, Tables: len(m.Tables),
	}
	view.Asks = asksOf(granted(in.Grants, m))
	for _, a := range view.Asks {
		view.Receives = append(view.Receives, a.Events...)
	}
	now := time.Now()
	for _, s := range m.Schedules {
		line := scheduleLine{Schedule: s}
		if line.Next, err = core.NextOccurrence(s.Cron, v.ws.TimeZone, now); err != nil {
			return err
		}
		view.Schedules = append(view.Schedules, line)
	}
	usage, err := c.Billing.Usage(ctx, v.ws.ID, v.actor)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(usage, func(u billing.Usage) bool { return !strings.HasPrefix(u.Meter, in.Plugin.Name+".") })
	titles := map[string]string{}
	for _, meter := range m.Meters {
		titles[in.Plugin.Name+"."+meter.Name] = meter.Doc
	}
	view.Usage = usageLines(own, titles)
	newest, err := c.Registry.Release(ctx, in.Plugin.String(), "")
	if err == nil && newest.Version != in.Version {
		view.Newest = newest.Version
	} else if err != nil && core.KindOf(err) != core.NotFound {
		return err
	}
	return render(v.Ctx, installationPage(f, view))
}

// granted are an installation's grants, with the reasons its release gives for
// them.
func granted(grants []core.Grant, m *abi.Manifest) (requests []abi.CapabilityRequest) {
	for _, g := range grants {
		r := abi.CapabilityRequest{Name: g.Capability, Hosts: g.Hosts, Events: g.Events, Domains: g.Domains}
		for _, asked := range m.Capabilities {
			if asked.Name == g.Capability {
				r.Reason = asked.Reason
			}
		}
		requests = append(requests, r)
	}
	return requests
}

// configure changes an installation's settings.
func (c *Console) configure(v *visit) error {
	ref := param(v.Ctx, "plugin")
	in, m, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, ref)
	if err != nil {
		return err
	}
	settings, err := newForm(m.Settings, in.Settings, in.Secrets)
	if err != nil {
		return err
	}
	typed := v.typedSettings()
	request := workspace.ConfigureRequest{}
	// What was shown, so that two people at once don't undo each other's change.
	if request.Revision, err = strconv.ParseInt(field(v.Ctx, "revision"), 10, 64); err != nil {
		return core.E("console.configure", core.Invalid, "The form is not complete. Open the page again.")
	}
	if request.Settings, err = settings.read(typed); err != nil {
		return c.showInstallation(v, typed, err)
	}
	if _, err := c.Installations.Configure(v.UserContext(), v.ws.ID, v.actor, ref, request); err != nil {
		return c.showInstallation(v, typed, err)
	}
	return v.to("/installations/"+in.Alias, "saved")
}

// switchState enables or disables an installation.
func (c *Console) switchState(v *visit) error {
	state, done := core.InstallationEnabled, "enabled"
	if field(v.Ctx, "do") == "disable" {
		state, done = core.InstallationDisabled, "disabled"
	}
	in, err := c.Installations.Configure(v.UserContext(), v.ws.ID, v.actor, param(v.Ctx, "plugin"),
		workspace.ConfigureRequest{State: state})
	if err != nil {
		return err
	}
	return v.to("/installations/"+in.Alias, done)
}
