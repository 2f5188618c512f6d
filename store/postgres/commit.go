package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Commit implements store.Backend: the answers are validated where they are, and
// the writes follow unless one is no longer so.
func (d *documents) Commit(ctx context.Context, ws core.WorkspaceID, unit store.Batch) (seq int64, err error) {
	p := newPending(nil)
	p.unit = &unit
	if err := d.db.committer.write(ctx, "postgres.Commit", ws, p); err != nil {
		return 0, err
	}
	if core.Resumes(unit.Changes) {
		d.db.wakes.signal()
	}
	return p.seq, nil
}

// documentWrites is what becomes of documents and entries, by kind.
type documentWrites struct {
	removed, released, added, held entries
	inserted, updated, deleted     rows
}

func (w *documentWrites) add(writes []store.Write) {
	for _, one := range writes {
		w.removed.add(one.Document.ID, one.Remove)
		w.released.add(one.Document.ID, one.Release)
		w.added.add(one.Document.ID, one.Add)
		w.held.add(one.Document.ID, one.Hold)
		switch {
		case one.Deleted:
			w.deleted.add(one)
		case one.Base == 0:
			w.inserted.add(one)
		default:
			w.updated.add(one)
		}
	}
}

// exec adds the writes, one statement for all of a kind. All removals come first: a
// unique key can pass from one document to another within a unit.
func (w *documentWrites) exec(b *batch, ws core.WorkspaceID) {
	const these = " AND e.idx = n.idx AND e.key = n.key AND e.id = n.id"
	w.removed.exec(b, ws, "DELETE FROM entries e USING "+listed+" WHERE e."+inWorkspace+these)
	w.released.exec(b, ws, "DELETE FROM unique_entries e USING "+listed+" WHERE e."+inWorkspace+these)
	w.deleted.touch(b, ws, "DELETE FROM documents d USING "+unnested+" WHERE d."+inWorkspace+" AND d.tbl = n.tbl AND d.id = n.id AND d.version = n.base")
	w.updated.touch(b, ws, "UPDATE documents d SET version = n.version, schema = n.schema, body = n.body, updated = n.updated FROM "+unnested+
		" WHERE d."+inWorkspace+" AND d.tbl = n.tbl AND d.id = n.id AND d.version = n.base")
	w.inserted.exec(b, ws, "INSERT INTO documents (workspace, tbl, id, version, schema, body, created, updated)"+
		" SELECT $1, n.tbl, n.id, n.version, n.schema, n.body, n.created, n.updated FROM "+unnested)
	w.added.exec(b, ws, "INSERT INTO entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
	w.held.exec(b, ws, "INSERT INTO unique_entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
}

// entries are those of many documents, by columns.
type entries struct {
	indexes []int64
	keys    [][]byte
	ids     []string
}

const listed = "unnest($2::bigint[], $3::bytea[], $4::text[]) AS n (idx, key, id)"

func (e *entries) add(id core.DocumentID, list []store.Entry) {
	for _, entry := range list {
		e.indexes, e.keys, e.ids = append(e.indexes, int64(entry.Index)), append(e.keys, []byte(entry.Key)), append(e.ids, string(id))
	}
}

func (e *entries) exec(b *batch, ws core.WorkspaceID, query string) {
	if len(e.ids) > 0 {
		b.exec(query, ws, e.indexes, e.keys, e.ids)
	}
}

// rows are the documents of many writes, by columns.
type rows struct {
	writes                                             []store.Write
	tables, bases, versions, schemas, created, updated []int64
	ids, bodies                                        []string
}

const unnested = "unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[])" +
	" AS n (tbl, id, base, version, schema, body, created, updated)"

func (r *rows) add(w store.Write) {
	doc := w.Document
	r.writes = append(r.writes, w)
	r.tables, r.ids, r.bases = append(r.tables, int64(w.Table)), append(r.ids, string(doc.ID)), append(r.bases, w.Base)
	r.versions, r.schemas, r.bodies = append(r.versions, doc.Version), append(r.schemas, int64(doc.Schema)), append(r.bodies, string(doc.Body))
	r.created, r.updated = append(r.created, micros(doc.Created)), append(r.updated, micros(doc.Updated))
}

func (r *rows) exec(b *batch, ws core.WorkspaceID, query string) {
	if len(r.writes) > 0 {
		b.exec(query, r.args(ws)...)
	}
}

// touch is exec for rows that are there. A version other than the one the unit read
// was found by its expectation; the condition on it is the second lock on the same
// door.
func (r *rows) touch(b *batch, ws core.WorkspaceID, query string) {
	if len(r.writes) == 0 {
		return
	}
	first := r.writes[0]
	conflict := store.NewConflict(ws, store.VersionOf{Table: first.Table, ID: first.Document.ID})
	b.touch(len(r.writes), conflict, query, r.args(ws)...)
}

func (r *rows) args(ws core.WorkspaceID) []any {
	return []any{ws, r.tables, r.ids, r.bases, r.versions, r.schemas, r.bodies, r.created, r.updated}
}
