package postgres

import (
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// observed is what units have found out and rely on. Documents and holders of
// unique keys, of which there may be many, are looked at by one statement each; the
// others have statements of their own. An answer given at the moment the workspace
// is still at (commits behind the one under way) isn't asked for again.
type observed struct {
	documents struct {
		tables, versions, seqs []int64
		ids                    []string
		expectations           []int32
	}
	holders struct {
		indexes, seqs []int64
		keys          [][]byte
		ids           []string
		expectations  []int32
	}
}

// anyVersion stands for that of a document that only has to be there.
const anyVersion = -1

// add adds an observation to the batch, or to what exec adds to it.
func (all *observed) add(b *batch, ws core.WorkspaceID, o store.Observation, commits int64) error {
	expectation := int32(b.unless(func(int64) error { return store.NewConflict(ws, o.Question) }))
	document := func(table store.Number, id core.DocumentID, version int64) {
		d := &all.documents
		d.tables, d.ids, d.versions = append(d.tables, int64(table)), append(d.ids, string(id)), append(d.versions, version)
		d.seqs, d.expectations = append(d.seqs, o.Seq+commits), append(d.expectations, expectation)
	}
	switch q := o.Question.(type) {
	case store.VersionOf:
		document(q.Table, q.ID, o.Answer.(int64))
	case store.Existence:
		version := int64(0)
		if o.Answer.(bool) {
			version = anyVersion
		}
		document(q.Table, q.ID, version)
	case store.HolderOf:
		h := &all.holders
		h.indexes, h.keys, h.ids = append(h.indexes, int64(q.Index)), append(h.keys, []byte(q.Key)), append(h.ids, string(o.Answer.(core.DocumentID)))
		h.seqs, h.expectations = append(h.seqs, o.Seq+commits), append(h.expectations, expectation)
	default:
		question, err := ask(o.Question)
		if err != nil {
			return err
		}
		n := len(question.args) + 1
		b.exec("SELECT expect(CASE WHEN coalesce((SELECT seq FROM heads WHERE "+inWorkspace+"), 0) = "+place(n+1)+
			" THEN true ELSE "+question.answer+" = "+place(n+2)+" END, "+place(n+3)+")",
			append(append([]any{ws}, question.args...), o.Seq+commits, question.stored(o.Answer), expectation)...)
	}
	return nil
}

// moved is the condition that the workspace is no longer at the moment of n.seq.
const moved = "n.seq <> coalesce((SELECT seq FROM heads WHERE " + inWorkspace + "), 0)"

// version is a document's, 0 when there is none. It is a question of its own for each,
// as a join may be planned to read all the workspace has.
const version = "coalesce((SELECT d.version FROM documents d WHERE d." + inWorkspace + " AND d.tbl = n.tbl AND d.id = n.id), 0)"

// exec adds the statements for documents and holders: each finds those that are
// another now.
func (all *observed) exec(b *batch, ws core.WorkspaceID) {
	if d := &all.documents; len(d.ids) > 0 {
		b.exec("SELECT expect(false, n.expectation)"+
			" FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[]) AS n (tbl, id, version, seq, expectation)"+
			" WHERE "+moved+" AND CASE n.version WHEN -1 THEN "+version+" = 0 ELSE "+version+" <> n.version END",
			ws, d.tables, d.ids, d.versions, d.seqs, d.expectations)
	}
	if h := &all.holders; len(h.ids) > 0 {
		b.exec("SELECT expect(false, n.expectation)"+
			" FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::bigint[], $6::integer[]) AS n (idx, key, id, seq, expectation)"+
			" WHERE "+moved+" AND coalesce((SELECT e.id FROM unique_entries e WHERE e."+inWorkspace+" AND e.idx = n.idx AND e.key = n.key), '') <> n.id",
			ws, h.indexes, h.keys, h.ids, h.seqs, h.expectations)
	}
}
