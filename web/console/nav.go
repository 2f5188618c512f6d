package console

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// navigation lists the pages of what the workspace enabled, as far as the
// visitor may open them, and around them the workspace's own.
func (c *Console) navigation(v *visit) ([]navGroup, error) {
	here := strings.Clone(string(v.Request().URI().Path()))
	link := func(title, icon, path string) navLink {
		l := v.above(title, path)
		l.Icon = icon
		l.Current = l.URL == here || path != "" && strings.HasPrefix(here, l.URL+"/")
		return l
	}
	groups := []navGroup{{Links: []navLink{link("Home", "home", "")}}}
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	if err != nil {
		return nil, err
	}
	for _, in := range list {
		if in.State != core.InstallationEnabled || !in.Included {
			continue
		}
		release, err := c.Registry.ByDigest(v.UserContext(), in.Digest)
		if core.KindOf(err) == core.NotFound {
			continue // the registry has lost it: the page says so where it is used
		}
		if err != nil {
			return nil, err
		}
		group := navGroup{Title: in.Title}
		for _, p := range release.Manifest.Pages {
			if p.Nav && (p.Permission == "" || in.Has(v.actor, p.Permission)) {
				group.Links = append(group.Links, link(p.Title, p.Icon, "/p/"+in.Alias+p.Path))
			}
		}
		if len(group.Links) > 0 {
			groups = append(groups, group)
		}
	}
	workspace := navGroup{Title: "Workspace", Links: []navLink{link("Marketplace", "grid", "/marketplace"), link("Members", "person", "/members")}}
	if !v.actor.Role.Manages() {
		return append(groups, workspace), nil
	}
	workspace.Links = append(workspace.Links, link("Plan and usage", "money", "/plan"), link("Settings", "sliders", "/settings"))
	activity := navGroup{Title: "Activity", Links: []navLink{
		link("Events", "bolt", "/events"), link("Deliveries", "inbox", "/deliveries"), link("Invocations", "play", "/invocations"),
	}}
	return append(groups, workspace, activity), nil
}
