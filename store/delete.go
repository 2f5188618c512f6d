package store

import (
	"context"
	"fmt"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/schema"
)

// Delete removes a document and does what the references to it say: forbids it
// (Exists, naming one that refers to it), deletes them too, or clears their
// field. Together that is at most MaxAffected documents, or it fails with
// TooLarge. An ifVersion other than 0 must be the document's version, or it
// fails with Stale.
func (u *Unit) Delete(ctx context.Context, table string, id core.DocumentID, ifVersion int64) error {
	t, err := u.writable(ctx, table)
	if err != nil {
		return err
	}
	d, err := u.draft(ctx, t, id, ifVersion)
	if err != nil {
		return err
	}
	plan := &removal{doomed: map[VersionOf]bool{d.question(): true}, cleared: make(map[VersionOf]*clearing), deletes: []*draft{d}}
	for next := 0; next < len(plan.deletes); next++ {
		if err := u.follow(ctx, plan, plan.deletes[next]); err != nil {
			return err
		}
	}
	return u.carryOut(plan)
}

// removal is what one Delete comes to. It is complete before any of it is done,
// so that a Delete that fails has done nothing.
type removal struct {
	doomed   map[VersionOf]bool
	deletes  []*draft
	cleared  map[VersionOf]*clearing
	clears   []*clearing
	restrict []restriction
}

type clearing struct {
	draft  *draft
	record schema.Record
}

// restriction forbids the removal unless its holder is removed too.
type restriction struct {
	holder VersionOf
	where  string
}

// follow adds what refers to one doomed document to the plan.
func (u *Unit) follow(ctx context.Context, plan *removal, d *draft) error {
	for _, ref := range d.table.incoming {
		key := string(schema.Seal(schema.AppendKey(nil, string(d.doc.ID))))
		r := Range{Table: ref.from.number, Index: ref.index.number, From: Position{Key: key}, To: Position{Key: key + "\x00"}, KeysOnly: true}
		var holders []core.DocumentID
		end, err := u.walk(ctx, ref.from, ref.index, r, scan{first: MaxAffected + 1, most: MaxAffected + 1}, func(s sighting) (bool, error) {
			holders = append(holders, s.position.ID)
			return true, nil
		})
		if err != nil {
			return err
		}
		for _, id := range holders {
			if err := u.affect(ctx, plan, ref, id); err != nil {
				return err
			}
		}
		if !end.exhausted || len(plan.deletes)+len(plan.clears)+len(plan.restrict) > MaxAffected {
			return core.E("store.Delete", core.TooLarge,
				"More than %d documents refer to this one. Delete or change those first, in batches.", MaxAffected)
		}
	}
	return nil
}

func (u *Unit) affect(ctx context.Context, plan *removal, ref reference, id core.DocumentID) error {
	question := VersionOf{ref.from.number, id}
	if plan.doomed[question] {
		return nil
	}
	if ref.onDelete == schema.OnDeleteRestrict {
		plan.restrict = append(plan.restrict,
			restriction{question, fmt.Sprintf("%s of %s (%s)", ref.field.Name, ref.from.Name, id)})
		return nil
	}
	holder, err := u.draft(ctx, ref.from, id, 0)
	if core.KindOf(err) == core.NotFound {
		return u.doom(NewConflict(u.ws, question)) // deleted since its entry was read
	}
	if err != nil {
		return err
	}
	if ref.onDelete == schema.OnDeleteCascade {
		plan.doomed[question] = true
		plan.deletes = append(plan.deletes, holder)
		return nil
	}
	c := plan.cleared[question]
	if c == nil {
		c = &clearing{holder, append(schema.Record(nil), holder.record...)}
		plan.cleared[question] = c
		plan.clears = append(plan.clears, c)
	}
	ref.field.Clear(c.record)
	return nil
}

func (u *Unit) carryOut(plan *removal) error {
	for _, r := range plan.restrict {
		if !plan.doomed[r.holder] {
			return core.E("store.Delete", core.Exists, "The document is used as %s. Delete or change that one first.", r.where)
		}
	}
	type result struct {
		*clearing
		body []byte
		keys []string
	}
	var results []result
	bytes := 0
	for _, c := range plan.clears {
		if plan.doomed[c.draft.question()] {
			continue
		}
		body, err := c.draft.table.Body(c.record)
		if err != nil {
			return err
		}
		results = append(results, result{c, body, keysOf(c.draft.table, c.record)})
		bytes += weight(body, results[len(results)-1].keys)
	}
	if err := u.room(len(plan.deletes)+len(results), bytes); err != nil {
		return err
	}
	for _, r := range results {
		u.set(r.draft, r.record, r.body, r.keys)
	}
	for _, d := range plan.deletes {
		u.remove(d)
	}
	return nil
}
