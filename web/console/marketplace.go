package console

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

// marketplace lists what the server offers.
func (c *Console) marketplace(v *visit) error {
	entries, err := c.Registry.List(v.UserContext())
	if err != nil {
		return err
	}
	installed, err := c.installedPlugins(v)
	if err != nil {
		return err
	}
	var offers []offer
	for _, e := range entries {
		release := e.Newest
		if release.Version == "" { // all its releases are withdrawn
			if _, ok := installed[e.Plugin]; !ok {
				continue
			}
			release = e.Releases[0]
		}
		offers = append(offers, c.offer(v.ws, release, installed))
	}
	return render(v.Ctx, marketplacePage(v.frame("Marketplace"), offers))
}

func (c *Console) installedPlugins(v *visit) (map[core.PluginID]workspace.Installed, error) {
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	installed := map[core.PluginID]workspace.Installed{}
	for _, in := range list {
		installed[in.Plugin] = in
	}
	return installed, err
}

func (c *Console) offer(ws core.Workspace, r core.Release, installed map[core.PluginID]workspace.Installed) offer {
	o := offer{
		Name: r.Plugin.Name, Title: r.Manifest.Title, Summary: r.Manifest.Summary, Publisher: r.Plugin.Publisher,
		Version: r.Version, License: r.Manifest.License, Published: r.Published, Size: r.Size, Digest: string(r.Digest),
	}
	if in, ok := installed[r.Plugin]; ok {
		o.Installed, o.Alias, o.Has = true, in.Alias, in.Version
	}
	plan, _ := c.Plans.Plan(ws.Plan)
	if o.InPlan = plan.Allows(o.Name); o.InPlan {
		return o
	}
	var having []string
	for _, p := range c.Plans.List() {
		if p.Allows(o.Name) {
			having = append(having, p.Title)
		}
	}
	o.Plans = "No plan of this server includes it."
	if len(having) > 0 {
		o.Plans = "These plans include it: " + strings.Join(having, ", ") + "."
	}
	return o
}

// find returns the newest release of the plugin a route names, as an offer; the
// installed one when its publisher has withdrawn them all.
func (c *Console) find(v *visit) (offer, core.Release, error) {
	ctx, name := v.UserContext(), param(v.Ctx, "plugin")
	installed, err := c.installedPlugins(v)
	if err != nil {
		return offer{}, core.Release{}, err
	}
	release, err := c.Registry.Release(ctx, name, "")
	if core.KindOf(err) == core.NotFound {
		for plugin, in := range installed {
			if plugin.Name == name {
				release, err = c.Registry.ByDigest(ctx, in.Digest)
			}
		}
	}
	return c.offer(v.ws, release, installed), release, err
}

// docTabs are the pages of a plugin's own texts, by what the address calls them.
var docTabs = []struct {
	Key, Title string
	text       func(abi.Docs) string
}{
	{"installation", "Installation", func(d abi.Docs) string { return d.Installation }},
	{"configuration", "Configuration", func(d abi.Docs) string { return d.Configuration }},
	{"data", "Data model", func(d abi.Docs) string { return d.DataModel }},
	{"api", "API", func(d abi.Docs) string { return d.API }},
	{"events", "Events", func(d abi.Docs) string { return d.Events }},
}

// plugin shows what a plugin is: an overview, and its author's pages, a tab each.
func (c *Console) plugin(v *visit) error {
	o, release, err := c.find(v)
	if err != nil {
		return err
	}
	m := &release.Manifest
	view := pluginView{Offer: o, Tab: strings.Clone(v.Query("tab")), Tabs: []tab{{"", "Overview"}}, Manages: v.actor.Role.Manages()}
	var text string
	for _, d := range docTabs {
		own := d.text(m.Docs)
		if own == "" {
			continue
		}
		view.Tabs = append(view.Tabs, tab{d.Key, d.Title})
		if d.Key == view.Tab {
			text = own
		}
	}
	switch {
	case view.Tab == "":
		view.Asks, view.Permissions, view.Brings = asksOf(core.Requests(m)), m.Permissions, brings(m)
		if err := c.changes(v, &view, release); err != nil {
			return err
		}
	case text == "":
		return core.E("console.plugin", core.NotFound, "The plugin has no such page.")
	default:
		if view.Doc, err = markdown(text); err != nil {
			return err
		}
	}
	return render(v.Ctx, pluginPage(v.frame(o.Title, v.above("Marketplace", "/marketplace")), view))
}

// brings says what a workspace gets with a plugin.
func brings(m *abi.Manifest) (list []string) {
	for _, p := range m.Pages {
		if p.Nav {
			list = append(list, "The page "+p.Title)
		}
	}
	for _, t := range m.Tables {
		if t.Doc != "" {
			list = append(list, "A table: "+t.Doc)
		}
	}
	for _, e := range m.Emits {
		list = append(list, "Events "+e.Type+orNothing(": ", e.Doc))
	}
	return list
}

// orNothing is a text behind a separator, if there is one.
func orNothing(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}
