package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/web/problem"
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
		offers = append(offers, c.offer(v.ws, e.Newest, installed))
	}
	return render(v.Ctx, marketplacePage(v.frame("Marketplace"), offers))
}

func (c *Console) installedPlugins(v *visit) (map[core.PluginID]bool, error) {
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	installed := map[core.PluginID]bool{}
	for _, in := range list {
		installed[in.Plugin] = true
	}
	return installed, err
}

func (c *Console) offer(ws core.Workspace, r core.Release, installed map[core.PluginID]bool) offer {
	o := offer{
		Name: r.Plugin.Name, Title: r.Manifest.Title, Summary: r.Manifest.Summary, Publisher: r.Plugin.Publisher,
		Version: r.Version, Installed: installed[r.Plugin],
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

// find returns the release a route names, as an offer.
func (c *Console) find(v *visit) (offer, core.Release, error) {
	release, err := c.Registry.Release(v.UserContext(), param(v.Ctx, "plugin"), "")
	if err != nil {
		return offer{}, core.Release{}, err
	}
	installed, err := c.installedPlugins(v)
	return c.offer(v.ws, release, installed), release, err
}

// plugin shows what a plugin is, from its author's pages.
func (c *Console) plugin(v *visit) error {
	o, release, err := c.find(v)
	if err != nil {
		return err
	}
	view := pluginView{Offer: o}
	docs := release.Manifest.Docs
	for _, d := range []struct{ title, text string }{
		{"Installation", docs.Installation}, {"Configuration", docs.Configuration}, {"Data", docs.DataModel},
		{"API", docs.API}, {"Events", docs.Events},
	} {
		if d.text != "" {
			html, err := markdown(d.text)
			if err != nil {
				return err
			}
			view.Docs = append(view.Docs, doc{d.title, html})
		}
	}
	return render(v.Ctx, pluginPage(v.frame(o.Title), view))
}

// consent shows what a plugin asks for.
func (c *Console) consent(v *visit) error { return c.ask(v, nil, nil) }

func (c *Console) ask(v *visit, typed map[string]string, refusal error) error {
	o, release, err := c.find(v)
	if err != nil {
		return err
	}
	view := consentView{Offer: o, Permissions: release.Manifest.Permissions}
	for _, request := range core.Requests(&release.Manifest) {
		asks := ask{
			Name: string(request.Name), Words: plainWords[request.Name], Reason: request.Reason, Hosts: request.Hosts, Domains: request.Domains,
		}
		for _, pattern := range request.Events {
			asks.Events = append(asks.Events, eventsAsk{pattern, core.PatternInWords(pattern)})
		}
		view.Capabilities = append(view.Capabilities, asks)
	}
	if view.Settings, err = settingFields(release.Manifest.Settings, typed); err != nil {
		return err
	}
	f := v.frame("Install " + o.Title)
	if refusal != nil {
		problem.Remember(v.Ctx, refusal)
		f.Problem = asProblem(refusal)
		v.Status(problem.Status(core.KindOf(refusal)))
	}
	return render(v.Ctx, consentPage(f, view))
}

// plainWords say what a capability lets a plugin do. Every capability has some.
var plainWords = map[abi.Capability]string{
	abi.CapabilityData:    "Keep data of its own in this workspace",
	abi.CapabilityEvents:  "Tell other plugins of this workspace what happened",
	abi.CapabilityJobs:    "Do work later, in the background",
	abi.CapabilityBilling: "Count what you use against your plan",
	abi.CapabilityAccess:  "Give its own permissions to the roles of this workspace",
	abi.CapabilityHTTP:    "Talk to servers outside Carrel:",
	abi.CapabilityMail:    "Send mail through the SMTP server in its settings",
}

// install installs what the visitor was shown. What they consent to is what
// their form says, not what the newest manifest has come to ask since.
func (c *Console) install(v *visit) error {
	_, release, err := c.find(v)
	if err != nil {
		return err
	}
	request := workspace.InstallRequest{Plugin: release.Plugin.String(), Version: field(v.Ctx, "version")}
	shown := map[abi.Capability]bool{}
	for _, name := range v.Context().PostArgs().PeekMulti("grant") {
		shown[abi.Capability(strings.Clone(string(name)))] = true
	}
	for _, asked := range core.Requests(&release.Manifest) {
		if shown[asked.Name] {
			request.Grants = append(request.Grants, core.Grant{Capability: asked.Name, Hosts: asked.Hosts, Events: asked.Events, Domains: asked.Domains})
		}
	}
	typed := map[string]string{}
	for key, value := range v.Context().PostArgs().All() {
		if name, ok := strings.CutPrefix(string(key), "setting."); ok {
			typed[name] = string(value)
		}
	}
	if request.Settings, err = settingsOf(release.Manifest.Settings, typed); err != nil {
		return c.ask(v, typed, err)
	}
	if _, err := c.Installations.Install(v.UserContext(), v.ws.ID, v.actor, request); err != nil {
		return c.ask(v, typed, err)
	}
	return v.to("", "installed")
}

// schema is what the form understands of a settings schema: an object of plain
// values. Others are set over the API.
type schema struct {
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
}

type property struct {
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Default     any      `json:"default"`
	Enum        []string `json:"enum"`
	Secret      bool     `json:"secret"`
}

func (p property) plain() bool {
	return p.Type == "string" || p.Type == "integer" || p.Type == "number" || p.Type == "boolean"
}

// settingFields makes a form of a schema, with what was typed before.
func settingFields(raw json.RawMessage, typed map[string]string) ([]setting, error) {
	s, err := parseSchema(raw)
	if err != nil {
		return nil, err
	}
	var fields []setting
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		if !p.plain() {
			continue
		}
		f := setting{Name: name, Title: p.Title, Doc: p.Description, Type: "text", Required: slices.Contains(s.Required, name), Choices: p.Enum}
		if f.Title == "" {
			f.Title = name
		}
		switch {
		case p.Secret:
			f.Type = "password"
		case p.Type == "boolean":
			f.Type = "checkbox"
		case p.Type == "integer" || p.Type == "number":
			f.Type = "number"
		}
		if p.Default != nil {
			f.Value = fmt.Sprint(p.Default)
		}
		if was, ok := typed[name]; ok && !p.Secret {
			f.Value = was
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// settingsOf turns a form back into settings. Empty fields are left out, so
// that the schema's defaults apply.
func settingsOf(raw json.RawMessage, typed map[string]string) (json.RawMessage, error) {
	s, err := parseSchema(raw)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{}
	for name, p := range s.Properties {
		value, ok := typed[name]
		switch {
		case p.Type == "boolean":
			settings[name] = value == "true"
		case !ok || value == "" || !p.plain():
		case p.Type == "string":
			settings[name] = value
		default:
			if !json.Valid([]byte(value)) {
				var wrong core.Violations
				wrong.Add("settings."+name, "%q is not a number", value)
				return nil, wrong.Err("console.settingsOf", "The settings can't be used like this.")
			}
			settings[name] = json.RawMessage(value)
		}
	}
	return json.Marshal(settings)
}

func parseSchema(raw json.RawMessage) (s schema, err error) {
	if len(raw) > 0 {
		err = core.Wrap("console.parseSchema", core.Internal, json.Unmarshal(raw, &s))
	}
	return s, err
}
