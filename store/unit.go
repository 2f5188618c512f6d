package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// Bounds of one unit of work. What passes one fails with TooLarge and leaves
// the unit as it was.
const (
	MaxWritten      = 5_000    // documents written, those deleted or changed by a reference included
	MaxWrittenBytes = 16 << 20 // bodies and index keys
	MaxChanges      = 5_000    // platform changes
	MaxRead         = 20_000   // things found out: documents, ranges, unique keys, references, sums
	MaxAffected     = 1_000    // documents that one Delete takes with it or clears
	MaxRows         = 20_000   // rows its queries and counts look at: its commit may have to look at them again
	MaxRowsReading  = 200_000  // the same for a ReadOnly unit, which makes no commit wait
)

// Unit is a unit of work: everything one invocation reads and wants to write.
//
// What it reads it also records. What it writes stays in memory, seen by its
// own later reads and by nobody else, until Commit checks that everything
// recorded still holds and writes it all, in one short transaction. So units
// are serialisable, in the order of their commits, and hold no lock or
// connection while their guest computes.
//
// Any method may fail with Changed, once it is certain that the unit cannot
// commit: give it up and run the invocation again in a new one. When the
// database fails a read, the unit cannot commit either, and says so.
type Unit struct {
	store  *Store
	ws     core.WorkspaceID
	scope  Scope
	tables map[string]*table // compiled; the same ones as long as the unit lives

	seen   map[Question]Observation
	moment Moment // of the first read
	mixed  bool   // later reads saw other moments, or something was assumed
	rows   int    // looked at in ranges

	written map[VersionOf]*draft
	order   []*draft // of written, in the order of their first write
	claims  map[Entry]core.DocumentID
	stored  map[Entry]bool // unique keys the written documents hold in the database: not free, but the unit's to give
	bytes   int
	changes []core.Change
	blobs   []keptBlob

	doomed error // why it can no longer commit
	done   bool
}

// table finds a declared table by name.
func (u *Unit) table(ctx context.Context, name string) (*table, error) {
	const op = "store.Table"
	if u.done {
		return nil, core.E(op, core.Internal, "This unit of work has ended.")
	}
	if u.tables == nil {
		tables, err := u.store.tables(ctx, &u.scope)
		if err != nil {
			return nil, err
		}
		u.tables = tables
	}
	if t := u.tables[name]; t != nil {
		return t, nil
	}
	var wrong core.Violations
	wrong.Add("table", "no such table in %s; it declares: %v", u.scope.Plugin.Name, slices.Sorted(maps.Keys(u.tables)))
	return nil, wrong.Err(op, fmt.Sprintf("%s declares no table of that name.", u.scope.Plugin.Name))
}

// record notes an answer the unit relies on from now on.
func (u *Unit) record(q Question, answer Answer, at Moment) error {
	const op = "store.Read"
	if at.AuthEpoch != u.scope.AuthEpoch {
		return u.doom(NewStaleEpoch())
	}
	if before, ok := u.seen[q]; ok {
		if before.Answer != answer {
			return u.doom(NewConflict(u.ws, q))
		}
		return nil // the older Seq stays: it covers both
	}
	if len(u.seen) >= MaxRead {
		return core.E(op, core.TooLarge, "One call reads at most %d documents, pages and references.", MaxRead)
	}
	if len(u.seen) == 0 {
		u.moment = at
	}
	u.mixed = u.mixed || u.moment != at
	u.seen[q] = Observation{Question: q, Answer: answer, Seq: at.Seq}
	return nil
}

// look fails when the queries of the unit have looked at as many rows as they
// may. The last of them may pass the bound.
func (u *Unit) look() error {
	most := MaxRows
	if u.scope.ReadOnly {
		most = MaxRowsReading
	}
	if u.rows < most {
		return nil
	}
	return core.E("store.Query", core.TooLarge,
		"The queries of one call look at no more than %d rows; split the work into several jobs.", most)
}

// ask finds out what is not a document or a range, once.
func (u *Unit) ask(ctx context.Context, q Question) (Answer, error) {
	if before, ok := u.seen[q]; ok {
		return before.Answer, nil
	}
	answer, at, err := u.store.backend.Ask(ctx, u.ws, q)
	if err != nil {
		return nil, u.doom(err)
	}
	return answer, u.record(q, answer, at)
}

// assume takes an answer for so, once, without finding out.
func (u *Unit) assume(q Question, answer Answer) (Answer, error) {
	if before, ok := u.seen[q]; ok {
		return before.Answer, nil
	}
	u.mixed = true
	return answer, u.record(q, answer, Moment{Seq: Assumed, AuthEpoch: u.scope.AuthEpoch})
}

// doom ends the unit's chances to commit when err means that it may have been
// told what is not so: something changed, or the database failed it, which a
// guest could take for an answer.
func (u *Unit) doom(err error) error {
	switch core.KindOf(err) {
	case core.Changed, core.Unavailable, core.Timeout, core.Internal:
		u.doomed = err
	}
	return err
}

// Usage returns the sum of a meter over the workspace's installations, with
// what this unit adds. It stays within MaxUsage, as does what can be committed.
func (u *Unit) Usage(ctx context.Context, meter string) (int64, error) {
	answer, err := u.ask(ctx, SumOf{meter})
	if err != nil {
		return 0, err
	}
	sum := answer.(int64)
	for _, c := range u.changes {
		if add, ok := c.(core.AddUsage); ok && add.Meter == meter {
			sum = max(-core.MaxUsage, min(core.MaxUsage, sum+add.Quantity))
		}
	}
	return sum, nil
}

// Receipt returns what an idempotency key was answered, and whether it was.
func (u *Unit) Receipt(ctx context.Context, scope, key string) (core.Receipt, bool, error) {
	receipt, at, err := u.store.backend.Receipt(ctx, u.ws, scope, key)
	if err != nil {
		return core.Receipt{}, false, u.doom(err)
	}
	if err := u.record(Answered{scope, key}, receipt != nil, at); err != nil || receipt == nil {
		return core.Receipt{}, false, err
	}
	return *receipt, true, nil
}

// Add adds a platform change, which commits with the unit. There are at most
// MaxChanges, counted by Commit.
func (u *Unit) Add(change core.Change) { u.changes = append(u.changes, change) }

// Emitted returns the events the unit adds, in their order.
func (u *Unit) Emitted() []core.Event { return core.EventsOf(u.changes) }

// Validate checks that everything the unit read was true at one moment while
// the caller was authorised, so that its answer may be told. It fails with
// Changed when not, or as a read failed before.
func (u *Unit) Validate(ctx context.Context) error {
	if u.doomed != nil {
		return u.doomed
	}
	if len(u.seen) > 0 && !u.mixed {
		return nil // everything was read at u.moment, and record compared its epoch
	}
	return u.doom(u.store.backend.Validate(ctx, u.ws, u.scope.AuthEpoch, u.observations()))
}

// Commit checks that everything the unit read still holds and the caller is
// still authorised, and writes what it wrote. It fails with Changed when not;
// or with the error of a platform change that could not be made. Afterwards
// the unit is over. A unit that wrote nothing is validated only.
func (u *Unit) Commit(ctx context.Context) (Committed, error) {
	const op = "store.Commit"
	if u.doomed != nil {
		return Committed{}, u.doomed
	}
	if u.done {
		return Committed{}, core.E(op, core.Internal, "This unit of work has ended.")
	}
	writes := u.writes()
	if len(writes) == 0 && len(u.changes) == 0 && len(u.blobs) == 0 {
		return Committed{}, u.Validate(ctx)
	}
	if u.scope.ReadOnly {
		return Committed{}, errReadOnly
	}
	if len(u.changes) > MaxChanges {
		if err := u.Validate(ctx); err != nil { // what it assumed may have brought it here
			return Committed{}, err
		}
		return Committed{}, core.E(op, core.TooLarge,
			"One call emits, schedules and records at most %d times, and each listener of an event counts as one.", MaxChanges)
	}
	if err := u.writeObjects(ctx); err != nil {
		return Committed{}, u.doom(err)
	}
	if len(writes) == 0 && len(u.changes) == 0 { // blobs that were kept already
		return Committed{}, u.Validate(ctx)
	}
	seq, err := u.store.backend.Commit(ctx, u.ws, Batch{
		Epoch: u.scope.AuthEpoch, Seen: u.observations(), Writes: writes, Changes: u.changes,
	})
	if err != nil {
		return Committed{}, u.doom(err)
	}
	u.done = true
	wake := slices.ContainsFunc(u.changes, func(c core.Change) bool { _, ok := c.(core.PutDelivery); return ok })
	return Committed{Seq: seq, Deliveries: wake}, nil
}

// ConflictKey names what the unit collided over, after a Changed, or is empty.
// Units with the same key would collide again: run them one after another.
func (u *Unit) ConflictKey() string {
	if c, ok := errors.AsType[*Conflict](u.doomed); ok {
		return c.Key
	}
	return ""
}

// Assumed reports whether the unit is Changed by something it had assumed
// (Scope.AssumeFree), which nobody need have changed: a unit that asks will not
// meet it again.
func (u *Unit) Assumed() bool {
	c, ok := errors.AsType[*Conflict](u.doomed)
	return ok && u.seen[c.Question].Seq == Assumed
}

func (u *Unit) observations() []Observation { return slices.Collect(maps.Values(u.seen)) }
