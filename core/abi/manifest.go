package abi

import "encoding/json"

// ManifestSection is the name of the custom section that holds the manifest.
const ManifestSection = "carrel.manifest"

// Manifest is what a release declares. The rules a valid one keeps are checked
// by core.CheckManifest.
type Manifest struct {
	ABI       int    `json:"abi"`
	Name      string `json:"name"`
	Publisher string `json:"publisher"`
	Version   string `json:"version"` // semantic version
	Title     string `json:"title"`
	Summary   string `json:"summary"`
	License   string `json:"license,omitempty"` // SPDX
	Docs      Docs   `json:"docs"`

	Settings     json.RawMessage     `json:"settings,omitempty"` // JSON Schema of an object; `secret: true` on a property hides it
	Permissions  []Permission        `json:"permissions,omitempty"`
	Capabilities []CapabilityRequest `json:"capabilities,omitempty"`
	Tables       []Table             `json:"tables,omitempty"`
	Routes       []Route             `json:"routes,omitempty"`
	Emits        []EventType         `json:"emits,omitempty"`
	Listens      []Listener          `json:"listens,omitempty"`
	Jobs         []Job               `json:"jobs,omitempty"`
	Schedules    []Schedule          `json:"schedules,omitempty"`
	Lifecycle    Lifecycle           `json:"lifecycle,omitzero"`
	Pages        []ManifestPage      `json:"pages,omitempty"`
	Limits       Limits              `json:"limits,omitzero"`
	Meters       []Meter             `json:"meters,omitempty"`
}

// Docs are the author's pages, in Markdown.
type Docs struct {
	Installation  string `json:"installation,omitempty"`
	Configuration string `json:"configuration,omitempty"`
	DataModel     string `json:"data_model,omitempty"`
	API           string `json:"api,omitempty"`
	Events        string `json:"events,omitempty"`
}

// Permission is a scope the plugin defines for people, `<plugin>.<noun>.<verb>`.
// Owners and admins always have it; Roles lists who else does from the start.
type Permission struct {
	Name  string   `json:"name"`
	Doc   string   `json:"doc"`
	Roles []string `json:"roles,omitempty"`
}

// CapabilityRequest asks the workspace for a capability, with the reason the
// consent screen shows. Hosts belongs to http: exact names, or "*.example.com".
// Events, the types it would receive, and Domains, the neutral domains it would
// hold, belong to events; a manifest leaves them out, as core.Requests finds
// them in what it listens to and emits.
type CapabilityRequest struct {
	Name    Capability `json:"name"`
	Reason  string     `json:"reason"`
	Hosts   []string   `json:"hosts,omitempty"`
	Events  []string   `json:"events,omitempty"`
	Domains []string   `json:"domains,omitempty"`
}

// Table declares a table of documents, private to the plugin.
type Table struct {
	Name    string  `json:"name"`
	Doc     string  `json:"doc,omitempty"`
	Fields  []Field `json:"fields"`
	Indexes []Index `json:"indexes,omitempty"`
}

// FieldType is the type of a field's JSON value.
type FieldType string

const (
	TypeString FieldType = "string"
	TypeText   FieldType = "text" // long; cannot be indexed
	TypeInt    FieldType = "int"  // 64-bit
	TypeFloat  FieldType = "float"
	TypeBool   FieldType = "bool"
	TypeTime   FieldType = "time"  // RFC 3339
	TypeDate   FieldType = "date"  // 2006-01-02
	TypeMoney  FieldType = "money" // {"amount": minor units, "currency": "EUR"}
	TypeEmail  FieldType = "email" // stored in lower case
	TypeURL    FieldType = "url"   // http or https
	TypeID     FieldType = "id"    // of a document (with ref) or anything else
	TypeJSON   FieldType = "json"
	TypeArray  FieldType = "array"
	TypeObject FieldType = "object"
)

// IsText reports whether values of the type are JSON strings.
func (t FieldType) IsText() bool {
	switch t {
	case TypeString, TypeText, TypeTime, TypeDate, TypeEmail, TypeURL, TypeID:
		return true
	default:
		return false
	}
}

// Field declares one field of a table. Unique and Index are short for a
// single-field index named after the field.
type Field struct {
	Name     string          `json:"name"`
	Type     FieldType       `json:"type"`
	Required bool            `json:"required,omitempty"` // present and not null; strings not empty
	Default  json.RawMessage `json:"default,omitempty"`
	Enum     []string        `json:"enum,omitempty"`
	Max      int             `json:"max,omitempty"` // string, text, email, url: characters; array: items
	Unique   bool            `json:"unique,omitempty"`
	Index    bool            `json:"index,omitempty"`
	Ref      string          `json:"ref,omitempty"`       // table of the same plugin; the field is then indexed
	OnDelete string          `json:"on_delete,omitempty"` // restrict (default), cascade, clear
	Secret   bool            `json:"secret,omitempty"`    // shown by nothing but the plugin itself: the console's tables leave it out
	Doc      string          `json:"doc,omitempty"`
}

// Index declares a compound index. A document without one of the fields is
// indexed with null in its place, but never collides in a unique index.
type Index struct {
	Name   string   `json:"name"`
	Fields []string `json:"fields"`
	Unique bool     `json:"unique,omitempty"`
}

// Route declares an HTTP route below /w/{workspace}/{plugin}.
type Route struct {
	Method     string          `json:"method"`
	Path       string          `json:"path"` // "/contacts/:id"
	Kind       Kind            `json:"kind"`
	Handler    string          `json:"handler"`
	Public     bool            `json:"public,omitempty"` // no sign-in needed
	Raw        bool            `json:"raw,omitempty"`    // body and answer are bytes, not JSON
	Permission string          `json:"permission,omitempty"`
	Request    json.RawMessage `json:"request,omitempty"`  // JSON Schema of the body
	Response   json.RawMessage `json:"response,omitempty"` // JSON Schema of the answer
	Query      []Parameter     `json:"query,omitempty"`
	Doc        string          `json:"doc,omitempty"`
}

// Parameter documents a query parameter.
type Parameter struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
}

// EventType declares an event the plugin emits. Its name begins with the
// plugin's, or with a neutral domain such as "order.", which one installation of
// a workspace holds.
type EventType struct {
	Type    string          `json:"type"`
	Version int             `json:"version"`
	Schema  json.RawMessage `json:"schema,omitempty"`
	Doc     string          `json:"doc,omitempty"`
}

// Listener subscribes a mutation to a type of events, or to several: crm.deal.*,
// or * for those of all other plugins.
type Listener struct {
	Type    string `json:"type"`
	Handler string `json:"handler"`
}

// Job declares a handler that jobs.schedule and mutate may name.
type Job struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"` // mutation or action
	Doc  string `json:"doc,omitempty"`
}

// Schedule calls a job by a cron expression in the workspace's time zone.
type Schedule struct {
	Name    string `json:"name"`
	Cron    string `json:"cron"`
	Handler string `json:"handler"`
}

// Lifecycle names the mutations called when an installation begins, changes
// its release, and ends.
type Lifecycle struct {
	Install   string `json:"install,omitempty"`
	Upgrade   string `json:"upgrade,omitempty"`
	Uninstall string `json:"uninstall,omitempty"`
}

// ManifestPage declares a page of the console.
type ManifestPage struct {
	Path       string `json:"path"`
	Title      string `json:"title"`
	Icon       string `json:"icon,omitempty"` // in the console's navigation, see docs/authors.md
	Nav        bool   `json:"nav,omitempty"`
	Handler    string `json:"handler"`
	Permission string `json:"permission,omitempty"`
}

// Limits asks for limits of one call below the host's own. 0 means the host's.
type Limits struct {
	Fuel   int64 `json:"fuel,omitempty"`   // units, see docs/fuel.md
	Memory int64 `json:"memory,omitempty"` // bytes
	TimeMS int64 `json:"time,omitempty"`   // milliseconds
}

// Meter declares a sum the plugin keeps with billing.record. A plan may set a
// quota for it by the name `<plugin>.<meter>`.
type Meter struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
}
