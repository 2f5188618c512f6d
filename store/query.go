package store

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store/schema"
)

// Bounds of one query.
const (
	DefaultLimit = 50
	MaxLimit     = 200
	MaxScanned   = 1_000   // rows one query looks at; what is left is behind a cursor
	MaxCounted   = 10_000  // rows one count looks at
	maxScanBytes = 4 << 20 // bodies one query looks at, and one row more
)

// Query returns a page of a table's documents as the unit sees them, and the
// cursor of the next one, empty on the last. Without a sort the order is that
// of the index that serves the filters, the same from page to page. A page that
// looked at MaxScanned rows ends early, with a cursor.
//
// It fails with Invalid when a filter, the sort, the limit or the cursor is
// wrong, or no declared index serves the query.
func (u *Unit) Query(ctx context.Context, q abi.QueryRequest) (docs []core.Document, nextCursor string, err error) {
	t, err := u.table(ctx, q.Table)
	if err != nil {
		return nil, "", err
	}
	limit := q.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		var wrong core.Violations
		wrong.Add("limit", "must be from 1 to %d", MaxLimit)
		return nil, "", wrong.Err("store.Query", "The query's limit is not valid.")
	}
	where, err := conditions(t, q.Filter)
	if err != nil {
		return nil, "", err
	}
	sort, err := newSorting(t, q.Sort)
	if err != nil {
		return nil, "", err
	}
	p, err := newPlan(t, where, sort)
	if err != nil {
		return nil, "", err
	}
	whole := p.rows(t)
	query := fingerprint(u.ws, whole, where)
	r := whole
	if q.Cursor != "" {
		last, err := decodeCursor(query, whole, q.Cursor)
		if err != nil {
			return nil, "", err
		}
		r = whole.Rest(last)
	}
	var lastFound Position
	more := false // a row that belongs on the next page was seen
	end, err := u.walk(ctx, t, p.index, r, scan{first: limit + 1, most: MaxScanned}, func(s sighting) (bool, error) {
		if fits, err := s.meets(t, p, where); err != nil || !fits {
			return true, err
		}
		if len(docs) == limit {
			more = true
			return false, nil
		}
		docs = append(docs, s.doc)
		lastFound = s.position
		return true, nil
	})
	switch {
	case err != nil:
		return nil, "", err
	case more:
		return docs, encodeCursor(query, lastFound), nil
	case !end.exhausted:
		return docs, encodeCursor(query, end.last), nil
	default:
		return docs, "", nil
	}
}

// Count counts the documents of a table that meet the filters, as the unit sees
// them. It is capped when there may be more, because it looked at MaxCounted
// rows already, or at fewer whose documents it had to read. It fails like Query.
func (u *Unit) Count(ctx context.Context, table string, filters []abi.Filter) (count int, capped bool, err error) {
	t, err := u.table(ctx, table)
	if err != nil {
		return 0, false, err
	}
	where, err := conditions(t, filters)
	if err != nil {
		return 0, false, err
	}
	p, err := newPlan(t, where, sorting{})
	if err != nil {
		return 0, false, err
	}
	r, bounds := p.rows(t), scan{first: MaxCounted, most: MaxCounted}
	r.KeysOnly = !p.recheck
	if p.recheck {
		bounds = scan{first: MaxScanned, most: MaxScanned}
	}
	end, err := u.walk(ctx, t, p.index, r, bounds, func(s sighting) (bool, error) {
		fits, err := s.meets(t, p, where)
		if fits {
			count++
		}
		return true, err
	})
	return count, !end.exhausted, err
}

// sighting is a document met on a walk: stored, or a draft of the unit.
type sighting struct {
	position Position
	doc      core.Document
	draft    *draft
}

// meets reports whether the document meets the conditions the plan's range
// doesn't guarantee.
func (s sighting) meets(t *table, p plan, where []condition) (bool, error) {
	if !p.recheck {
		return true, nil
	}
	var record schema.Record
	if s.draft != nil {
		record = s.draft.record
	} else {
		var err error
		if record, err = t.Load(s.doc.Body); err != nil {
			return false, err
		}
	}
	return !slices.ContainsFunc(where, func(c condition) bool { return !c.holds(record) }), nil
}

// scan bounds a walk: how many stored rows to fetch first, and at most.
type scan struct{ first, most int }

// end is how far a walk came. Unless exhausted, last is where it ended.
type end struct {
	exhausted bool
	last      Position
}

// walk visits the documents in a range as the unit sees them, in the range's
// order, until visit returns false or the scan's bound is reached. What it
// fetched, whether visited or not, it records.
func (u *Unit) walk(ctx context.Context, t *table, ix *index, r Range, bound scan, visit func(sighting) (bool, error)) (end, error) {
	drafts := u.between(t, ix, r.From, r.To)
	if r.Desc {
		slices.Reverse(drafts)
	}
	next, left := min(bound.first, bound.most), bound.most
	bytes := maxScanBytes
	for {
		if err := u.look(); err != nil {
			return end{}, err
		}
		rows, at, err := u.store.backend.Scan(ctx, u.ws, r, ScanLimit{Rows: next, Bytes: bytes})
		if err != nil {
			return end{}, u.doom(err)
		}
		u.rows += len(rows.Rows)
		fetched, last := r, Position{}
		if rows.More {
			last = rows.Rows[len(rows.Rows)-1].Position
			fetched = r.Until(last)
		}
		if err := u.record(RowsOf{fetched}, digestOf(fetched, rows.Rows), at); err != nil {
			return end{}, err
		}
		for len(rows.Rows) > 0 || len(drafts) > 0 && fetched.Contains(drafts[0].position(ix)) {
			var s sighting
			if len(drafts) > 0 && (len(rows.Rows) == 0 || r.before(drafts[0].position(ix), rows.Rows[0].Position)) {
				s = sighting{drafts[0].position(ix), drafts[0].doc, drafts[0]}
				drafts = drafts[1:]
			} else {
				row := rows.Rows[0]
				rows.Rows = rows.Rows[1:]
				left--
				bytes -= len(row.Document.Body)
				if u.written[VersionOf{t.number, row.Position.ID}] != nil {
					continue // the draft stands for it
				}
				s = sighting{row.Position, row.Document, nil}
			}
			if on, err := visit(s); err != nil || !on {
				return end{last: s.position}, err
			}
		}
		if !rows.More {
			return end{exhausted: true}, nil
		}
		if left <= 0 || bytes <= 0 {
			return end{last: last}, nil
		}
		r, next = r.Rest(last), min(left, MaxLimit)
	}
}

// before reports whether a comes before b in the range's order, or at b.
func (r Range) before(a, b Position) bool {
	if r.Desc {
		return a.Compare(b) >= 0
	}
	return a.Compare(b) <= 0
}
