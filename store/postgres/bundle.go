package postgres

import (
	"errors"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// bundle is units of one workspace that follow each other and don't depend on each
// other: none relies on what one before it changes. So they become one set of
// statements: everything that must hold for any of them is looked at first, but for
// what writing it proves, and then everything is written. Postgres answers a bundle of
// twenty at little more than the cost of one.
type bundle struct {
	ws      core.WorkspaceID
	units   []*pending
	mixed   bool         // it may have more than one
	bytes   int          // of bodies
	epoch   int64        // of all of them
	changed map[any]bool // what they change: questions, numbers of tables whose rows are others, deliveries
	// proven are the keys they take or give up: true for one that can be taken only if it
	// was free before the first of them.
	proven map[store.HolderOf]bool
}

// maxBundle is when no unit is added any more, in bytes of bodies: they are copied on
// their way, and each unit may have store.MaxWrittenBytes.
const maxBundle = 8 << 20

// maxProof is how many bytes of bodies a bundle may have for its keys to be proven free
// by taking them: when one can't be taken, they were written for nothing.
const maxProof = 64 << 10

// take adds a unit unless it has to come behind the bundle.
func (u *bundle) take(p *pending) bool {
	if len(u.units) == 0 {
		u.mixed, u.epoch, u.changed = mixes(p.unit), p.unit.Epoch, map[any]bool{}
		u.proven = map[store.HolderOf]bool{}
	} else if !u.mixed || p.unit.Epoch != u.epoch || !mixes(p.unit) || slices.ContainsFunc(p.unit.Seen, u.changes) ||
		slices.ContainsFunc(p.unit.Changes, u.ends) || u.bytes > maxBundle {
		return false
	}
	u.units = append(u.units, p)
	for _, w := range p.unit.Writes {
		u.bytes += len(w.Document.Body)
		u.changed[w.Table], u.changed[store.VersionOf{Table: w.Table, ID: w.Document.ID}] = true, true
		for _, entry := range w.Hold {
			_, known := u.proven[store.HolderOf(entry)]
			u.changed[store.HolderOf(entry)], u.proven[store.HolderOf(entry)] = true, !known
		}
		for _, entry := range w.Release {
			u.changed[store.HolderOf(entry)], u.proven[store.HolderOf(entry)] = true, false
		}
	}
	for _, change := range p.unit.Changes {
		switch c := change.(type) {
		case core.PutReceipt:
			u.changed[store.Answered{Scope: c.Receipt.Scope, Key: c.Receipt.Key}] = true
		case core.AddUsage:
			u.changed[store.SumOf{Meter: c.Meter}] = true
		case core.CompleteDelivery:
			u.changed[c.ID] = true
		}
	}
	return true
}

// changes reports whether the bundle may change what was observed.
func (u *bundle) changes(o store.Observation) bool {
	switch q := o.Question.(type) {
	case store.Existence:
		return u.changed[store.VersionOf(q)]
	case store.RowsOf:
		return u.changed[q.Range.Table]
	default:
		return u.changed[q]
	}
}

// proves reports whether what was observed is that a key is free, which taking it
// proves. A bundle that would write much before it fails proves nothing.
func (u *bundle) proves(o store.Observation) bool {
	q, ok := o.Question.(store.HolderOf)
	return ok && o.Answer == core.DocumentID("") && u.proven[q] && u.bytes <= maxProof
}

// ends reports whether a change ends a delivery that the bundle may end.
func (u *bundle) ends(change core.Change) bool {
	c, ok := change.(core.CompleteDelivery)
	return ok && u.changed[c.ID]
}

// mixes reports whether a unit may share a bundle: whether its changes neither make
// others' authorisation stale nor are checked against what all of a bundle add.
func mixes(unit *store.Batch) bool {
	return !slices.ContainsFunc(unit.Changes, func(change core.Change) bool {
		switch c := change.(type) {
		case core.AppendEvent, core.AddUsage, core.PutReceipt, core.CompleteDelivery:
			return false
		case core.PutDelivery:
			return bounded(c.Delivery)
		default:
			return true
		}
	})
}

// bump locks the workspace for the transaction and moves it on by $2 commits, which
// were authorised at the epoch $3: whoever commits next in it waits here, and then
// sees what these did.
const bump = `WITH head AS (
		INSERT INTO heads (workspace, seq, auth_epoch) VALUES ($1, $2, 0)
		ON CONFLICT (workspace) DO UPDATE SET seq = heads.seq + $2 RETURNING seq, auth_epoch)
	SELECT seq, expect(auth_epoch = $3, $4) FROM head`

// oneHolder is the constraint that a key has one, and errHeld the error of a bundle that
// would have proven its keys to be free, had they been.
const oneHolder = "unique_entries_pkey"

var errHeld = errors.New("a key that was thought to be free has a holder")

// commit adds the statements of a bundle.
func (b *batch) commit(u *bundle, first int) error {
	n := int64(len(u.units))
	b.unit = ofNobody
	b.row(func(s scanner) error {
		var seq int64
		err := s.Scan(&seq, nil)
		for i, p := range u.units {
			p.seq = seq - n + 1 + int64(i)
		}
		return err
	}, bump, u.ws, n, u.epoch, int32(b.unless(func(int64) error { return store.NewStaleEpoch() })))
	var seen observed
	var writes documentWrites
	var changes [][]core.Change
	var proving bool // that keys are free, without asking who holds them
	for i, p := range u.units {
		b.unit = first + i
		for _, o := range p.unit.Seen {
			if !b.asking && u.proves(o) {
				proving = true
				continue
			}
			if err := seen.add(b, u.ws, o, n); err != nil {
				return err
			}
		}
		writes.add(p.unit.Writes)
		changes = append(changes, p.unit.Changes)
	}
	seen.exec(b, u.ws)
	b.unit = ofNobody
	if proving {
		b.unique(oneHolder, errHeld)
	}
	writes.exec(b, u.ws)
	return b.change(u.ws, first, changes...)
}
