package store

import (
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/schema"
)

// plan is how a query is answered: a range of one index, or of the table's own
// order, read one way.
//
// An index serves a query when its leading fields are compared with eq, the
// next one perhaps with other operations, and the sort is what follows the eq
// fields. Filters it doesn't serve are checked row by row, which is allowed
// when it narrows the range: the rows looked at are bounded in any case.
type plan struct {
	index    *index // nil: the table's own order, by creation
	from, to string // keys, half-open
	desc     bool
	recheck  bool // rows in the range may not meet the conditions
	score    int
}

// sorting is a checked sort. byID says that it ends with the order of creation.
type sorting struct {
	fields []*schema.Field
	byID   bool
	desc   bool
}

func newSorting(t *table, sort []string) (sorting, error) {
	var s sorting
	var wrong core.Violations
	for i, name := range sort {
		name, desc := strings.CutPrefix(name, "-")
		if i == 0 {
			s.desc = desc
		} else if s.desc != desc {
			wrong.Add("sort", "all fields must point the same way")
			break
		}
		if s.byID {
			continue // ids are unique: what follows decides nothing
		}
		if name == "createdAt" || name == "id" {
			s.byID = true
			continue
		}
		f := t.Field(name)
		if f == nil {
			wrong.Add("sort", "%s has no field %.64q; it has createdAt, %s", t.Name, name, strings.Join(t.FieldNames(), ", "))
			continue
		}
		s.fields = append(s.fields, f)
	}
	return s, wrong.Err("store.Query", "The query's sort is not valid.")
}

// newPlan finds the declared index that serves a query best. It fails with
// Invalid, naming the index to declare, when there is none.
func newPlan(t *table, conditions []condition, s sorting) (plan, error) {
	if len(conditions) == 0 && len(s.fields) == 0 {
		return plan{to: string(schema.AppendEnd(nil)), desc: s.desc}, nil
	}
	best := plan{score: -1}
	for _, ix := range t.indexes {
		if p, ok := try(ix, conditions, s); ok && p.score > best.score {
			best = p
		}
	}
	if best.score < 0 {
		return plan{}, missingIndex(t, conditions, s)
	}
	return best, nil
}

// try plans a query on one index.
func try(ix *index, conditions []condition, s sorting) (plan, bool) {
	p := plan{index: ix, desc: s.desc}
	var key []byte
	equal, served := 0, 0
	for _, f := range ix.Fields {
		i := slices.IndexFunc(conditions, func(c condition) bool { return c.field == f && c.op == opEq })
		if i < 0 {
			break
		}
		key = schema.AppendKey(key, conditions[i].value)
		equal, served = equal+1, served+1
	}
	from, to := key, schema.AppendEnd(slices.Clip(key))
	ranged := 0
	if equal < len(ix.Fields) {
		for _, c := range conditions {
			if c.field == ix.Fields[equal] && c.op != opEq {
				low, high := c.bounds(key)
				from, to = greatest(from, low), smallest(to, high)
				ranged++
			}
		}
	}
	served += ranged
	if !sorted(ix.Fields[equal:], conditions, s) {
		return plan{}, false
	}
	if served < len(conditions) && equal+ranged == 0 {
		return plan{}, false
	}
	p.recheck = served < len(conditions)
	p.score = 2*equal + min(ranged, 1)
	if len(from) > schema.Exact {
		from, p.recheck = schema.Bound(from), true
	}
	if len(to) > schema.Exact {
		to, p.recheck = schema.Successor(schema.Bound(to)), true
	}
	p.from, p.to = string(from), string(to)
	return p, true
}

// sorted reports whether an index whose remaining fields are these yields the
// wanted order. Fields compared with eq are constant, and so in any order.
func sorted(remaining []*schema.Field, conditions []condition, s sorting) bool {
	for _, f := range s.fields {
		if constant(conditions, f) {
			continue
		}
		for len(remaining) > 0 && remaining[0] != f && constant(conditions, remaining[0]) {
			remaining = remaining[1:]
		}
		if len(remaining) == 0 || remaining[0] != f {
			return false
		}
		remaining = remaining[1:]
	}
	return !s.byID || !slices.ContainsFunc(remaining, func(f *schema.Field) bool { return !constant(conditions, f) })
}

func constant(conditions []condition, f *schema.Field) bool {
	return slices.ContainsFunc(conditions, func(c condition) bool { return c.field == f && c.op == opEq })
}

// bounds is the half-open range of keys behind prefix that meet a condition
// which is not eq.
func (c condition) bounds(prefix []byte) (from, to []byte) {
	prefix = slices.Clip(prefix)
	from, to = schema.AppendFirst(prefix), schema.AppendEnd(prefix)
	switch c.op {
	case opGte:
		from = schema.AppendKey(prefix, c.value)
	case opGt:
		from = schema.Successor(schema.AppendKey(prefix, c.value))
	case opLt:
		to = schema.AppendKey(prefix, c.value)
	case opLte:
		to = schema.Successor(schema.AppendKey(prefix, c.value))
	case opPrefix:
		from = schema.AppendPrefix(prefix, c.value.(string))
		to = schema.Successor(from)
	}
	return from, to
}

func greatest(a, b []byte) []byte {
	if string(a) > string(b) {
		return a
	}
	return b
}

func smallest(a, b []byte) []byte {
	if string(a) < string(b) {
		return a
	}
	return b
}

// missingIndex says which index would serve the query.
func missingIndex(t *table, conditions []condition, s sorting) error {
	var wrong core.Violations
	var fields, ranged []*schema.Field
	add := func(to []*schema.Field, f *schema.Field) []*schema.Field {
		if slices.Contains(fields, f) || slices.Contains(to, f) {
			return to
		}
		return append(to, f)
	}
	for _, c := range conditions {
		if c.op == opEq {
			fields = add(fields, c.field)
		}
	}
	for _, c := range conditions {
		if c.op != opEq {
			ranged = add(ranged, c.field)
		}
	}
	wanted := s.fields
	if len(wanted) == 0 && len(ranged) > 0 && !s.byID {
		wanted = ranged[:1]
	}
	if len(fields) == 0 && len(ranged) > 0 && (len(wanted) == 0 || !slices.Contains(ranged, wanted[0])) {
		wrong.Add("sort", "with a range of %[1]s the sort must begin with %[1]s, or an eq filter narrow the query", ranged[0].Name)
	}
	for _, f := range wanted {
		fields = add(fields, f)
	}
	at := "sort"
	if len(conditions) > 0 {
		at = "filter"
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		if names[i] = f.Name; f.Type == "text" {
			wrong.Add(at, "%s is a text and cannot be indexed; declare it as a string, or filter by an indexed field too", f.Name)
		}
	}
	if len(wrong) == 0 {
		wrong.Add(at, "no index of %s serves this; declare one on (%s)", t.Name, strings.Join(names, ", "))
	}
	return wrong.Err("store.Query", "No declared index serves this query: "+wrong[0].Message+".")
}

// rows is the range of the table the plan reads.
func (p plan) rows(t *table) Range {
	r := Range{Table: t.number, From: Position{Key: p.from}, To: Position{Key: p.to}, Desc: p.desc}
	if p.index != nil {
		r.Index = p.index.number
	}
	return r
}
