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
	err = d.db.committer.write(ctx, "postgres.Commit", ws, p)
	if err == nil && core.Resumes(unit.Changes) {
		d.db.wakes.signal()
	}
	if core.Authorises(unit.Changes) {
		err = d.db.ended(ctx, err)
	}
	if err != nil {
		return 0, err
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
// unique key can pass from one document to another within a unit. No statement joins
// what is written with the workspace's rows: Postgres would go through all of them
// for each, having planned that while they were few.
func (w *documentWrites) exec(b *batch, ws core.WorkspaceID) {
	w.remove(b, ws)
	w.updated.update(b, ws)
	w.inserted.exec(b, ws, "INSERT INTO documents (workspace, tbl, id, version, schema, body, created, updated)"+
		" SELECT $1, n.tbl, n.id, n.version, n.schema, n.body, n.created, n.updated FROM "+unnested)
	w.added.exec(b, ws, "INSERT INTO entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
	w.held.exec(b, ws, "INSERT INTO unique_entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
}

// removeQuery looks each row up by its key, for the place where it is, and deletes
// what is at these places.
const (
	removeQuery = "SELECT expect(remove_at(" +
		"ARRAY(SELECT (SELECT e.ctid FROM entries e WHERE " + theEntry + ")" +
		" FROM unnest($2::bigint[], $3::bytea[], $4::text[]) " + anEntry + "), " +
		"ARRAY(SELECT (SELECT e.ctid FROM unique_entries e WHERE " + theEntry + ")" +
		" FROM unnest($5::bigint[], $6::bytea[], $7::text[]) " + anEntry + "), " +
		"ARRAY(SELECT (SELECT d.ctid FROM documents d WHERE d." + inWorkspace + " AND d.tbl = n.tbl AND d.id = n.id AND d.version = n.base)" +
		" FROM unnest($8::bigint[], $9::text[], $10::bigint[]) AS n (tbl, id, base))) = $11, $12)"
	anEntry  = "AS n (idx, key, id)"
	theEntry = "e." + inWorkspace + " AND e.idx = n.idx AND e.key = n.key AND e.id = n.id"
)

// remove adds the deletion of entries, and of documents, which have to be there.
func (w *documentWrites) remove(b *batch, ws core.WorkspaceID) {
	r, u, d := &w.removed, &w.released, &w.deleted
	if len(r.ids)+len(u.ids)+len(d.ids) > 0 {
		b.exec(removeQuery, ws, r.indexes, r.keys, r.ids, u.indexes, u.keys, u.ids, d.tables, d.ids, d.bases,
			int64(len(d.ids)), int32(b.unless(func(int64) error { return d.conflict(ws) })))
	}
}

// entries are those of many documents, by columns.
type entries struct {
	indexes []int64
	keys    [][]byte
	ids     []string
}

const listed = "unnest($2::bigint[], $3::bytea[], $4::text[]) " + anEntry

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

// updateQuery finds each document as what an insertion conflicts with. One that isn't
// there would be made, at a time that none has, and counts as one that is missing. A
// version is the next of the one before it.
const updateQuery = `WITH updated AS (
		INSERT INTO documents AS d (workspace, tbl, id, version, schema, body, created, updated)
		SELECT $1, n.tbl, n.id, n.version, n.schema, n.body, -1, n.updated
		FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])
			AS n (tbl, id, version, schema, body, updated)
		ON CONFLICT (workspace, tbl, id) DO UPDATE
		SET version = excluded.version, schema = excluded.schema, body = excluded.body, updated = excluded.updated
		WHERE d.version = excluded.version - 1
		RETURNING d.created)
	SELECT expect((SELECT count(*) FROM updated WHERE created >= 0) = $8, $9)`

// update adds the update of documents, which have to be there.
func (r *rows) update(b *batch, ws core.WorkspaceID) {
	if len(r.writes) > 0 {
		b.exec(updateQuery, ws, r.tables, r.ids, r.versions, r.schemas, r.bodies, r.updated,
			int64(len(r.ids)), int32(b.unless(func(int64) error { return r.conflict(ws) })))
	}
}

// conflict is the error there is when not all of the documents are there as their
// units read them. That was found by an expectation on what they read; this one is the
// second lock on the same door.
func (r *rows) conflict(ws core.WorkspaceID) error {
	first := r.writes[0]
	return store.NewConflict(ws, store.VersionOf{Table: first.Table, ID: first.Document.ID})
}

func (r *rows) args(ws core.WorkspaceID) []any {
	return []any{ws, r.tables, r.ids, r.bases, r.versions, r.schemas, r.bodies, r.created, r.updated}
}
