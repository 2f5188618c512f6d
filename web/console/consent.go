package console

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

// plainWords say what a capability lets a plugin do, in a sentence. Every
// capability has some.
var plainWords = map[abi.Capability]string{
	abi.CapabilityData:    "It keeps data of its own in this workspace.",
	abi.CapabilityEvents:  "It tells other plugins of this workspace what happened.",
	abi.CapabilityJobs:    "It works later, in the background.",
	abi.CapabilityBilling: "It counts what you use against your plan.",
	abi.CapabilityAccess:  "It gives its own permissions to the roles of this workspace.",
	abi.CapabilityHTTP:    "It talks to servers outside Carrel, these and no others:",
	abi.CapabilityMail:    "It sends mail through the SMTP server in its settings.",
	abi.CapabilityBlobs:   "It keeps files of its own in this workspace.",
}

// ask is a capability in plain words.
type ask struct {
	Name    string
	Words   string
	Reason  string // the author's
	Hosts   []string
	Events  []eventsAsk
	Domains []string
}

// eventsAsk is a pattern of events that a plugin would be told of, and what it
// covers when it is more than its name says.
type eventsAsk struct{ Pattern, Words string }

func asksOf(requests []abi.CapabilityRequest) (asks []ask) {
	for _, r := range requests {
		one := ask{Name: string(r.Name), Words: plainWords[r.Name], Reason: r.Reason, Hosts: r.Hosts, Domains: r.Domains}
		for _, pattern := range r.Events {
			one.Events = append(one.Events, eventsAsk{pattern, core.PatternInWords(pattern)})
		}
		asks = append(asks, one)
	}
	return asks
}

// holders says who has a permission from the start.
func holders(p abi.Permission) string {
	if len(p.Roles) == 0 {
		return "owners and admins"
	}
	holders := []string{"owners", "admins"}
	for _, role := range p.Roles {
		if role != string(core.RoleOwner) && role != string(core.RoleAdmin) {
			holders = append(holders, role+"s")
		}
	}
	return and(holders)
}

// consent shows what a plugin asks for.
func (c *Console) consent(v *visit) error { return c.ask(v, nil, nil) }

// ask shows the consent page, with what was typed before and why it was refused.
func (c *Console) ask(v *visit, typed map[string]string, refusal error) error {
	o, release, err := c.find(v)
	if err != nil {
		return err
	}
	settings, err := newForm(release.Manifest.Settings, nil, nil)
	if err != nil {
		return err
	}
	settings.typed = typed
	f := v.frame("Install "+o.Title, v.above("Marketplace", "/marketplace"), v.above(o.Title, "/marketplace/"+o.Name))
	if refusal != nil {
		f.Problem = v.refused(refusal)
		settings.blame(f.Problem, refusal)
	}
	return render(v.Ctx, consentPage(f, consentView{
		Offer: o, Asks: asksOf(core.Requests(&release.Manifest)), Permissions: release.Manifest.Permissions, Settings: settings.fields(),
	}))
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
			request.Grants = append(request.Grants,
				core.Grant{Capability: asked.Name, Hosts: asked.Hosts, Events: asked.Events, Domains: asked.Domains})
		}
	}
	typed := v.typedSettings()
	settings, err := newForm(release.Manifest.Settings, nil, nil)
	if err != nil {
		return err
	}
	if request.Settings, err = settings.readNew(typed); err != nil {
		return c.ask(v, typed, err)
	}
	if _, err := c.Installations.Install(v.UserContext(), v.ws.ID, v.actor, request); err != nil {
		return c.ask(v, typed, err)
	}
	return v.to("", "installed")
}
