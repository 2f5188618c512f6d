package workspace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store"
)

// catalog is a marketplace in memory.
type catalog []core.Release

func (c catalog) find(is func(core.Release) bool) (core.Release, error) {
	if i := slices.IndexFunc(c, is); i >= 0 {
		return c[i], nil
	}
	return core.Release{}, core.E("test", core.NotFound, "no such release")
}

func (c catalog) Release(_ context.Context, plugin, version string) (core.Release, error) {
	return c.find(func(r core.Release) bool {
		return (r.Plugin.Name == plugin || r.Plugin.String() == plugin) && (version == r.Version || version == "" && !r.Yanked)
	})
}

func (c catalog) ByDigest(_ context.Context, digest core.Digest) (core.Release, error) {
	return c.find(func(r core.Release) bool { return r.Digest == digest })
}

func release(name, version string, change func(*abi.Manifest)) core.Release {
	m := abi.Manifest{
		Name: name, Version: version, Publisher: "carrel", Title: strings.ToUpper(name),
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityData, Reason: "keeps contacts"}},
		Permissions:  []abi.Permission{{Name: name + ".contacts.read", Roles: []string{"member"}}, {Name: name + ".contacts.write"}},
		Tables:       []abi.Table{{Name: "contacts", Fields: []abi.Field{{Name: "email", Type: abi.TypeEmail, Unique: true}, {Name: "stage", Type: abi.TypeString, Index: true}}}},
		Lifecycle:    abi.Lifecycle{Install: "install", Uninstall: "uninstall"},
	}
	if change != nil {
		change(&m)
	}
	return core.Release{Plugin: core.PluginID{Publisher: "carrel", Name: name}, Version: version, Digest: core.Digest("sha256:" + name + version), Manifest: m}
}

var mailSettings = json.RawMessage(`{"type": "object", "additionalProperties": false, "required": ["from"], "properties": {
	"from": {"type": "string", "format": "email"},
	"rate": {"type": "integer", "default": 60, "maximum": 1000},
	"password": {"type": "string", "secret": true, "minLength": 4},
	"smtp": {"type": "object", "properties": {"key": {"type": "string", "secret": true}, "host": {"type": "string"}}}}}`)

var market = catalog{
	release("crm", "1.1.0", nil),
	release("crm", "1.0.0", nil),
	func() core.Release { r := release("crm", "0.9.0", nil); r.Yanked = true; return r }(),
	release("mail", "1.0.0", func(m *abi.Manifest) {
		m.Settings = mailSettings
		m.Capabilities = append(m.Capabilities, abi.CapabilityRequest{Name: abi.CapabilityHTTP, Reason: "sends mail", Hosts: []string{"b.example.com", "a.example.com"}})
	}),
	release("post", "1.0.0", func(m *abi.Manifest) {
		m.Settings = json.RawMessage(`{"type": "object", "properties": {"smtp": {"type": "object", "properties": {
			"host": {"type": "string"}, "port": {"type": "integer"}, "password": {"type": "string", "secret": true}}}}}`)
		m.Capabilities = []abi.CapabilityRequest{{Name: abi.CapabilityMail, Reason: "sends mail"}}
	}),
	release("shop", "1.0.0", selling), release("kiosk", "1.0.0", selling),
	release("vault", "1.0.0", func(m *abi.Manifest) {
		m.Tables[0].Fields = append(m.Tables[0].Fields, abi.Field{Name: "pin", Type: abi.TypeString, Secret: true})
	}),
}

// units runs hooks as real units of work. In place of a guest, run writes.
type units struct {
	h     *house
	store *store.Store
	run   func(ctx context.Context, hook string, u *store.Unit) error
}

func (x *units) Lifecycle(ctx context.Context, l workspace.Lifecycle) error {
	for {
		a, err := x.h.db.Access(ctx, l.Workspace.ID)
		if err != nil {
			return err
		}
		u := x.store.Begin(l.Workspace.ID, store.Scope{Plugin: l.Installation.Plugin, Installation: l.Installation.ID, Tables: l.Manifest.Tables, Now: epoch, AuthEpoch: a.Epoch})
		if l.Hook != "" {
			if err := x.run(ctx, l.Hook, u); err != nil {
				if core.KindOf(u.Validate(ctx)) == core.Changed {
					continue // it was told something that is no longer so
				}
				return err
			}
		}
		for _, change := range core.WithDeliveries(ctx, a, l.Changes) {
			u.Add(change)
		}
		if _, err := u.Commit(ctx); core.KindOf(err) != core.Changed {
			return err
		}
	}
}

// addContact is an install hook that writes a document.
func addContact(ctx context.Context, hook string, u *store.Unit) error {
	if hook != "install" {
		return nil
	}
	_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"email": "first@example.com", "stage": "lead"}`))
	return err
}

// shop is a house with a marketplace, and a workspace of ada's.
type shop struct {
	*house
	*workspace.Installations
	hooks *units
	vault workspace.Vault
	ada   core.Account
	w     core.Workspace
	actor core.Actor
}

func newShop(t *testing.T, plan string) *shop {
	t.Helper()
	h := newHouse(t)
	s := &shop{house: h, hooks: &units{h, store.New(h.db.Documents()), addContact}, ada: h.person(t, "ada")}
	keys, err := secret.Create(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.with(keys)
	if s.w, err = h.Create(t.Context(), s.ada.ID, workspace.CreateRequest{Name: "Shop", Plan: plan}); err != nil {
		t.Fatal(err)
	}
	s.actor = h.as(t, s.ada, s.w)
	return s
}

// with makes the service anew, with other keys.
func (s *shop) with(keys secret.Keys) {
	s.vault = workspace.NewVault(keys)
	s.Installations = workspace.NewInstallations(workspace.InstallationsConfig{
		Store: s.db, Plans: offered, Catalog: market, Schemas: jsonschema.Checker{}, Hooks: s.hooks,
		Documents: reader{s.hooks.store}, Vault: s.vault, Now: now,
	})
}

var (
	crm  = workspace.InstallRequest{Plugin: "crm", Grants: []core.Grant{{Capability: abi.CapabilityData}}}
	mail = workspace.InstallRequest{
		Plugin: "carrel/mail", Settings: json.RawMessage(`{"from": "ada@example.com", "password": "canary-secret", "smtp": {"key": "canary-key", "host": "h"}}`),
		Grants: []core.Grant{{Capability: abi.CapabilityHTTP, Hosts: []string{"a.example.com", "b.example.com"}}, {Capability: abi.CapabilityData}},
	}
)

func (s *shop) install(t *testing.T, r workspace.InstallRequest) workspace.Installed {
	t.Helper()
	in, err := s.Install(t.Context(), s.w.ID, s.actor, r)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestInstall(t *testing.T) {
	s := newShop(t, "starter")
	before, err := s.db.Access(t.Context(), s.w.ID)
	if err != nil {
		t.Fatal(err)
	}
	in := s.install(t, crm)
	if in.Alias != "crm" || in.Version != "1.1.0" || in.State != core.InstallationEnabled || in.Revision != 1 || !in.Included || string(in.Settings) != "{}" {
		t.Errorf("installed %+v", in)
	}
	after, err := s.db.Access(t.Context(), s.w.ID)
	if err != nil || len(after.Installations) != 1 || after.Epoch <= before.Epoch {
		t.Fatalf("stored %+v, %v", after, err)
	}
	stored := after.Installations[0]
	if stored.Digest != market[0].Digest || !stored.Granted(abi.CapabilityData) || !slices.Equal(stored.RoleScopes[core.RoleMember], []string{"crm.contacts.read"}) {
		t.Errorf("stored %+v", stored)
	}
	f, err := s.db.Footprint(t.Context(), s.w.ID, stored.Plugin)
	if err != nil || f.Documents != 1 || f.Entries < 2 {
		t.Errorf("the hook left %+v, %v", f, err)
	}
	lines, _, err := s.Audit(t.Context(), s.w.ID, s.actor, 0, 1)
	if err != nil || lines[0].Action != "installation.created" || lines[0].Subject != "carrel/crm@1.1.0" || lines[0].Actor != string(s.ada.ID) {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	_, err = s.Install(t.Context(), s.w.ID, s.actor, crm)
	wantKind(t, err, core.Exists)
	for _, ref := range []string{"crm", "carrel/crm", string(in.ID)} {
		if got, m, err := s.Get(t.Context(), s.w.ID, s.actor, ref); err != nil || got.ID != in.ID || m.Name != "crm" {
			t.Errorf("get %s: %+v, %v", ref, got, err)
		}
	}
	_, _, err = s.Get(t.Context(), s.w.ID, s.actor, "mail")
	wantKind(t, err, core.NotFound)
}

func TestInstallRefusals(t *testing.T) {
	s := newShop(t, "everything")
	with := func(r workspace.InstallRequest, change func(*workspace.InstallRequest)) workspace.InstallRequest {
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		request workspace.InstallRequest
		kind    core.Kind
		at      []string
		says    string
	}{
		"unknown":         {workspace.InstallRequest{Plugin: "nope"}, core.NotFound, nil, "nope"},
		"unknown version": {with(crm, func(r *workspace.InstallRequest) { r.Version = "7.0.0" }), core.NotFound, nil, "7.0.0"},
		"withdrawn":       {with(crm, func(r *workspace.InstallRequest) { r.Version = "0.9.0" }), core.Denied, nil, "withdrawn"},
		"alias":           {with(crm, func(r *workspace.InstallRequest) { r.Alias = "console" }), core.Invalid, []string{"alias"}, ""},
		"no consent":      {with(mail, func(r *workspace.InstallRequest) { r.Grants = nil }), core.Invalid, []string{"grants.data", "grants.http"}, ""},
		"hosts missing":   {with(mail, func(r *workspace.InstallRequest) { r.Grants = []core.Grant{{Capability: "data"}, {Capability: "http"}} }), core.Invalid, []string{"grants.http.hosts"}, ""},
		"other hosts": {with(mail, func(r *workspace.InstallRequest) {
			r.Grants = []core.Grant{{Capability: "data"}, {Capability: "http", Hosts: []string{"a.example.com", "evil.example.com"}}}
		}), core.Invalid, []string{"grants.http.hosts"}, ""},
		"more than asked": {with(crm, func(r *workspace.InstallRequest) {
			r.Grants = append(slices.Clone(r.Grants), core.Grant{Capability: "billing"})
		}), core.Invalid, []string{"grants.billing"}, ""},
		"twice": {with(crm, func(r *workspace.InstallRequest) { r.Grants = append(slices.Clone(r.Grants), r.Grants...) }), core.Invalid, []string{"grants.data"}, ""},
		"settings": {with(mail, func(r *workspace.InstallRequest) {
			r.Settings = json.RawMessage(`{"from": 1, "rate": 1001, "password": "abc", "x": 1}`)
		}), core.Invalid, []string{"settings.from", "settings.password", "settings.rate", "settings.x"}, ""},
		"settings of none": {with(crm, func(r *workspace.InstallRequest) { r.Settings = json.RawMessage(`{"a": 1}`) }), core.Invalid, []string{"settings"}, ""},
	} {
		_, err := s.Install(t.Context(), s.w.ID, s.actor, c.request)
		var at []string
		for _, v := range core.ViolationsOf(err) {
			at = append(at, v.Location)
		}
		if core.KindOf(err) != c.kind || !slices.Equal(at, c.at) || !strings.Contains(core.MessageOf(err), c.says) {
			t.Errorf("%s: %v at %v", name, err, at)
		}
	}
	_, err := s.Install(t.Context(), s.w.ID, s.actor, with(mail, func(r *workspace.InstallRequest) { r.Grants = nil }))
	if said := core.ViolationsOf(err).Error(); !strings.Contains(said, "sends mail") || !strings.Contains(said, "a.example.com") {
		t.Errorf("a client can't show what to consent to: %s", said)
	}
	if a, err := s.db.Access(t.Context(), s.w.ID); err != nil || len(a.Installations) != 0 {
		t.Errorf("something was installed: %+v, %v", a.Installations, err)
	}
	// A plan without the plugin says which have it.
	s = newShop(t, "starter")
	_, err = s.Install(t.Context(), s.w.ID, s.actor, mail)
	wantKind(t, err, core.Denied)
	if said := core.MessageOf(err); !strings.Contains(said, "Starter") || !strings.Contains(said, "Everything") {
		t.Errorf("it says %q", said)
	}
}

func TestPreview(t *testing.T) {
	s := newShop(t, "starter")
	r := mail
	r.Grants = nil
	p, err := s.Preview(t.Context(), s.w.ID, s.actor, r)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []core.Kind
	for _, problem := range p.Problems {
		kinds = append(kinds, core.KindOf(problem))
	}
	if !slices.Equal(kinds, []core.Kind{core.Denied, core.Invalid}) || len(p.Capabilities) != 2 || p.Alias != "mail" || len(p.Release.Manifest.Tables) != 1 {
		t.Errorf("preview %+v", p)
	}
	if strings.Contains(string(p.Settings), "canary") || !strings.Contains(string(p.Settings), `"rate":60`) {
		t.Errorf("settings of the preview: %s", p.Settings)
	}
	if p, err = s.Preview(t.Context(), s.w.ID, s.actor, crm); err != nil || len(p.Problems) != 0 {
		t.Errorf("nothing stands in the way: %v, %v", p.Problems, err)
	}
	if a, err := s.db.Access(t.Context(), s.w.ID); err != nil || len(a.Installations) != 0 {
		t.Errorf("the preview installed: %+v, %v", a.Installations, err)
	}
}

func TestFailingHookLeavesNothing(t *testing.T) {
	s := newShop(t, "starter")
	before, err := s.db.Access(t.Context(), s.w.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.hooks.run = func(ctx context.Context, hook string, u *store.Unit) error {
		if err := addContact(ctx, hook, u); err != nil {
			return err
		}
		return core.E("guest", core.Denied, "no")
	}
	_, err = s.Install(t.Context(), s.w.ID, s.actor, crm)
	wantKind(t, err, core.Denied)
	after, err := s.db.Access(t.Context(), s.w.ID)
	if err != nil || len(after.Installations) != 0 || after.Epoch != before.Epoch {
		t.Errorf("left %+v, %v", after, err)
	}
	f, err := s.db.Footprint(t.Context(), s.w.ID, market[0].Plugin)
	if err != nil || f != (core.Footprint{}) {
		t.Errorf("left %+v, %v", f, err)
	}
	if lines, _, err := s.Audit(t.Context(), s.w.ID, s.actor, 0, 10); err != nil || len(lines) != 1 {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	// An uninstall hook that fails keeps the installation, until it is skipped.
	s.hooks.run = addContact
	s.install(t, crm)
	s.hooks.run = func(context.Context, string, *store.Unit) error { return core.E("guest", core.Timeout, "slow") }
	_, err = s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataErase})
	wantKind(t, err, core.Timeout)
	if _, _, err := s.Get(t.Context(), s.w.ID, s.actor, "crm"); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	if _, err := s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataErase, SkipHook: true}); err != nil {
		t.Error(err)
	}
}

func TestInstallRace(t *testing.T) {
	s := newShop(t, "everything")
	kinds := together(8, func(int) error {
		_, err := s.Install(t.Context(), s.w.ID, s.actor, crm)
		return err
	})
	if kinds[""] != 1 || kinds[core.Exists] != 7 {
		t.Errorf("one plugin eight times: %v", kinds)
	}
	f, err := s.db.Footprint(t.Context(), s.w.ID, market[0].Plugin)
	if err != nil || f.Documents != 1 {
		t.Errorf("the hooks wrote %d documents, %v", f.Documents, err)
	}
	if _, err := s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataErase}); err != nil {
		t.Fatal(err)
	}
	a, b := crm, mail
	a.Alias, b.Alias = "people", "people"
	kinds = together(8, func(i int) error {
		_, err := s.Install(t.Context(), s.w.ID, s.actor, []workspace.InstallRequest{a, b}[i%2])
		return err
	})
	if kinds[""] != 1 || kinds[core.Exists] != 7 {
		t.Errorf("one alias for two plugins: %v", kinds)
	}
}

// newShopIn is another workspace on the same server.
func newShopIn(t *testing.T, s *shop) *shop {
	t.Helper()
	other := *s
	other.ada = s.person(t, "owner-"+string(core.NewTokenID()))
	var err error
	if other.w, err = s.Create(t.Context(), other.ada.ID, workspace.CreateRequest{Name: "Elsewhere", Plan: "everything"}); err != nil {
		t.Fatal(err)
	}
	other.actor = s.as(t, other.ada, other.w)
	return &other
}

func TestAttack01_OthersInstallationIsMissing(t *testing.T) {
	s := newShop(t, "everything")
	id := string(s.install(t, crm).ID)
	eve := newShopIn(t, s)
	say := func(err error) string { return fmt.Sprintf("%s|%s", core.KindOf(err), core.MessageOf(err)) }
	for name, call := range map[string]func(ws core.WorkspaceID, ref string) error{
		"List": func(ws core.WorkspaceID, _ string) error {
			_, err := s.Installations.List(t.Context(), ws, eve.actor)
			return err
		},
		"Get": func(ws core.WorkspaceID, ref string) error {
			_, _, err := s.Get(t.Context(), ws, eve.actor, ref)
			return err
		},
		"Install": func(ws core.WorkspaceID, _ string) error {
			_, err := s.Install(t.Context(), ws, eve.actor, crm)
			return err
		},
		"Preview": func(ws core.WorkspaceID, _ string) error {
			_, err := s.Preview(t.Context(), ws, eve.actor, crm)
			return err
		},
		"Configure": func(ws core.WorkspaceID, ref string) error {
			_, err := s.Configure(t.Context(), ws, eve.actor, ref, workspace.ConfigureRequest{State: core.InstallationDisabled})
			return err
		},
		"Uninstall": func(ws core.WorkspaceID, ref string) error {
			_, err := s.Uninstall(t.Context(), ws, eve.actor, ref, workspace.UninstallRequest{Data: workspace.DataErase})
			return err
		},
	} {
		missing := core.NewWorkspaceID()
		if others, none := call(s.w.ID, id), call(missing, id); core.KindOf(none) != core.NotFound || say(others) != say(none) {
			t.Errorf("%s in another's workspace: %s, in none: %s", name, say(others), say(none))
		}
		if name == "List" || name == "Install" || name == "Preview" {
			continue
		}
		// The other workspace's id in one's own.
		if others, none := call(eve.w.ID, id), call(eve.w.ID, string(core.NewInstallationID())); core.KindOf(none) != core.NotFound || say(others) != say(none) {
			t.Errorf("%s by another's id: %s, by none: %s", name, say(others), say(none))
		}
	}
	if in, _, err := s.Get(t.Context(), s.w.ID, s.actor, id); err != nil || in.State != core.InstallationEnabled || in.Revision != 1 {
		t.Errorf("it is now %+v, %v", in, err)
	}
}
