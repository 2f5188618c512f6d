package archive

import (
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Format is the version of archives that this package writes and reads.
const Format = 1

// Manifest says what an archive is.
type Manifest struct {
	Format int       `json:"format"`
	Carrel string    `json:"carrel"` // the version of Carrel that made it
	Made   time.Time `json:"made"`   // a moment before it was read
	Store  string    `json:"store"`  // the database it was read from: sqlite or postgres
	Schema int64     `json:"schema"` // the newest migration of that

	// Workspace is the one it is of; empty: it is of a whole deployment.
	Workspace core.WorkspaceID `json:"workspace,omitempty"`
	Slug      string           `json:"slug,omitempty"`
	// Export is that it was made for a tenant: without passwords' hashes and secrets.
	Export bool `json:"export,omitempty"`

	// Keys are the ids of those that secrets in it may be sealed with. The keys
	// themselves are never in an archive.
	Keys []string `json:"keys"`

	Members []Member `json:"members"` // in their order
}

// Member is a file in an archive.
type Member struct {
	Name    string   `json:"name"`
	Table   string   `json:"table,omitempty"`
	Columns []Column `json:"columns,omitempty"`
	Rows    int64    `json:"rows,omitempty"`
	Size    int64    `json:"size"` // in bytes
	SHA256  string   `json:"sha256"`
}

// Rows are the counts of its tables.
func (m Manifest) Rows() map[string]int64 {
	rows := map[string]int64{}
	for _, member := range m.Members {
		if member.Table != "" {
			rows[member.Table] = member.Rows
		}
	}
	return rows
}

const (
	manifestName = "manifest.json"
	tablesDir    = "tables/"
	tablesExt    = ".jsonl.zst"
	sealName     = "sha256"
)
