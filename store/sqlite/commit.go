package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Commit implements store.Backend, in the committer's transaction and a
// savepoint of the unit's own.
func (d *documents) Commit(ctx context.Context, ws core.WorkspaceID, b store.Batch) (seq int64, err error) {
	const op = "sqlite.Commit"
	err = d.db.committer.write(ctx, ws, func(ctx context.Context, tx *sql.Tx) error {
		s := session{tx, d.db.writeStatements}
		if err := s.validate(ctx, ws, b.Epoch, b.Seen); err != nil {
			return err
		}
		if err := s.apply(ctx, ws, b.Writes); err != nil {
			return err
		}
		if err := applyChanges(ctx, s, ws, b.Changes); err != nil {
			return err
		}
		seq, err = s.bump(ctx, ws)
		return err
	}, func(err error) { d.moved(ws, store.Moment{Seq: seq, AuthEpoch: b.Epoch}, b.Changes, err) })
	if err == nil && core.Resumes(b.Changes) {
		d.db.signalResumed()
	}
	return seq, failure(op, err)
}

// moved remembers what a commit has moved its workspace on to. A conflict moves
// nothing. After any other error it is not known what is in the file, and after a
// change of who may do what the epoch is another: then nothing is remembered.
func (d *documents) moved(ws core.WorkspaceID, at store.Moment, changes []core.Change, err error) {
	switch {
	case core.KindOf(err) == core.Changed:
	case err != nil || authorises(changes):
		d.db.memory.forget()
	default:
		d.db.memory.moments.put(ws, at)
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
		if err := s.each(ctx, insertEntry, ws, w.Document.ID, w.Add); err != nil {
			return err
		}
		if err := s.each(ctx, insertUnique, ws, w.Document.ID, w.Hold); err != nil {
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
