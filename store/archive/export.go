package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// FindHere returns the workspace of a database that has this id or address.
func FindHere(ctx context.Context, from Snapshot, ref string) (ws core.WorkspaceID, slug string, err error) {
	return find(ref, "There is no workspace %s. Name it by its id or its address.",
		func(t Table, each func(Row) error) error { return from.Rows(ctx, t, "", each) })
}

// Export writes what a tenant may be given of its workspace: everything in it but
// secrets and tokens, with the names of its members and no hash of a password. What
// plugins keep is there a second time, in a form for people. It can be restored.
func Export(ctx context.Context, w *Writer, from Snapshot, ws core.WorkspaceID, m *Manifest, progress Progress) error {
	const op = "archive.Export"
	e := &export{progress: progress, to: w, from: from, ws: ws, members: map[any]bool{}, used: map[any]bool{}, names: map[any]string{}}
	m.Workspace, m.Export = ws, true
	for _, step := range []func(context.Context) error{e.look, e.tables, e.documents} {
		if err := step(ctx); err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	return nil
}

// export is a workspace that is being exported.
type export struct {
	progress Progress
	to       *Writer
	from     Snapshot
	ws       core.WorkspaceID

	members map[any]bool   // by their accounts
	used    map[any]bool   // numbers of the catalog
	names   map[any]string // by those
	sealed  bool           // every secret of the database is
}

// look finds out what of the tables that are of no workspace belongs to it.
func (e *export) look(ctx context.Context) error {
	mark := func(name, column string, in map[any]bool) error {
		t := known(name)
		at := t.Index(column)
		return e.from.Rows(ctx, t, e.ws, func(row Row) error {
			in[row[at]] = true
			return nil
		})
	}
	for _, used := range []struct {
		table, column string
		in            map[any]bool
	}{{"members", "account", e.members}, {"documents", "tbl", e.used}, {"entries", "idx", e.used}, {"unique_entries", "idx", e.used}} {
		if err := mark(used.table, used.column, used.in); err != nil {
			return err
		}
	}
	catalog, keys := known("catalog"), known("secret_keys")
	err := e.from.Rows(ctx, catalog, "", func(row Row) error {
		e.names[row[catalog.Index("number")]] = row[catalog.Index("name")].(string)
		return nil
	})
	if err != nil {
		return err
	}
	e.sealed = true
	return e.from.Rows(ctx, keys, "", func(row Row) error {
		e.sealed = e.sealed && row[keys.Index("complete")] == int64(core.KeyComplete)
		return nil
	})
}

// tables writes the tables an export has.
func (e *export) tables(ctx context.Context) error {
	for _, t := range Tables {
		if t.Name == "secret_keys" || t.Name == "tokens" {
			continue
		}
		err := e.to.Table(t, func(put func(Row) error) error {
			ws := e.ws
			if t.Workspace == "" {
				ws = ""
			}
			var n int64
			return e.from.Rows(ctx, t, ws, func(row Row) error {
				e.progress.say(t.Name, n)
				n++
				shown, err := e.shown(t, row)
				if err != nil || shown == nil {
					return err
				}
				return put(shown)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shown is a row without what isn't the tenant's; nil: it isn't at all.
func (e *export) shown(t Table, row Row) (Row, error) {
	switch t.Name {
	case "accounts":
		if !e.members[row[t.Index("id")]] {
			return nil, nil
		}
		row[t.Index("password_hash")], row[t.Index("operator")] = "", false
	case "catalog":
		if !e.used[row[t.Index("number")]] {
			return nil, nil
		}
	case "installations":
		at := t.Index("settings")
		left, err := core.WithoutSealed(json.RawMessage(row[at].(string)))
		if err != nil {
			return nil, err
		}
		if !e.sealed { // something that is secret may be in the clear
			left = json.RawMessage("{}")
		}
		row[at] = string(left)
	}
	return row, nil
}

// documents writes each plugin table once more, a document a line as the plugin's
// API shows it.
func (e *export) documents(ctx context.Context) error {
	t := known("documents")
	tbl := t.Index("tbl")
	var at any
	var to *measured
	end := func() {
		if to != nil {
			e.to.add("documents/"+e.names[at]+".jsonl", to)
		}
	}
	err := e.from.Rows(ctx, t, e.ws, func(row Row) error {
		if row[tbl] != at {
			end()
			at, to = row[tbl], measure(e.to.aside)
		}
		line, err := readable(t, row)
		if err == nil {
			_, err = to.Write(line)
		}
		return err
	})
	end()
	return err
}

// readable is a document as one object, on a line.
func readable(t Table, row Row) ([]byte, error) {
	at := func(column string) string {
		return time.UnixMicro(row[t.Index(column)].(int64)).UTC().Format(time.RFC3339Nano)
	}
	about, err := json.Marshal(struct {
		ID        any    `json:"id"`
		Version   any    `json:"version"`
		CreatedAt string `json:"createdAt"`
		UpdatedAt string `json:"updatedAt"`
	}{row[t.Index("id")], row[t.Index("version")], at("created"), at("updated")})
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := json.Compact(&body, []byte(row[t.Index("body")].(string))); err != nil {
		return nil, fmt.Errorf("the document %s: %w", row[t.Index("id")], err)
	}
	if inner := bytes.TrimPrefix(body.Bytes(), []byte("{")); len(inner) > 1 {
		return slices.Concat(about[:len(about)-1], []byte(","), inner, []byte("\n")), nil
	}
	return append(about, '\n'), nil
}
