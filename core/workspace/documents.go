package workspace

import (
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// ScopeData is what a token that is limited to scopes needs to read the
// documents of every plugin, besides the role owner or admin of its account.
const ScopeData = "core.data.read"

// browsed is how many documents a page has.
const browsed = 50

// Reading names the documents of one installation.
type Reading struct {
	Installation core.Installation
	Tables       []abi.Table // of its release
	Epoch        int64       // the epoch the reader was authorised with; when another has begun, a read fails with Changed
}

// Documents reads what plugins keep in a workspace.
type Documents interface {
	// Page returns documents of a table, newest first, and the cursor of the next
	// page, empty on the last. Invalid: there is no such table, or the cursor is
	// of another list.
	Page(ctx context.Context, ws core.WorkspaceID, r Reading, table, cursor string, limit int) ([]core.Document, string, error)
	Document(ctx context.Context, ws core.WorkspaceID, r Reading, table string, id core.DocumentID) (core.Document, error)
	// Count counts a table's documents, up to a bound it says it reached.
	Count(ctx context.Context, ws core.WorkspaceID, r Reading, table string) (n int, capped bool, err error)
}

// TableCount is a table of an installation and how much is in it.
type TableCount struct {
	abi.Table
	Documents int
	Capped    bool // there may be more
}

// Browsed is documents of a table as a person may see them: without the fields
// the manifest marks secret, which are not in Table either.
type Browsed struct {
	Installed Installed
	Table     abi.Table
	Secret    int // fields left out
	Documents []core.Document
	Next      string // the cursor of the next page; empty on the last
}

// Tables lists the tables of an installation. Like the documents in them they are
// for owners and admins: what a plugin keeps is not bounded by the scopes it
// gives to members.
func (s *Installations) Tables(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref string) (Installed, []TableCount, error) {
	installed, reading, err := s.reading(ctx, ws, actor, ref)
	if err != nil {
		return Installed{}, nil, err
	}
	list := make([]TableCount, len(reading.Tables))
	for i, t := range reading.Tables {
		n, capped, err := s.documents.Count(ctx, ws, reading, t.Name)
		if err != nil {
			return Installed{}, nil, core.Wrap("workspace.Tables", core.Unavailable, err)
		}
		list[i] = TableCount{t, n, capped}
	}
	return installed, list, nil
}

// Documents returns a page of a table, newest first. NotFound: there is no such
// table; Invalid: the cursor is of another list.
func (s *Installations) Documents(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref, table, cursor string) (Browsed, error) {
	return s.browse(ctx, ws, actor, ref, table, func(r Reading) ([]core.Document, string, error) {
		return s.documents.Page(ctx, ws, r, table, cursor, browsed)
	})
}

// Document returns one document of a table.
func (s *Installations) Document(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref, table string, id core.DocumentID) (Browsed, error) {
	return s.browse(ctx, ws, actor, ref, table, func(r Reading) ([]core.Document, string, error) {
		doc, err := s.documents.Document(ctx, ws, r, table, id)
		return []core.Document{doc}, "", err
	})
}

func (s *Installations) browse(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref, table string,
	read func(Reading) ([]core.Document, string, error)) (Browsed, error) {
	const op = "workspace.Documents"
	installed, reading, err := s.reading(ctx, ws, actor, ref)
	if err != nil {
		return Browsed{}, err
	}
	b := Browsed{Installed: installed}
	for _, t := range reading.Tables {
		if t.Name == table {
			b.Table, b.Secret = withoutSecrets(t)
		}
	}
	if b.Table.Name == "" {
		return Browsed{}, core.E(op, core.NotFound, "The plugin has no such table.")
	}
	if b.Documents, b.Next, err = read(reading); err != nil {
		return Browsed{}, core.Wrap(op, core.Unavailable, err)
	}
	for i := range b.Documents {
		if b.Documents[i].Body, err = only(b.Table, b.Documents[i].Body); err != nil {
			return Browsed{}, core.Wrap(op, core.Internal, err)
		}
	}
	return b, nil
}

// reading is what a person may read of an installation.
func (s *Installations) reading(ctx context.Context, ws core.WorkspaceID, actor core.Actor, ref string) (Installed, Reading, error) {
	a, err := read(ctx, s.store, ws, actor, ScopeData)
	if err != nil {
		return Installed{}, Reading{}, err
	}
	in, manifest, err := s.find(ctx, a, ref)
	if err != nil {
		return Installed{}, Reading{}, err
	}
	installed, err := s.public(a.Workspace, in, manifest)
	return installed, Reading{in, manifest.Tables, a.Epoch}, err
}

// withoutSecrets is a table without its secret fields, and how many those are.
func withoutSecrets(t abi.Table) (public abi.Table, secret int) {
	public = t
	public.Fields = nil
	for _, f := range t.Fields {
		if f.Secret {
			secret++
		} else {
			public.Fields = append(public.Fields, f)
		}
	}
	return public, secret
}

// only is a document's body with the fields of a table, and no others.
func only(t abi.Table, body json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	public := make(map[string]json.RawMessage, len(t.Fields))
	for _, f := range t.Fields {
		if value, ok := all[f.Name]; ok {
			public[f.Name] = value
		}
	}
	return json.Marshal(public)
}
