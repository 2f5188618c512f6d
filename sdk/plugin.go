package sdk

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// Declaration is what a plugin says about itself. Its methods add to it and
// return it, to be chained; they panic, when the module starts, on what can
// only be a mistake in the source. The rules of a valid manifest are checked
// when the plugin is built.
type Declaration struct {
	manifest abi.Manifest
	handlers map[string]*handler
	tables   []TableDeclaration
	events   []EventDeclaration
	settings reflect.Type
}

var plugin *Declaration

func declared() *Declaration {
	if plugin == nil {
		panic("sdk: nothing is declared: call sdk.Plugin in an init function")
	}
	return plugin
}

// Plugin begins the declaration of the module's plugin, in an init function.
// docs holds Markdown: docs/installation.md, configuration.md, data_model.md,
// api.md and events.md, each if there is something to say.
func Plugin(name, version string, docs fs.FS) *Declaration {
	if plugin != nil {
		panic("sdk: Plugin is called twice: a module is one plugin")
	}
	plugin = &Declaration{
		manifest: abi.Manifest{ABI: abi.Version, Name: name, Version: version, Docs: readDocs(docs)},
		handlers: map[string]*handler{},
	}
	return plugin
}

func readDocs(docs fs.FS) abi.Docs {
	read := func(name string) string {
		if docs == nil {
			return ""
		}
		text, err := fs.ReadFile(docs, "docs/"+name+".md")
		if err != nil {
			return ""
		}
		return string(text)
	}
	return abi.Docs{
		Installation: read("installation"), Configuration: read("configuration"),
		DataModel: read("data_model"), API: read("api"), Events: read("events"),
	}
}

// Publisher names who publishes the plugin.
func (d *Declaration) Publisher(name string) *Declaration {
	d.manifest.Publisher = name
	return d
}

// Title is the plugin's name for people.
func (d *Declaration) Title(title string) *Declaration {
	d.manifest.Title = title
	return d
}

// Summary says in a sentence what the plugin is for.
func (d *Declaration) Summary(summary string) *Declaration {
	d.manifest.Summary = summary
	return d
}

// License is the SPDX identifier of the plugin's licence.
func (d *Declaration) License(spdx string) *Declaration {
	d.manifest.License = spdx
	return d
}

// Uses asks for a capability; the reason is shown to the person who consents.
// Hosts belong to abi.CapabilityHTTP.
func (d *Declaration) Uses(capability abi.Capability, reason string, hosts ...string) *Declaration {
	d.manifest.Capabilities = append(d.manifest.Capabilities, abi.CapabilityRequest{Name: capability, Reason: reason, Hosts: hosts})
	return d
}

// Permission defines a scope for people. Owners and admins have it; roles are
// the others that do from the start.
func (d *Declaration) Permission(name, doc string, roles ...string) *Declaration {
	d.manifest.Permissions = append(d.manifest.Permissions, abi.Permission{Name: name, Doc: doc, Roles: roles})
	return d
}

// Settings declares the installation's settings by a struct value: its fields
// and their tags.
func (d *Declaration) Settings(example any) *Declaration {
	t := reflect.TypeOf(example)
	if t == nil || t.Kind() != reflect.Struct {
		panic("sdk: Settings takes a struct value")
	}
	fieldsOf(t)
	d.settings = t
	return d
}

// Tables declares the plugin's tables.
func (d *Declaration) Tables(tables ...TableDeclaration) *Declaration {
	d.tables = append(d.tables, tables...)
	return d
}

// Emits declares the events the plugin emits.
func (d *Declaration) Emits(events ...EventDeclaration) *Declaration {
	d.events = append(d.events, events...)
	return d
}

// Meter declares a sum the plugin keeps with Ctx.Record. A plan may set a quota
// for `<plugin>.<name>`.
func (d *Declaration) Meter(name, doc string) *Declaration {
	d.manifest.Meters = append(d.manifest.Meters, abi.Meter{Name: name, Doc: doc})
	return d
}

// Query adds a route that reads: "GET /contacts/:id". See the package's handler
// shapes.
func (d *Declaration) Query(route string, handler any, with ...Option) *Declaration {
	return d.route(abi.KindQuery, route, handler, with)
}

// Mutation adds a route that changes data: one atomic unit of work, which the
// host runs again when another unit got in its way.
func (d *Declaration) Mutation(route string, handler any, with ...Option) *Declaration {
	return d.route(abi.KindMutation, route, handler, with)
}

// Action adds a route that talks to the outside. It has no unit of its own and
// changes data with Ctx.Mutate.
func (d *Declaration) Action(route string, handler any, with ...Option) *Declaration {
	return d.route(abi.KindAction, route, handler, with)
}

func (d *Declaration) route(kind abi.Kind, route string, function any, with []Option) *Declaration {
	method, path, ok := strings.Cut(route, " ")
	if !ok {
		panic("sdk: " + route + `: a route is a method and a path, "GET /contacts"`)
	}
	o := collect(with)
	h := d.add(route, kind, function)
	h.raw = o.raw
	if h.out == bytesType && !h.raw {
		panic("sdk: " + route + ": only a route declared sdk.Raw answers sdk.Bytes")
	}
	d.manifest.Routes = append(d.manifest.Routes, abi.Route{
		Method: method, Path: path, Kind: kind, Handler: h.name,
		Public: o.public, Raw: o.raw, Permission: o.scope, Doc: o.summary, Query: o.parameters,
	})
	return d
}

// Job adds a mutation that Ctx.Schedule and Ctx.Mutate may name.
func (d *Declaration) Job(name string, handler any, with ...Option) *Declaration {
	return d.job(abi.KindMutation, name, handler, with)
}

// ActionJob adds an action that Ctx.Schedule may name.
func (d *Declaration) ActionJob(name string, handler any, with ...Option) *Declaration {
	return d.job(abi.KindAction, name, handler, with)
}

func (d *Declaration) job(kind abi.Kind, name string, function any, with []Option) *Declaration {
	d.add(name, kind, function)
	d.manifest.Jobs = append(d.manifest.Jobs, abi.Job{Name: name, Kind: kind, Doc: collect(with).summary})
	return d
}

// On subscribes a mutation to an event: one the plugin declares itself, or the
// type of another plugin's, "order.paid". Its In is the event's data, of which
// it takes the members it knows; Ctx.Event has the rest. The plugin needs
// abi.CapabilityEvents.
//
// A type can stand for many: "crm.deal.*" for all that begin with crm.deal., "*"
// for those of all other plugins. They are never the plugin's own, and those of
// the platform only if they are named, "core.*". When several listeners are for
// an event the most specific is called. Data of many types is a json.RawMessage
// or a map; Ctx.Event says of which type it is.
//
// A listener may be called more than once for an event, but what it does is
// kept once. One that fails is called again later, eight times in all. One that
// fails with Invalid, Denied or TooLarge is not: the delivery is set aside at once
// for a person to look at. So are jobs and schedules.
func (d *Declaration) On(event any, handler any) *Declaration {
	var eventType string
	switch event := event.(type) {
	case string:
		eventType = event
	case EventDeclaration:
		eventType = event.event().Type
	default:
		panic("sdk: On takes an event of the plugin or the type of another's, such as \"order.paid\"")
	}
	h := d.add("on "+eventType, abi.KindMutation, handler)
	if own, ok := event.(EventDeclaration); ok && h.in != nil && h.in != own.data() {
		panic("sdk: " + h.name + ": the handler takes a " + h.in.String() + ", but the event's data is a " + own.data().String())
	}
	if strings.HasSuffix(eventType, "*") && h.in != nil && !takesAny(h.in) {
		panic("sdk: " + h.name + ": the data of many types of events is a json.RawMessage or a map, not a " + h.in.String())
	}
	d.manifest.Listens = append(d.manifest.Listens, abi.Listener{Type: eventType, Handler: h.name})
	return d
}

// takesAny reports whether a JSON object of whatever members can be decoded into
// a type, and read there.
func takesAny(t reflect.Type) bool {
	return t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Map && t.Key().Kind() == reflect.String
}

// Every adds a mutation that runs by a cron expression, in the workspace's time
// zone: "0 7 * * *" is each morning at seven. What was missed while the server or
// the plugin was off is done once. The plugin needs abi.CapabilityJobs.
func (d *Declaration) Every(cron, name string, handler any, with ...Option) *Declaration {
	return d.every(abi.KindMutation, cron, name, handler, with)
}

// EveryAction is Every for an action, which runs at least once each time.
func (d *Declaration) EveryAction(cron, name string, handler any, with ...Option) *Declaration {
	return d.every(abi.KindAction, cron, name, handler, with)
}

func (d *Declaration) every(kind abi.Kind, cron, name string, handler any, with []Option) *Declaration {
	d.manifest.Schedules = append(d.manifest.Schedules, abi.Schedule{Name: name, Cron: cron, Handler: name})
	return d.job(kind, name, handler, with)
}

// Install sets the mutation that runs when a workspace installs the plugin. If
// it fails, nothing is installed.
func (d *Declaration) Install(handler any) *Declaration {
	d.manifest.Lifecycle.Install = d.add("lifecycle install", abi.KindMutation, handler).name
	return d
}

// Upgrade sets the mutation that runs when an installation changes its release.
func (d *Declaration) Upgrade(handler any) *Declaration {
	d.manifest.Lifecycle.Upgrade = d.add("lifecycle upgrade", abi.KindMutation, handler).name
	return d
}

// Uninstall sets the mutation that runs before the plugin is removed.
func (d *Declaration) Uninstall(handler any) *Declaration {
	d.manifest.Lifecycle.Uninstall = d.add("lifecycle uninstall", abi.KindMutation, handler).name
	return d
}

// Page adds a page of the console. Its handler is a query that returns a tree
// of package sdk/ui. A page with a parameter, "/contacts/:id", is reached by
// links and is not in the navigation.
func (d *Declaration) Page(path, title string, handler any, with ...Option) *Declaration {
	o := collect(with)
	h := d.add("page "+path, abi.KindQuery, handler)
	d.manifest.Pages = append(d.manifest.Pages, abi.ManifestPage{
		Path: path, Title: title, Icon: o.icon, Nav: !o.hidden && !strings.Contains(path, "/:"),
		Handler: h.name, Permission: o.scope,
	})
	return d
}

func (d *Declaration) add(name string, kind abi.Kind, function any) *handler {
	if d.handlers[name] != nil {
		panic("sdk: " + name + " is declared twice")
	}
	h := newHandler(name, kind, function)
	d.handlers[name] = h
	return h
}

// Manifest returns the manifest of the declared plugin.
func Manifest() abi.Manifest {
	d := declared()
	m := d.manifest
	if d.settings != nil {
		m.Settings = schemaJSON(d.settings)
	}
	for _, t := range d.tables {
		m.Tables = append(m.Tables, t.table())
	}
	for _, e := range d.events {
		m.Emits = append(m.Emits, e.event())
	}
	m.Routes = append([]abi.Route(nil), m.Routes...)
	for i := range m.Routes {
		d.handlers[m.Routes[i].Handler].describe(&m.Routes[i])
	}
	return m
}

// ManifestJSON is the manifest as the module carries it.
func ManifestJSON() ([]byte, error) { return json.Marshal(Manifest()) }
