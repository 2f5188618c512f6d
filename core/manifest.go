package core

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// NeutralDomains are event domains that belong to no plugin's name: a plugin
// that provides one is chosen by the workspace.
var NeutralDomains = []string{"order", "payment", "subscription", "invoice", "mail"}

// reservedPlugins are names a plugin cannot have: they would own the platform's
// or a neutral domain's events, or look like the platform.
var reservedPlugins = slices.Concat([]string{"core", "carrel"}, NeutralDomains)

var capabilities = []abi.Capability{
	abi.CapabilityData, abi.CapabilityEvents, abi.CapabilityJobs,
	abi.CapabilityBilling, abi.CapabilityAccess, abi.CapabilityHTTP, abi.CapabilityMail, abi.CapabilityBlobs,
}

// Capabilities lists what a manifest may ask for.
func Capabilities() []abi.Capability { return slices.Clone(capabilities) }

// Longest texts of a manifest, in characters.
const (
	maxTitle = 60
	maxLine  = 300
	maxDocs  = 100_000
)

// maxSchedules bounds what an installation does by itself each minute.
const maxSchedules = 20

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}$`)
	semverPattern  = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?$`)
	tablePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	fieldPattern   = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,62}$`)
	indexPattern   = regexp.MustCompile(`^[a-z][A-Za-z0-9_]{0,127}$`)
	scopePattern   = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$`)
	eventPattern   = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9_]*)+$`)
	eventsPattern  = regexp.MustCompile(`^([a-z][a-z0-9-]*\.([a-z][a-z0-9_]*\.)*)?\*$`) // of many types
	iconPattern    = regexp.MustCompile(`^[a-z][a-z-]{0,38}$`)
	handlerPattern = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,128}$`)
	hostPattern    = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$`)
	cronPattern    = regexp.MustCompile(`^([0-9A-Za-z*,/?-]+ ){4}[0-9A-Za-z*,/?-]+$`)
	roles          = []string{string(RoleOwner), string(RoleAdmin), string(RoleMember)}
)

// maxManifestValues is how many objects, lists and members a manifest may have:
// in Go's memory each takes many times its bytes. The nine plugins of the
// marketplace have a few thousand at most.
const maxManifestValues = 50_000

// DecodeManifest is Decode of a manifest, and refuses one that would take much
// memory before it takes it.
func DecodeManifest(op string, data []byte) (abi.Manifest, error) {
	if n := countValues(data); n > maxManifestValues {
		return abi.Manifest{}, E(op, Invalid,
			"The manifest has %d objects, lists and members; the limit is %d.", n, maxManifestValues)
	}
	return Decode[abi.Manifest](op, data)
}

// CheckManifest checks that a release could be what its manifest says. It fails
// with Invalid and Violations, each with the place in the manifest
// (`tables[0].fields[2].ref`) and what is wrong there. A manifest that passes
// refers to nothing it doesn't declare.
func CheckManifest(m abi.Manifest) error {
	c := manifestCheck{m: &m, kinds: map[string]abi.Kind{}}
	if c.lists(); c.wrong != nil {
		return c.wrong.Err("core.CheckManifest", "The manifest is not valid.")
	}
	c.identity()
	c.settings()
	c.capabilities()
	c.permissions()
	c.tables()
	c.routes()
	c.events()
	c.jobs()
	c.lifecycle()
	c.pages()
	c.meters()
	return c.wrong.Err("core.CheckManifest", "The manifest is not valid.")
}

// manifestCheck is one run of CheckManifest.
type manifestCheck struct {
	m     *abi.Manifest
	wrong Violations
	kinds map[string]abi.Kind // of the handlers named so far
}

// maxManifestList bounds each list of a manifest: what is in one is compared with
// what is in another.
const maxManifestList = 500

func (c *manifestCheck) lists() {
	m := c.m
	for _, list := range []struct {
		name   string
		length int
	}{
		{"permissions", len(m.Permissions)}, {"capabilities", len(m.Capabilities)}, {"tables", len(m.Tables)}, {"routes", len(m.Routes)},
		{"emits", len(m.Emits)}, {"listens", len(m.Listens)}, {"jobs", len(m.Jobs)}, {"schedules", len(m.Schedules)},
		{"pages", len(m.Pages)}, {"meters", len(m.Meters)},
	} {
		if list.length > maxManifestList {
			c.wrong.Add(list.name, "has %d entries; the limit is %d", list.length, maxManifestList)
		}
	}
}

func (c *manifestCheck) identity() {
	m := c.m
	if m.ABI != abi.Version {
		c.wrong.Add("abi", "must be %d, the version this host speaks", abi.Version)
	}
	if !namePattern.MatchString(m.Name) {
		c.wrong.Add("name", "must be 2 to 39 lower-case letters, digits and dashes, beginning with a letter")
	} else if slices.Contains(reservedPlugins, m.Name) {
		c.wrong.Add("name", "%q is reserved; choose another name", m.Name)
	}
	if !namePattern.MatchString(m.Publisher) {
		c.wrong.Add("publisher", "must be 2 to 39 lower-case letters, digits and dashes, beginning with a letter")
	}
	if !semverPattern.MatchString(m.Version) {
		c.wrong.Add("version", "must be a semantic version without build metadata, such as 1.0.0")
	}
	c.text("title", m.Title, maxTitle)
	c.text("summary", m.Summary, maxLine)
	for _, page := range []struct{ name, text string }{
		{"installation", m.Docs.Installation}, {"configuration", m.Docs.Configuration},
		{"data_model", m.Docs.DataModel}, {"api", m.Docs.API}, {"events", m.Docs.Events},
	} {
		if len(page.text) > maxDocs {
			c.wrong.Add("docs."+page.name, "has %d bytes; at most %d are allowed", len(page.text), maxDocs)
		}
	}
	if m.Limits.Fuel < 0 || m.Limits.Memory < 0 || m.Limits.TimeMS < 0 {
		c.wrong.Add("limits", "must not be negative; leave a limit out for the host's own")
	}
}

// text checks a text people read: there, one line, not too long.
func (c *manifestCheck) text(at, text string, longest int) {
	switch {
	case strings.TrimSpace(text) == "":
		c.wrong.Add(at, "is missing; people read it")
	case len([]rune(text)) > longest:
		c.wrong.Add(at, "has %d characters; at most %d are allowed", len([]rune(text)), longest)
	case strings.ContainsAny(text, "\r\n"):
		c.wrong.Add(at, "must be a single line")
	}
}

func (c *manifestCheck) settings() {
	if len(c.m.Settings) == 0 {
		return
	}
	c.schema("settings", c.m.Settings)
	var schema struct {
		Type any `json:"type"`
	}
	if json.Unmarshal(c.m.Settings, &schema) == nil && schema.Type != "object" {
		c.wrong.Add("settings.type", `must be "object": settings are one object`)
	}
	for _, at := range MisplacedSecrets(c.m.Settings) {
		c.wrong.Add(at, "only a property of settings, or of an object in them, can be secret")
	}
	for _, at := range dottedSettings(c.m.Settings) {
		c.wrong.Add(at, "must not have a dot in its name: smtp.password is the password inside smtp")
	}
}

func (c *manifestCheck) capabilities() {
	seen := map[abi.Capability]bool{}
	for i, request := range c.m.Capabilities {
		at := fmt.Sprintf("capabilities[%d]", i)
		if !slices.Contains(capabilities, request.Name) {
			c.wrong.Add(at+".name", "%q is no capability; there are %s", request.Name, join(capabilities))
		}
		if seen[request.Name] {
			c.wrong.Add(at+".name", "%q is asked for twice", request.Name)
		}
		seen[request.Name] = true
		c.text(at+".reason", request.Reason, maxLine)
		if len(request.Events) > 0 || len(request.Domains) > 0 {
			c.wrong.Add(at, "must not name events or domains: what the plugin listens to and emits says which")
		}
		if request.Name == abi.CapabilityMail {
			c.mailSettings()
		}
		if request.Name != abi.CapabilityHTTP {
			if len(request.Hosts) > 0 {
				c.wrong.Add(at+".hosts", "belong to the capability http")
			}
			continue
		}
		if len(request.Hosts) == 0 {
			c.wrong.Add(at+".hosts", "are missing; name each host the plugin talks to")
		}
		for j, host := range request.Hosts {
			if !hostPattern.MatchString(host) {
				c.wrong.Add(fmt.Sprintf("%s.hosts[%d]", at, j),
					"%q must be a host name such as api.example.com or *.example.com", host)
			}
		}
	}
}

func (c *manifestCheck) permissions() {
	seen := map[string]bool{}
	for i, p := range c.m.Permissions {
		at := fmt.Sprintf("permissions[%d]", i)
		switch {
		case !scopePattern.MatchString(p.Name) || !strings.HasPrefix(p.Name, c.m.Name+"."):
			c.wrong.Add(at+".name",
				"%q must begin with %q and be lower case, such as %s.things.read", p.Name, c.m.Name+".", c.m.Name)
		case seen[p.Name]:
			c.wrong.Add(at+".name", "%q is declared twice", p.Name)
		}
		seen[p.Name] = true
		c.text(at+".doc", p.Doc, maxLine)
		for j, role := range p.Roles {
			if !slices.Contains(roles, role) {
				c.wrong.Add(fmt.Sprintf("%s.roles[%d]", at, j), "%q is no role; there are %s", role, join(roles))
			}
		}
	}
}

// permission checks a reference to one.
func (c *manifestCheck) permission(at, name string) {
	if name != "" && !slices.ContainsFunc(c.m.Permissions, func(p abi.Permission) bool { return p.Name == name }) {
		c.wrong.Add(at, "%q is not among the plugin's permissions; declare it", name)
	}
}

func (c *manifestCheck) events() {
	type versioned struct {
		name    string
		version int
	}
	asks := slices.ContainsFunc(c.m.Capabilities, func(r abi.CapabilityRequest) bool { return r.Name == abi.CapabilityEvents })
	seen := map[versioned]bool{}
	for i, e := range c.m.Emits {
		at := fmt.Sprintf("emits[%d]", i)
		switch {
		case !eventPattern.MatchString(e.Type) || DomainOf(e.Type) != c.m.Name && !slices.Contains(NeutralDomains, DomainOf(e.Type)):
			c.wrong.Add(at+".type", "%q must be lower case and begin with %q, such as %s.thing.created, or with one of the neutral domains %s",
				e.Type, c.m.Name+".", c.m.Name, join(NeutralDomains))
		case seen[versioned{e.Type, e.Version}]:
			c.wrong.Add(at+".type", "version %d of %q is declared twice", e.Version, e.Type)
		}
		seen[versioned{e.Type, e.Version}] = true
		if e.Version < 1 {
			c.wrong.Add(at+".version", "must be 1 or more")
		}
		c.schema(at+".schema", e.Schema)
	}
	listens, own := map[string]bool{}, c.domains()
	for i, l := range c.m.Listens {
		at := fmt.Sprintf("listens[%d]", i)
		switch {
		case !eventPattern.MatchString(l.Type) && !eventsPattern.MatchString(l.Type):
			c.wrong.Add(at+".type", "%q must be an event type such as order.paid, or several such as order.* or *", l.Type)
		case listens[l.Type]:
			c.wrong.Add(at+".type", "%q has a listener already", l.Type)
		case CoversMany(l.Type) && slices.Contains(own, DomainOf(l.Type)):
			c.wrong.Add(at+".type",
				"%q would never be called: a listener of many types is not told of "+
					"what its own plugin emits; name each of its types", l.Type)
		}
		listens[l.Type] = true
		c.handler(at, l.Handler, abi.KindMutation)
		if !asks {
			c.wrong.Add(at, `needs the capability events: ask for it, with a reason, {"name": "events", "reason": "To …"}`)
		}
	}
}

// domains are those of the events that the plugin alone emits.
func (c *manifestCheck) domains() []string {
	own := []string{c.m.Name}
	for _, e := range c.m.Emits {
		own = append(own, DomainOf(e.Type))
	}
	return own
}

func (c *manifestCheck) jobs() {
	jobs := map[string]bool{}
	for i, j := range c.m.Jobs {
		at := fmt.Sprintf("jobs[%d]", i)
		if jobs[j.Name] {
			c.wrong.Add(at+".name", "%q is declared twice", j.Name)
		}
		jobs[j.Name] = true
		switch {
		case !handlerPattern.MatchString(j.Name):
			c.wrong.Add(at+".name", "must name a handler, in 1 to 128 characters")
		case j.Kind == abi.KindQuery:
			c.wrong.Add(at+".kind", "a job is a mutation or an action: nobody would see a query's answer")
		default:
			c.handler(at, j.Name, j.Kind)
		}
	}
	asks := slices.ContainsFunc(c.m.Capabilities, func(r abi.CapabilityRequest) bool { return r.Name == abi.CapabilityJobs })
	seen := map[string]bool{}
	if n := len(c.m.Schedules); n > maxSchedules {
		c.wrong.Add("schedules", "are %d; at most %d are allowed", n, maxSchedules)
	}
	for i, s := range c.m.Schedules {
		at := fmt.Sprintf("schedules[%d]", i)
		if s.Name == "" || seen[s.Name] {
			c.wrong.Add(at+".name", "must be there, and only once")
		}
		seen[s.Name] = true
		if _, err := NextOccurrence(s.Cron, "UTC", time.Now()); err != nil {
			c.wrong.Add(at+".cron", "%s", MessageOf(err))
		}
		if !asks {
			c.wrong.Add(at, `needs the capability jobs: ask for it, with a reason, {"name": "jobs", "reason": "To …"}`)
		}
		if !jobs[s.Handler] {
			c.wrong.Add(at+".handler", "%q is not among the plugin's jobs; declare it", s.Handler)
		}
	}
}

func (c *manifestCheck) lifecycle() {
	for _, hook := range []struct{ name, handler string }{
		{"install", c.m.Lifecycle.Install}, {"upgrade", c.m.Lifecycle.Upgrade}, {"uninstall", c.m.Lifecycle.Uninstall},
	} {
		if hook.handler == "" {
			continue
		}
		if kind, known := c.kinds[hook.handler]; known && kind != abi.KindMutation {
			c.wrong.Add("lifecycle."+hook.name, "%q is a %s; a hook is a mutation", hook.handler, kind)
		} else if !handlerPattern.MatchString(hook.handler) {
			c.wrong.Add("lifecycle."+hook.name, "must name a handler, in 1 to 128 characters")
		}
	}
}

func (c *manifestCheck) pages() {
	seen := map[string]bool{}
	for i, p := range c.m.Pages {
		at := fmt.Sprintf("pages[%d]", i)
		c.path(at+".path", p.Path)
		if seen[shapeOf(p.Path)] {
			c.wrong.Add(at+".path", "%q is declared twice", p.Path)
		}
		seen[shapeOf(p.Path)] = true
		c.text(at+".title", p.Title, maxTitle)
		if p.Icon != "" && !iconPattern.MatchString(p.Icon) {
			c.wrong.Add(at+".icon", "%q is no name of an icon; docs/authors.md lists them, like \"users\"", p.Icon)
		}
		c.handler(at, p.Handler, abi.KindQuery)
		c.permission(at+".permission", p.Permission)
		if p.Nav && strings.Contains(p.Path, "/:") {
			c.wrong.Add(at+".nav", "a page with a parameter cannot be in the navigation, which has no value for it; hide it")
		}
	}
}

func (c *manifestCheck) meters() {
	seen := map[string]bool{}
	for i, meter := range c.m.Meters {
		at := fmt.Sprintf("meters[%d].name", i)
		switch {
		case !tablePattern.MatchString(meter.Name):
			c.wrong.Add(at, "%q must be lower-case letters, digits and underscores", meter.Name)
		case seen[meter.Name]:
			c.wrong.Add(at, "%q is declared twice", meter.Name)
		}
		seen[meter.Name] = true
	}
}

func join[S ~string](list []S) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = string(s)
	}
	return strings.Join(parts, ", ")
}
