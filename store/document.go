package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/schema"
)

var errReadOnly = core.E("store.Write", core.Denied, "A query cannot write; make the handler a mutation.")

// Insert adds a document and chooses its id. It fails with Invalid when the
// body doesn't fit the table, and with Exists when it has a unique value
// somebody else has; under Scope.AssumeFree the unit's end fails with Changed
// instead, as after Patch and Replace.
func (u *Unit) Insert(ctx context.Context, table string, body json.RawMessage) (core.Document, error) {
	t, err := u.writable(ctx, table)
	if err != nil {
		return core.Document{}, err
	}
	record, err := t.New(body)
	if err != nil {
		return core.Document{}, err
	}
	d := &draft{table: t, doc: core.Document{ID: core.NewDocumentID(), Created: u.scope.Now}}
	return u.write(ctx, d, record)
}

// Get returns a document. One that is missing, another table's or another
// workspace's is NotFound, in the same words.
func (u *Unit) Get(ctx context.Context, table string, id core.DocumentID) (core.Document, error) {
	t, err := u.table(ctx, table)
	if err != nil {
		return core.Document{}, err
	}
	doc, _, err := u.load(ctx, t, id)
	return doc, err
}

// Patch merges the fields of body into a document; a null takes a field away.
// An ifVersion other than 0 must be the document's version, or it fails with
// Stale. Else it fails like Get and Insert.
func (u *Unit) Patch(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error) {
	return u.update(ctx, table, id, ifVersion, func(t *schema.Table, stored schema.Record) (schema.Record, error) {
		return t.Merge(stored, body)
	})
}

// Replace puts body in the place of a document's body, defaults filled in. It
// fails like Patch.
func (u *Unit) Replace(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error) {
	return u.update(ctx, table, id, ifVersion, func(t *schema.Table, _ schema.Record) (schema.Record, error) {
		return t.New(body)
	})
}

func (u *Unit) update(ctx context.Context, table string, id core.DocumentID, ifVersion int64,
	change func(*schema.Table, schema.Record) (schema.Record, error)) (core.Document, error) {
	t, err := u.writable(ctx, table)
	if err != nil {
		return core.Document{}, err
	}
	d, err := u.draft(ctx, t, id, ifVersion)
	if err != nil {
		return core.Document{}, err
	}
	record, err := change(t.Table, d.record)
	if err != nil {
		return core.Document{}, err
	}
	return u.write(ctx, d, record)
}

func (u *Unit) writable(ctx context.Context, table string) (*table, error) {
	if u.scope.ReadOnly {
		return nil, errReadOnly
	}
	return u.table(ctx, table)
}

// load returns a document as the unit sees it, and its draft if there is one.
func (u *Unit) load(ctx context.Context, t *table, id core.DocumentID) (core.Document, *draft, error) {
	missing := core.E("store.Get", core.NotFound, "No such document in %s.", t.Name)
	if !core.ValidID("doc_", string(id)) {
		return core.Document{}, nil, missing
	}
	question := VersionOf{t.number, id}
	if d := u.written[question]; d != nil {
		if d.deleted {
			return core.Document{}, nil, missing
		}
		return d.doc, d, nil
	}
	doc, at, err := u.store.backend.Document(ctx, u.ws, t.number, id)
	if err != nil {
		return core.Document{}, nil, u.doom(err)
	}
	var version int64
	if doc != nil {
		version = doc.Version
	}
	if err := u.record(question, version, at); err != nil {
		return core.Document{}, nil, err
	}
	if doc == nil {
		return core.Document{}, nil, missing
	}
	return *doc, nil, nil
}

// draft loads a document to change it.
func (u *Unit) draft(ctx context.Context, t *table, id core.DocumentID, ifVersion int64) (*draft, error) {
	doc, d, err := u.load(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if ifVersion != 0 && ifVersion != doc.Version {
		return nil, core.E("store.Write", core.Stale,
			"The document has changed: it is at version %d, not %d. Read it again and repeat the change.", doc.Version, ifVersion)
	}
	if d != nil {
		return d, nil
	}
	return stored(t, doc)
}

// write checks a record's references, unique keys and size, and makes it the
// draft's.
func (u *Unit) write(ctx context.Context, d *draft, record schema.Record) (core.Document, error) {
	body, err := d.table.Body(record)
	if err != nil {
		return core.Document{}, err
	}
	keys := keysOf(d.table, record)
	documents := 1
	if u.written[d.question()] != nil {
		documents = 0
	}
	if err := u.room(documents, weight(body, keys)); err != nil {
		return core.Document{}, err
	}
	if err := u.checkReferences(ctx, d, record); err != nil {
		return core.Document{}, err
	}
	if err := u.checkUnique(ctx, d, record, keys); err != nil {
		return core.Document{}, err
	}
	u.set(d, record, body, keys)
	return d.doc, nil
}

// checkReferences finds out whether the documents a record newly refers to are
// there. Whether they stay is checked by the commit; what they hold may change.
func (u *Unit) checkReferences(ctx context.Context, d *draft, record schema.Record) error {
	var wrong core.Violations
	for _, f := range d.table.Fields {
		id, refers := f.Of(record).Go.(string)
		if f.Ref == "" || !refers || d.record != nil && f.Of(d.record).Go == id {
			continue
		}
		there, err := u.exists(ctx, f.Ref, core.DocumentID(id))
		if err != nil {
			return err
		}
		if !there {
			wrong.Add("body."+f.Name, "no such document in %s", f.Ref)
		}
	}
	return wrong.Err("store.Write", "The document refers to one that is not there.")
}

func (u *Unit) exists(ctx context.Context, table string, id core.DocumentID) (bool, error) {
	t, err := u.table(ctx, table)
	if err != nil || !core.ValidID("doc_", string(id)) {
		return false, err
	}
	if d := u.written[VersionOf{t.number, id}]; d != nil {
		return !d.deleted, nil
	}
	answer, err := u.ask(ctx, Existence{t.number, id})
	if err != nil {
		return false, err
	}
	return answer.(bool), nil
}

// checkUnique finds out whether the unique keys a record newly holds are free.
func (u *Unit) checkUnique(ctx context.Context, d *draft, record schema.Record, keys []string) error {
	var taken core.Violations
	for i, ix := range d.table.indexes {
		if !ix.Unique || !ix.Complete(record) || d.record != nil && keys[i] == d.keys[i] {
			continue
		}
		holder, err := u.holder(ctx, d.table, ix, keys[i])
		if err != nil {
			return err
		}
		if holder == "" || holder == d.doc.ID {
			continue
		}
		for _, f := range ix.Fields {
			taken.Add("body."+f.Name, "already used by %s%s", holder, together(ix))
		}
	}
	if len(taken) == 0 {
		return nil
	}
	return &core.Error{Op: "store.Write", Kind: core.Exists,
		Msg: fmt.Sprintf("%s: %s.", taken[0].Location, taken[0].Message), Err: taken}
}

// together says which fields of a compound index are taken as one.
func together(ix *index) string {
	if len(ix.Fields) == 1 {
		return ""
	}
	names := make([]string, len(ix.Fields))
	for i, f := range ix.Fields {
		names[i] = f.Name
	}
	return ", together with the other fields of (" + strings.Join(names, ", ") + ")"
}

// holder returns who holds a unique key, as the unit sees it.
func (u *Unit) holder(ctx context.Context, t *table, ix *index, key string) (core.DocumentID, error) {
	if id, ok := u.claims[Entry{ix.number, key}]; ok {
		return id, nil
	}
	var answer Answer
	var err error
	if q := (HolderOf{ix.number, key}); u.scope.AssumeFree && !u.stored[Entry(q)] {
		answer, err = u.assume(q, core.DocumentID(""))
	} else {
		answer, err = u.ask(ctx, q)
	}
	if err != nil {
		return "", err
	}
	id := answer.(core.DocumentID)
	if u.written[VersionOf{t.number, id}] != nil {
		return "", nil // the unit has deleted it, or given it another key
	}
	return id, nil
}
