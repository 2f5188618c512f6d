package core

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// The platform's own events tell plugins what changed in their workspace. Each is
// written with the change itself. All their members are strings.

// Happening is the data of one of the platform's events.
type Happening interface{ eventType() string }

// MemberAdded is core.member.added: somebody became a member.
type MemberAdded struct {
	Account AccountID `json:"accountId" doc:"Who became a member."`
	Email   string    `json:"email"`
	Name    string    `json:"name"`
	Role    Role      `json:"role" doc:"owner, admin or member."`
	By      string    `json:"by" doc:"The account that added them."`
}

// MemberRoleChanged is core.member.role_changed: a member has another role.
type MemberRoleChanged struct {
	Account AccountID `json:"accountId" doc:"Whose role it is."`
	Role    Role      `json:"role" doc:"owner, admin or member."`
	Was     Role      `json:"was" doc:"The role before."`
	By      string    `json:"by" doc:"The account that changed it."`
}

// MemberRemoved is core.member.removed: somebody left, or was taken out.
type MemberRemoved struct {
	Account AccountID `json:"accountId" doc:"Who is no longer a member."`
	By      string    `json:"by" doc:"The account that did it: their own when they left."`
}

// PluginInstalled is core.plugin.installed. The plugin itself is not told: it has
// its install hook.
type PluginInstalled struct {
	Installation InstallationID `json:"installationId"`
	Plugin       string         `json:"plugin" doc:"publisher/name."`
	Alias        string         `json:"alias" doc:"Its name in the workspace's addresses."`
	Version      string         `json:"version"`
	By           string         `json:"by" doc:"The account that installed it."`
}

// PluginRemoved is core.plugin.removed: a plugin was uninstalled.
type PluginRemoved struct {
	Installation InstallationID `json:"installationId"`
	Plugin       string         `json:"plugin" doc:"publisher/name."`
	Alias        string         `json:"alias" doc:"Its name in the workspace's addresses."`
	Data         string         `json:"data" doc:"keep or erase: what became of its data."`
	By           string         `json:"by" doc:"The account that uninstalled it."`
}

// PluginChanged is core.plugin.changed: a plugin was enabled, disabled or
// configured. What its settings are is not told.
type PluginChanged struct {
	Installation InstallationID    `json:"installationId"`
	Plugin       string            `json:"plugin" doc:"publisher/name."`
	Alias        string            `json:"alias" doc:"Its name in the workspace's addresses."`
	State        InstallationState `json:"state" doc:"enabled or disabled."`
	By           string            `json:"by" doc:"The account that changed it."`
}

// WorkspaceUpdated is core.workspace.updated: its name, address, time zone or
// locale changed.
type WorkspaceUpdated struct {
	Name     string `json:"name"`
	Slug     string `json:"slug" doc:"Its name in addresses."`
	TimeZone string `json:"timeZone"`
	Locale   string `json:"locale"`
	By       string `json:"by" doc:"The account that changed it."`
}

// PlanChanged is core.plan.changed: the workspace has another plan.
type PlanChanged struct {
	Plan string `json:"plan"`
	Was  string `json:"was" doc:"The plan before."`
	By   string `json:"by" doc:"The account that changed it."`
}

func (MemberAdded) eventType() string       { return "core.member.added" }
func (MemberRoleChanged) eventType() string { return "core.member.role_changed" }
func (MemberRemoved) eventType() string     { return "core.member.removed" }
func (PluginInstalled) eventType() string   { return "core.plugin.installed" }
func (PluginRemoved) eventType() string     { return "core.plugin.removed" }
func (PluginChanged) eventType() string     { return "core.plugin.changed" }
func (WorkspaceUpdated) eventType() string  { return "core.workspace.updated" }
func (PlanChanged) eventType() string       { return "core.plan.changed" }

// platformEvents are all there are, with what they say.
var platformEvents = []struct {
	data Happening
	doc  string
}{
	{MemberAdded{}, "Somebody became a member."},
	{MemberRoleChanged{}, "A member has another role."},
	{MemberRemoved{}, "Somebody is no longer a member."},
	{PluginInstalled{}, "A plugin was installed. The plugin itself is not told."},
	{PluginRemoved{}, "A plugin was uninstalled."},
	{PluginChanged{}, "A plugin was enabled, disabled or configured."},
	{WorkspaceUpdated{}, "The workspace's name, address, time zone or locale changed."},
	{PlanChanged{}, "The workspace has another plan."},
}

// PlatformEvents declares the platform's events as a manifest declares a plugin's.
func PlatformEvents() []abi.EventType {
	declared := make([]abi.EventType, len(platformEvents))
	for i, e := range platformEvents {
		type property struct {
			Type        string `json:"type"`
			Description string `json:"description,omitempty"`
		}
		schema := struct {
			Type       string              `json:"type"`
			Properties map[string]property `json:"properties"`
			Required   []string            `json:"required"`
		}{"object", map[string]property{}, nil}
		for field := range reflect.TypeOf(e.data).Fields() {
			name := field.Tag.Get("json")
			schema.Properties[name] = property{field.Type.Kind().String(), field.Tag.Get("doc")}
			schema.Required = append(schema.Required, name)
		}
		encoded, err := json.Marshal(schema)
		if err != nil {
			panic(err) // of strings
		}
		declared[i] = abi.EventType{Type: e.data.eventType(), Version: 1, Schema: encoded, Doc: e.doc}
	}
	return declared
}

// Happened makes the platform's event of a change that is being made.
func Happened(ws WorkspaceID, now time.Time, data Happening) AppendEvent {
	encoded, err := json.Marshal(data)
	if err != nil {
		panic(err) // of strings
	}
	return AppendEvent{Event: Event{
		ID: NewEventID(), Workspace: ws, Type: data.eventType(), Version: 1, Source: "/" + PlatformDomain, Data: encoded, Time: now,
	}}
}
