package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// bumpSeq locks the workspace for the transaction and moves it on: whoever commits
// next in it waits here, and then sees what this one did.
const bumpSeq = "INSERT INTO heads (workspace, seq, auth_epoch) VALUES ($1, 1, 0)" +
	" ON CONFLICT (workspace) DO UPDATE SET seq = heads.seq + 1 RETURNING seq"

// Commit implements store.Backend: the answers are validated where they are, and
// the writes follow unless one is no longer so.
func (d *documents) Commit(ctx context.Context, ws core.WorkspaceID, unit store.Batch) (seq int64, err error) {
	err = d.db.committer.write(ctx, "postgres.Commit", ws, func(b *batch) error {
		b.row(func(s scanner) error { return s.Scan(&seq) }, bumpSeq, ws)
		if err := b.holds(ws, unit.Epoch, unit.Seen, 1); err != nil {
			return err
		}
		b.apply(ws, unit.Writes)
		return b.change(ws, unit.Changes)
	})
	if err != nil {
		return 0, err
	}
	if core.Resumes(unit.Changes) {
		d.db.wakes.signal()
	}
	return seq, nil
}

// apply adds the writes of documents and entries, one statement for all of a kind.
// All removals come first: a unique key can pass from one document to another
// within a unit.
func (b *batch) apply(ws core.WorkspaceID, writes []store.Write) {
	var removed, released, added, held entries
	var inserted, updated, deleted rows
	for _, w := range writes {
		removed.add(w.Document.ID, w.Remove)
		released.add(w.Document.ID, w.Release)
		added.add(w.Document.ID, w.Add)
		held.add(w.Document.ID, w.Hold)
		switch {
		case w.Deleted:
			deleted.add(w)
		case w.Base == 0:
			inserted.add(w)
		default:
			updated.add(w)
		}
	}
	const these = " AND e.idx = n.idx AND e.key = n.key AND e.id = n.id"
	removed.exec(b, ws, "DELETE FROM entries e USING "+listed+" WHERE e."+inWorkspace+these)
	released.exec(b, ws, "DELETE FROM unique_entries e USING "+listed+" WHERE e."+inWorkspace+these)
	deleted.touch(b, ws, "DELETE FROM documents d USING "+unnested+" WHERE d."+inWorkspace+" AND d.tbl = n.tbl AND d.id = n.id AND d.version = n.base")
	updated.touch(b, ws, "UPDATE documents d SET version = n.version, schema = n.schema, body = n.body, updated = n.updated FROM "+unnested+
		" WHERE d."+inWorkspace+" AND d.tbl = n.tbl AND d.id = n.id AND d.version = n.base")
	inserted.touch(b, ws, "INSERT INTO documents (workspace, tbl, id, version, schema, body, created, updated)"+
		" SELECT $1, n.tbl, n.id, n.version, n.schema, n.body, n.created, n.updated FROM "+unnested)
	added.exec(b, ws, "INSERT INTO entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
	held.exec(b, ws, "INSERT INTO unique_entries (workspace, idx, key, id) SELECT $1, n.* FROM "+listed)
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

// touch adds the statement. A version other than the one the unit read was found
// by its expectation; the condition on it is the second lock on the same door.
func (r *rows) touch(b *batch, ws core.WorkspaceID, query string) {
	if len(r.writes) == 0 {
		return
	}
	first := r.writes[0]
	b.touch(len(r.writes), store.NewConflict(ws, store.VersionOf{Table: first.Table, ID: first.Document.ID}), query,
		ws, r.tables, r.ids, r.bases, r.versions, r.schemas, r.bodies, r.created, r.updated)
}
