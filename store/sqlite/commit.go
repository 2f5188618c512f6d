package sqlite

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// manyRows is how many documents and changes make a unit a long write: about half a
// millisecond.
const manyRows = 50

// Commit implements store.Backend, in the committer's transaction and a
// savepoint of the unit's own.
func (d *documents) Commit(ctx context.Context, ws core.WorkspaceID, b store.Batch) (seq int64, err error) {
	const op = "sqlite.Commit"
	seen := unproven(b)
	write := func(ctx context.Context, s session) error {
		at, err := s.bump(ctx, ws)
		if err != nil {
			return err
		}
		seq = at.Seq
		at.Seq-- // as it was before this commit
		if err := s.validate(ctx, ws, at, b.Epoch, seen); err != nil {
			return err
		}
		if err := s.apply(ctx, ws, b.Writes); err != nil {
			return err
		}
		return applyChanges(ctx, s, ws, b.Changes)
	}
	err = d.db.committer.wait(&pending{
		ctx: ctx, workspace: ws, fn: write, long: len(b.Writes)+len(b.Changes) > manyRows,
		settled: func(err error) { d.moved(ws, store.Moment{Seq: seq, AuthEpoch: b.Epoch}, b.Changes, err) },
	})
	if err == nil && core.Resumes(b.Changes) {
		d.db.signalResumed()
	}
	return seq, failure(op, err)
}

// unproven is which of a unit's observations have to be looked at. That a key is
// free which it had assumed to be, hold finds out when the unit takes it; but not
// if the unit itself gives it up just before.
func unproven(b store.Batch) []store.Observation {
	proven := make(map[store.Question]bool)
	for _, w := range b.Writes {
		for _, e := range w.Hold {
			proven[store.HolderOf(e)] = true
		}
	}
	for _, w := range b.Writes {
		for _, e := range w.Release {
			delete(proven, store.HolderOf(e))
		}
	}
	return slices.DeleteFunc(slices.Clone(b.Seen), func(o store.Observation) bool { return o.Seq == store.Assumed && proven[o.Question] })
}

// moved remembers what a commit has moved its workspace on to. A conflict moves
// nothing. After any other error it is not known what is in the file, and after a
// change of who may do what the epoch is another: then nothing is remembered.
func (d *documents) moved(ws core.WorkspaceID, at store.Moment, changes []core.Change, err error) {
	switch {
	case core.KindOf(err) == core.Changed:
	case err != nil || core.Authorises(changes):
		d.db.memory.forget()
	default:
		d.db.memory.moments.Put(ws, at)
	}
}

// apply writes documents and entries. All removals come first: a unique key can
// pass from one document to another within a unit.
func (s session) apply(ctx context.Context, ws core.WorkspaceID, writes []store.Write) error {
	for _, w := range writes {
		if err := s.each(ctx, deleteEntry, ws, w.Document.ID, w.Remove); err != nil {
			return err
		}
		if err := s.each(ctx, deleteUnique, ws, w.Document.ID, w.Release); err != nil {
			return err
		}
	}
	for _, w := range writes {
		if err := s.put(ctx, ws, w); err != nil {
			return err
		}
		if err := s.add(ctx, ws, w.Document.ID, w.Add); err != nil {
			return err
		}
		if err := s.hold(ctx, ws, w.Document.ID, w.Hold); err != nil {
			return err
		}
	}
	return nil
}

func (s session) each(ctx context.Context, query string, ws core.WorkspaceID, id core.DocumentID, entries []store.Entry) error {
	for _, e := range entries {
		if _, err := s.exec(ctx, query, ws, e.Index, []byte(e.Key), id); err != nil {
			return err
		}
	}
	return nil
}

// add puts a document into indexes, by the largest statements there are.
func (s session) add(ctx context.Context, ws core.WorkspaceID, id core.DocumentID, entries []store.Entry) error {
	var args []any
	for i := len(insertEntries) - 1; len(entries) > 0; i-- {
		for n := 1 << i; len(entries) >= n; entries = entries[n:] {
			args = append(args[:0], ws, id)
			for _, e := range entries[:n] {
				args = append(args, e.Index, []byte(e.Key))
			}
			if _, err := s.exec(ctx, insertEntries[i], args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold has a document take unique keys. One that another document has is a
// conflict: whether it was free was only assumed.
func (s session) hold(ctx context.Context, ws core.WorkspaceID, id core.DocumentID, entries []store.Entry) error {
	for _, e := range entries {
		changed, err := s.exec(ctx, insertUnique, ws, e.Index, []byte(e.Key), id)
		if err != nil {
			return err
		}
		if changed != 1 {
			return store.NewConflict(ws, store.HolderOf(e))
		}
	}
	return nil
}

// put writes one document. A version other than the one the unit read was found
// by validate; the condition on it is the second lock on the same door.
func (s session) put(ctx context.Context, ws core.WorkspaceID, w store.Write) error {
	doc := w.Document
	var changed int64
	var err error
	switch {
	case w.Deleted:
		changed, err = s.exec(ctx, deleteDocument, ws, w.Table, doc.ID, w.Base)
	case w.Base == 0:
		changed, err = s.exec(ctx, insertDocument, ws, w.Table, doc.ID, doc.Version, doc.Schema, string(doc.Body),
			doc.Created.UnixMicro(), doc.Updated.UnixMicro())
	default:
		changed, err = s.exec(ctx, updateDocument, doc.Version, doc.Schema, string(doc.Body), doc.Updated.UnixMicro(),
			ws, w.Table, doc.ID, w.Base)
	}
	if err == nil && changed != 1 {
		return store.NewConflict(ws, store.VersionOf{Table: w.Table, ID: doc.ID})
	}
	return err
}
