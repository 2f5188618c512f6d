package archive

import "slices"

// Kind is what the values of a column are.
type Kind string

// The kinds, and the Go type of their values in a Row.
const (
	Integer Kind = "integer" // int64
	Text    Kind = "text"    // string
	Bytes   Kind = "bytes"   // []byte
	Boolean Kind = "boolean" // bool
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	Null bool   `json:"null,omitempty"` // nil is a value of it
}

// Table is one table as it is in an archive, whatever the database makes of it.
type Table struct {
	Name    string
	Columns []Column
	Key     []string // what its rows are sorted by
	// Workspace is the column that says whose a row is; empty: no workspace's.
	Workspace string
	// Number is a column of numbers that the database gives; a row with nil there
	// gets the next one.
	Number string
}

// Index returns where a column is in a row. The table has it.
func (t Table) Index(column string) int {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		panic("archive: " + t.Name + " has no column " + column)
	}
	return i
}

func columns(kind Kind, names ...string) (made []Column) {
	for _, name := range names {
		made = append(made, Column{Name: name, Kind: kind})
	}
	return made
}

func text(names ...string) []Column    { return columns(Text, names...) }
func integer(names ...string) []Column { return columns(Integer, names...) }
func blob(names ...string) []Column    { return columns(Bytes, names...) }

// Tables are those of an archive, each after the ones it refers to. A database has
// others, too: see Forgotten. A test of each database compares this with its schema.
var Tables = []Table{
	{Name: "accounts", Key: []string{"id"},
		Columns: slices.Concat(text("id", "email", "name", "password_hash"), columns(Boolean, "operator"), integer("created"))},
	{Name: "secret_keys", Key: []string{"id"}, Columns: slices.Concat(text("id"), integer("complete"))},
	{Name: "catalog", Key: []string{"number"}, Number: "number", Columns: slices.Concat(integer("number"), text("name"))},

	{Name: "workspaces", Key: []string{"id"}, Workspace: "id",
		Columns: slices.Concat(text("id", "slug", "name", "time_zone", "locale", "home"), integer("created"))},
	{Name: "slugs", Key: []string{"position"}, Workspace: "workspace", Number: "position",
		Columns: slices.Concat(integer("position"), text("slug", "workspace"))},
	{Name: "heads", Key: []string{"workspace"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace"), integer("seq", "auth_epoch"))},
	{Name: "members", Key: []string{"workspace", "account"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "account", "role"), integer("created"))},
	{Name: "tokens", Key: []string{"hash"}, Workspace: "workspace",
		Columns: slices.Concat(blob("hash"), text("id", "account", "name", "workspace"), []Column{{Name: "scopes", Kind: Text, Null: true}},
			integer("created", "expires", "last_used"))},
	{Name: "contracts", Key: []string{"workspace", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "id", "plan"), integer("began", "ended"))},
	{Name: "installations", Key: []string{"workspace", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "id", "publisher", "name", "alias", "version", "digest", "state", "grants", "settings",
			"role_scopes"),
			integer("revision", "created", "updated"))},
	{Name: "documents", Key: []string{"workspace", "tbl", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace"), integer("tbl"), text("id"), integer("version", "schema"), text("body"),
			integer("created", "updated"))},
	{Name: "entries", Key: []string{"workspace", "idx", "key", "id"}, Workspace: "workspace", Columns: entryColumns},
	{Name: "unique_entries", Key: []string{"workspace", "idx", "key"}, Workspace: "workspace", Columns: entryColumns},
	{Name: "receipts", Key: []string{"workspace", "scope", "key"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "scope", "key"), blob("request_hash"), text("answer"), integer("created"))},
	{Name: "usage_sums", Key: []string{"workspace", "meter", "install"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "install", "meter"), integer("quantity"))},
	{Name: "blobs", Key: []string{"workspace", "publisher", "name", "digest"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "publisher", "name", "digest"), integer("size"), text("type"), integer("created"),
			text("object"))},
	{Name: "events", Key: []string{"workspace", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "id", "type"), integer("version"), text("source", "data", "cause"),
			integer("hop", "time"))},
	{Name: "deliveries", Key: []string{"workspace", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "id", "install", "event", "handler", "payload", "state"), integer("attempt"),
			[]Column{{Name: "due", Kind: Integer, Null: true}}, integer("hop"), text("last_error"), integer("created"),
			text("schedule"), integer("occurrence"), text("trace"))},
	{Name: "invocations", Key: []string{"workspace", "id"}, Workspace: "workspace",
		Columns: slices.Concat(text("workspace", "id", "install", "handler", "kind", "trigger", "outcome"), integer("runs", "fuel", "duration"),
			text("error"), integer("started"), text("delivery"), integer("attempt"), text("log", "request"))},
	{Name: "audit", Key: []string{"position"}, Workspace: "workspace", Number: "position",
		Columns: slices.Concat(integer("position"), text("workspace"), integer("time"), text("actor", "action", "subject"))},
}

var entryColumns = slices.Concat(text("workspace"), integer("idx"), blob("key"), text("id"))

// Forgotten are the tables that are in no archive and empty after a restore: who
// was signed in signs in again, and a set-up link is made anew.
var Forgotten = []Table{{Name: "sessions"}, {Name: "setup"}}

// table finds one of Tables.
func table(name string) (Table, bool) {
	i := slices.IndexFunc(Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return Tables[i], true
}

// known is a table that there is.
func known(name string) Table {
	t, ok := table(name)
	if !ok {
		panic("archive: no table " + name)
	}
	return t
}
