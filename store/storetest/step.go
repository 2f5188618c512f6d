package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// step is one operation of a unit, as data: done on a store.Unit, and then, with
// what the unit answered, on the model.
type step struct {
	do        string // insert get patch replace delete query count usage add
	table     string
	id        core.DocumentID
	body      json.RawMessage
	ifVersion int64
	query     abi.QueryRequest
}

// answer is what a unit answered a step.
type answer struct {
	kind  core.Kind
	docs  []core.Document // one, or a query's pages one after another
	count int64
}

// on does the step on a unit.
func (s step) on(ctx context.Context, u *store.Unit) (a answer, err error) {
	var doc core.Document
	switch s.do {
	case "insert":
		doc, err = u.Insert(ctx, s.table, s.body)
	case "get":
		doc, err = u.Get(ctx, s.table, s.id)
	case "patch":
		doc, err = u.Patch(ctx, s.table, s.id, s.body, s.ifVersion)
	case "replace":
		doc, err = u.Replace(ctx, s.table, s.id, s.body, s.ifVersion)
	case "delete":
		err = u.Delete(ctx, s.table, s.id, s.ifVersion)
	case "query":
		q := s.query
		for {
			var page []core.Document
			if page, q.Cursor, err = u.Query(ctx, q); err != nil || len(page) > max(q.Limit, 1) {
				break
			}
			if a.docs = append(a.docs, page...); q.Cursor == "" {
				break
			}
		}
	case "count":
		var n int
		n, _, err = u.Count(ctx, s.table, s.query.Filter)
		a.count = int64(n)
	case "usage":
		a.count, err = u.Usage(ctx, s.table)
	case "add":
		u.Add(core.AddUsage{Install: "ins_1", Meter: s.table, Quantity: s.ifVersion, Limit: -1})
	}
	if doc.ID != "" {
		a.docs = []core.Document{doc}
	}
	a.kind = core.KindOf(err)
	return a, err
}

// check does the step on the model and compares: it returns what differs.
func (s step) check(m *state, a answer) error {
	var kind core.Kind
	id := s.id
	switch s.do {
	case "insert":
		if id = "doc_(refused)"; len(a.docs) == 1 {
			id = a.docs[0].ID
		}
		kind = m.put(s.table, id, s.body, false, 0)
	case "get":
		if _, ok := m.tables[s.table][id]; !ok {
			kind = core.NotFound
		}
	case "patch":
		kind = m.put(s.table, id, s.body, true, s.ifVersion)
	case "replace":
		if _, ok := m.tables[s.table][id]; !ok {
			kind = core.NotFound
		} else {
			kind = m.put(s.table, id, s.body, false, s.ifVersion)
		}
	case "delete":
		kind = m.remove(s.table, id, s.ifVersion)
	case "query":
		return s.checkQuery(m, a)
	case "count":
		if want := len(m.found(abi.QueryRequest{Table: s.table, Filter: s.query.Filter})); a.kind != "" || a.count != int64(want) {
			return fmt.Errorf("counted %d %s, want %d", a.count, a.kind, want)
		}
		return nil
	case "usage":
		if want := m.sums[s.table]; a.kind != "" || a.count != want {
			return fmt.Errorf("usage %d %s, want %d", a.count, a.kind, want)
		}
		return nil
	case "add":
		m.sums[s.table] += s.ifVersion
		return nil
	}
	if kind != a.kind {
		return fmt.Errorf("answered %q, want %q", a.kind, kind)
	}
	if kind != "" || s.do == "delete" {
		return nil
	}
	return m.compare(s.table, a.docs[0])
}

func (s step) checkQuery(m *state, a answer) error {
	if a.kind != "" {
		return fmt.Errorf("answered %q", a.kind)
	}
	want := m.found(s.query)
	got := make([]core.DocumentID, len(a.docs))
	for i, doc := range a.docs {
		got[i] = doc.ID
		if err := m.compare(s.query.Table, doc); err != nil {
			return err
		}
	}
	exact := len(s.query.Sort) > 0 && strings.HasSuffix(s.query.Sort[len(s.query.Sort)-1], "createdAt")
	if !exact { // documents that the sort finds equal come in the index's order
		for i := 1; i < len(got); i++ {
			if m.misplaced(s.query, got[i-1], got[i]) {
				return fmt.Errorf("found %v out of order", got)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("found %v, want %v", got, want)
	}
	return nil
}

// misplaced reports whether a sort wants b before a.
func (s *state) misplaced(q abi.QueryRequest, a, b core.DocumentID) bool {
	for _, name := range q.Sort {
		name, desc := strings.CutPrefix(name, "-")
		order := compare(fieldOf(q.Table, name).Type, s.tables[q.Table][a].fields[name], s.tables[q.Table][b].fields[name])
		if order != 0 {
			return order > 0 != desc
		}
	}
	return false
}

// compare says how a document differs from the model's.
func (s *state) compare(table string, doc core.Document) error {
	want := s.tables[table][doc.ID]
	got := decode(doc.Body)
	if doc.Version != want.version || fmt.Sprint(got) != fmt.Sprint(want.fields) {
		return fmt.Errorf("%s is at %d %v, want %d %v", doc.ID, doc.Version, got, want.version, want.fields)
	}
	return nil
}

func (s step) String() string {
	return fmt.Sprintf("%s %s %s %s if %d %+v", s.do, s.table, s.id, s.body, s.ifVersion, s.query)
}
