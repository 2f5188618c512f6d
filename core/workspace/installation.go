package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Catalog finds releases. Both answer NotFound for what it doesn't have.
type Catalog interface {
	// Release finds a version of a plugin, by name or publisher/name; an empty
	// version is the newest that isn't yanked.
	Release(ctx context.Context, plugin, version string) (core.Release, error)
	ByDigest(ctx context.Context, digest core.Digest) (core.Release, error)
}

// Schemas checks settings against the JSON Schema a manifest declares.
type Schemas interface {
	// Check answers the settings with the schema's defaults in the places that
	// are empty; or an Invalid error whose violations are located below
	// "settings".
	Check(schema, settings json.RawMessage) (json.RawMessage, error)
}

// Hooks runs a plugin's lifecycle hook as one unit of work.
type Hooks interface {
	// Lifecycle runs the hook, if it names one, and commits what it wrote
	// together with the changes, or nothing of either. It refuses to leave an
	// installation enabled that the plan, by then, no longer includes.
	Lifecycle(ctx context.Context, l Lifecycle) error
}

// Lifecycle is a step in an installation's life.
type Lifecycle struct {
	Workspace    core.Workspace
	Installation core.Installation // as it is while the hook runs
	Manifest     *abi.Manifest
	Hook         string // the handler; may be empty
	Changes      []core.Change
	Actor        core.Actor
}

// InstallationStore is what Installations needs of the store.
type InstallationStore interface {
	Store
	// Footprint counts what a plugin has in a workspace, also of an earlier
	// installation of it whose data was kept.
	Footprint(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) (core.Footprint, error)
	// Blobs returns what a plugin keeps in a workspace, also of an earlier
	// installation.
	Blobs(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID) ([]core.Blob, error)
	// Configured returns the workspaces with an installation that has settings.
	Configured(ctx context.Context) ([]core.WorkspaceID, error)
}

// InstallationsConfig is what Installations is made of.
type InstallationsConfig struct {
	Store     InstallationStore
	Plans     Plans
	Catalog   Catalog
	Schemas   Schemas
	Hooks     Hooks
	Documents Documents
	Vault     Vault
	Objects   Objects          // nil: there are no blobs
	Now       func() time.Time // nil: time.Now
}

// Installations installs plugins in workspaces. Its methods may be called
// concurrently.
type Installations struct {
	store     InstallationStore
	plans     Plans
	catalog   Catalog
	schemas   Schemas
	hooks     Hooks
	documents Documents
	vault     Vault
	objects   Objects
	now       func() time.Time
}

// NewInstallations makes the service.
func NewInstallations(cfg InstallationsConfig) *Installations {
	return &Installations{
		store: cfg.Store, plans: cfg.Plans, catalog: cfg.Catalog, schemas: cfg.Schemas, hooks: cfg.Hooks,
		documents: cfg.Documents, vault: cfg.Vault, objects: cmp.Or[Objects](cfg.Objects, noObjects{}), now: clock(cfg.Now),
	}
}

// Installed is an installation as people see it: without its secrets.
type Installed struct {
	ID       core.InstallationID
	Plugin   core.PluginID
	Alias    string
	Title    string
	Summary  string
	Version  string
	Digest   core.Digest
	State    core.InstallationState
	Included bool // in the workspace's plan; if not, its handlers are refused
	Grants   []core.Grant
	Settings json.RawMessage
	Secrets  []string               // dotted paths of the secret settings that are set
	Roles    map[core.Role][]string // scopes of the plugin each role has; owner and admin have all
	Revision int64
	Created  time.Time
	Updated  time.Time
}

// Has reports whether an actor has a scope of the installation, as
// core.Installation does.
func (i Installed) Has(actor core.Actor, scope string) bool {
	in := core.Installation{ID: i.ID, RoleScopes: i.Roles}
	return in.Has(actor, scope)
}

// List returns what is installed in a workspace, by alias.
func (s *Installations) List(ctx context.Context, ws core.WorkspaceID, actor core.Actor) ([]Installed, error) {
	a, err := read(ctx, s.store, ws, actor, ScopeInstalledRead)
	if err != nil {
		return nil, err
	}
	list := make([]Installed, len(a.Installations))
	for i, in := range a.Installations {
		m, err := s.manifest(ctx, in)
		if err != nil {
			return nil, err
		}
		if list[i], err = s.public(a.Workspace, in, m); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Get returns an installation by alias, plugin or id, and its manifest.
func (s *Installations) Get(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref string) (Installed, *abi.Manifest, error) {
	a, err := read(ctx, s.store, ws, actor, ScopeInstalledRead)
	if err != nil {
		return Installed{}, nil, err
	}
	in, m, err := s.find(ctx, a, ref)
	if err != nil {
		return Installed{}, nil, err
	}
	public, err := s.public(a.Workspace, in, m)
	return public, m, err
}

func (s *Installations) find(ctx context.Context, a core.Access, ref string) (core.Installation, *abi.Manifest, error) {
	in, ok := a.Installation(ref)
	if !ok {
		return in, nil, errNotInstalled
	}
	m, err := s.manifest(ctx, in)
	return in, m, err
}

// manifest is that of an installation's release. A release the registry has
// lost must not keep a workspace from being looked at, nor its installation
// from being removed: it declares nothing, its settings are all secret.
func (s *Installations) manifest(ctx context.Context, in core.Installation) (*abi.Manifest, error) {
	release, err := s.catalog.ByDigest(ctx, in.Digest)
	switch core.KindOf(err) {
	case "":
		return &release.Manifest, nil
	case core.NotFound:
		return &abi.Manifest{
			Title:    in.Alias,
			Summary:  "Its release is missing from this server: the operator must publish it again.",
			Settings: allSecret(in.Settings),
		}, nil
	default:
		return nil, core.Wrap("workspace.Manifest", core.Unavailable, err)
	}
}

var errNotInstalled = core.E("workspace.Get", core.NotFound, "There is no such installation in this workspace.")

// allSecret is a schema in which each of the settings is a secret.
func allSecret(settings json.RawMessage) json.RawMessage {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(settings, &object) // stored by us: an object, or nothing
	properties := make(map[string]any, len(object))
	for name := range object {
		properties[name] = map[string]any{"secret": true}
	}
	schema, _ := json.Marshal(map[string]any{"properties": properties}) // of strings and booleans
	return schema
}

func (s *Installations) public(w core.Workspace, in core.Installation, m *abi.Manifest) (Installed, error) {
	settings, secrets, err := core.PublicSettings(m.Settings, in.Settings)
	plan, _ := s.plans.Plan(w.Plan)
	return Installed{
		ID: in.ID, Plugin: in.Plugin, Alias: in.Alias, Title: m.Title, Summary: m.Summary, Version: in.Version, Digest: in.Digest,
		State: in.State, Included: plan.Allows(in.Plugin.Name), Grants: in.Grants, Settings: settings, Secrets: secrets,
		Roles: in.RoleScopes, Revision: in.Revision, Created: in.Created, Updated: in.Updated,
	}, err
}

// roleScopes are the scopes of the plugin each role has from the start. Owners
// and admins have all of them without being named.
func roleScopes(permissions []abi.Permission) map[core.Role][]string {
	scopes := map[core.Role][]string{}
	for _, p := range permissions {
		for _, role := range p.Roles {
			scopes[core.Role(role)] = append(scopes[core.Role(role)], p.Name)
		}
	}
	return scopes
}
