package store

import (
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/schema"
)

// draft is a document as the unit sees it: as stored, or as it has made it.
type draft struct {
	table   *table
	doc     core.Document
	record  schema.Record
	keys    []string // by index
	deleted bool

	base     int64    // stored version, 0 when the unit inserted it
	baseKeys []string // as stored
	baseFull []bool   // by index: it had a value for every field, and holds its unique key
}

// stored makes the draft of a document as it was read.
func stored(t *table, doc core.Document) (*draft, error) {
	record, err := t.Load(doc.Body)
	if err != nil {
		return nil, err
	}
	d := &draft{table: t, doc: doc, record: record, keys: keysOf(t, record), base: doc.Version}
	d.baseKeys = d.keys
	d.baseFull = make([]bool, len(t.indexes))
	for i, ix := range t.indexes {
		d.baseFull[i] = ix.Complete(record)
	}
	return d, nil
}

func keysOf(t *table, r schema.Record) []string {
	keys := make([]string, len(t.indexes))
	for i, ix := range t.indexes {
		keys[i] = ix.Key(r)
	}
	return keys
}

func (d *draft) question() VersionOf { return VersionOf{d.table.number, d.doc.ID} }

// position is the draft's place in an index, or in its table's own order.
func (d *draft) position(ix *index) Position {
	if ix == nil {
		return Position{ID: d.doc.ID}
	}
	return Position{Key: d.keys[ix.position], ID: d.doc.ID}
}

// holds reports whether the draft holds a key of a unique index.
func (d *draft) holds(ix *index) bool {
	return ix.Unique && !d.deleted && ix.Complete(d.record)
}

// room checks that the unit may write some more.
func (u *Unit) room(documents, bytes int) error {
	const op = "store.Write"
	if len(u.order)+documents > MaxWritten {
		return core.E(op, core.TooLarge, "One call writes at most %d documents; split the work into several jobs.", MaxWritten)
	}
	if u.bytes+bytes > MaxWrittenBytes {
		return core.E(op, core.TooLarge, "One call writes at most %d bytes; split the work into several jobs.", MaxWrittenBytes)
	}
	return nil
}

// weight is what a record with this body counts towards MaxWrittenBytes.
func weight(body []byte, keys []string) int {
	n := len(body)
	for _, k := range keys {
		n += len(k)
	}
	return n
}

// set makes a checked record the draft's. It cannot fail, so that an operation
// checks everything first and is then done whole.
func (u *Unit) set(d *draft, record schema.Record, body []byte, keys []string) {
	u.enlist(d)
	d.record, d.keys, d.doc.Body = record, keys, body
	d.doc.Updated = u.scope.Now
	u.bytes += weight(body, keys)
	u.claim(d)
}

// remove deletes the draft.
func (u *Unit) remove(d *draft) {
	u.enlist(d)
	d.deleted = true
}

// enlist takes the draft among those the unit writes, and its unique keys out
// of what they hold.
func (u *Unit) enlist(d *draft) {
	if u.written[d.question()] == nil {
		u.written[d.question()] = d
		u.order = append(u.order, d)
		d.doc.Version = d.base + 1
		d.doc.Schema = schemaNumber
		for i, ix := range d.table.indexes {
			if d.base > 0 && ix.Unique && d.baseFull[i] {
				u.stored[Entry{ix.number, d.baseKeys[i]}] = true
			}
		}
		return
	}
	for _, ix := range d.table.indexes {
		if d.holds(ix) {
			delete(u.claims, Entry{ix.number, d.keys[ix.position]})
		}
	}
}

func (u *Unit) claim(d *draft) {
	for _, ix := range d.table.indexes {
		if d.holds(ix) {
			u.claims[Entry{ix.number, d.keys[ix.position]}] = d.doc.ID
		}
	}
}

// schemaNumber is the number of a release's schema. Releases that change theirs
// will have numbers of their own, and bodies be converted when read.
const schemaNumber = 1

// between returns the drafts with a place in a range, in ascending order.
func (u *Unit) between(t *table, ix *index, from, to Position) []*draft {
	var found []*draft
	for _, d := range u.order {
		if d.table != t || d.deleted {
			continue
		}
		if p := d.position(ix); p.Compare(from) >= 0 && p.Compare(to) < 0 {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *draft) int { return a.position(ix).Compare(b.position(ix)) })
	return found
}

// writes is what the drafts come to, in the order they were first written.
func (u *Unit) writes() []Write {
	var writes []Write
	for _, d := range u.order {
		if d.deleted && d.base == 0 {
			continue // came and went within the unit
		}
		w := Write{Table: d.table.number, Document: d.doc, Base: d.base, Deleted: d.deleted}
		if d.deleted {
			w.Document = core.Document{ID: d.doc.ID}
		}
		for i, ix := range d.table.indexes {
			before, after := d.base > 0, !d.deleted
			if before && after && d.baseKeys[i] == d.keys[i] {
				continue // and so complete in both or in neither
			}
			if before {
				entry := Entry{ix.number, d.baseKeys[i]}
				w.Remove = append(w.Remove, entry)
				if ix.Unique && d.baseFull[i] {
					w.Release = append(w.Release, entry)
				}
			}
			if after {
				entry := Entry{ix.number, d.keys[i]}
				w.Add = append(w.Add, entry)
				if d.holds(ix) {
					w.Hold = append(w.Hold, entry)
				}
			}
		}
		writes = append(writes, w)
	}
	return writes
}
