package storetest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// state is the whole of the semantics, naively: a map of documents for each
// table, without indexes, keys or ranges. It shares no code with package store.
// A state is never changed once somebody else may see it: begin copies it.
type state struct {
	tables map[string]map[core.DocumentID]row
	sums   map[string]int64
	// written marks what the unit has written so far: a document's version
	// grows by one however often a unit writes it.
	written map[core.DocumentID]bool
}

// row is a document: its version, and its fields as decoded JSON.
type row struct {
	version int64
	fields  map[string]any
}

func newState() *state {
	s := &state{tables: make(map[string]map[core.DocumentID]row), sums: make(map[string]int64)}
	for _, t := range Tables {
		s.tables[t.Name] = make(map[core.DocumentID]row)
	}
	return s
}

// begin is a state of its own for one unit.
func (s *state) begin() *state {
	next := &state{tables: make(map[string]map[core.DocumentID]row), sums: maps.Clone(s.sums), written: make(map[core.DocumentID]bool)}
	for name, rows := range s.tables {
		next.tables[name] = maps.Clone(rows)
	}
	return next
}

func declared(table string) abi.Table {
	return Tables[slices.IndexFunc(Tables, func(t abi.Table) bool { return t.Name == table })]
}

func fieldOf(table, name string) abi.Field {
	fields := declared(table).Fields
	return fields[slices.IndexFunc(fields, func(f abi.Field) bool { return f.Name == name })]
}

func decode(raw json.RawMessage) (members map[string]any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		panic(err)
	}
	return members
}

// put writes a document, or says which kind of error that is.
func (s *state) put(table string, id core.DocumentID, body json.RawMessage, merge bool, ifVersion int64) core.Kind {
	t := declared(table)
	before, exists := s.tables[table][id]
	if merge && !exists {
		return core.NotFound
	}
	if ifVersion != 0 && before.version != ifVersion {
		return core.Stale
	}
	fields := make(map[string]any)
	given := decode(body)
	if merge {
		maps.Copy(fields, before.fields)
		maps.Copy(fields, given)
	} else {
		for _, f := range t.Fields {
			if v, ok := given[f.Name]; ok {
				fields[f.Name] = v
			} else if len(f.Default) > 0 {
				fields[f.Name] = decode(fmt.Appendf(nil, `{"v":%s}`, f.Default))["v"]
			}
		}
	}
	for _, f := range t.Fields {
		v := fields[f.Name]
		if v == nil || v == "" && f.Type != abi.TypeString && f.Type != abi.TypeText {
			delete(fields, f.Name)
			v = nil
		}
		if f.Required && (v == nil || v == "") {
			return core.Invalid
		}
		if f.Type == abi.TypeEmail && v != nil {
			fields[f.Name] = strings.ToLower(v.(string))
		}
	}
	for _, f := range t.Fields {
		v := fields[f.Name]
		if f.Ref == "" || v == nil || v == before.fields[f.Name] {
			continue
		}
		if _, there := s.tables[f.Ref][core.DocumentID(v.(string))]; !there {
			return core.Invalid
		}
	}
	for _, group := range uniques(t) {
		for other, r := range s.tables[table] {
			if other != id && same(r.fields, fields, group) {
				return core.Exists
			}
		}
	}
	s.set(table, id, fields)
	return ""
}

func (s *state) set(table string, id core.DocumentID, fields map[string]any) {
	version := s.tables[table][id].version
	if !s.written[id] {
		version++
	}
	s.written[id] = true
	s.tables[table][id] = row{version, fields}
}

// uniques lists the groups of fields no two documents share.
func uniques(t abi.Table) (groups [][]string) {
	for _, f := range t.Fields {
		if f.Unique {
			groups = append(groups, []string{f.Name})
		}
	}
	for _, ix := range t.Indexes {
		if ix.Unique {
			groups = append(groups, ix.Fields)
		}
	}
	return groups
}

func same(a, b map[string]any, names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return a[n] == nil || a[n] != b[n] })
}

// remove deletes a document with all its consequences, or says which kind of
// error that is.
func (s *state) remove(table string, id core.DocumentID, ifVersion int64) core.Kind {
	before, exists := s.tables[table][id]
	if !exists {
		return core.NotFound
	}
	if ifVersion != 0 && before.version != ifVersion {
		return core.Stale
	}
	doomed := map[core.DocumentID]string{id: table}
	for grown := true; grown; {
		grown = false
		s.referring(doomed, func(t string, f abi.Field, holder core.DocumentID) {
			if f.OnDelete == "cascade" && doomed[holder] == "" {
				doomed[holder], grown = t, true
			}
		})
	}
	restricted := false
	s.referring(doomed, func(_ string, f abi.Field, holder core.DocumentID) {
		restricted = restricted || (f.OnDelete == "" || f.OnDelete == "restrict") && doomed[holder] == ""
	})
	if restricted {
		return core.Exists
	}
	s.referring(doomed, func(t string, f abi.Field, holder core.DocumentID) {
		if f.OnDelete == "clear" && doomed[holder] == "" {
			fields := maps.Clone(s.tables[t][holder].fields)
			delete(fields, f.Name)
			s.set(t, holder, fields)
		}
	})
	for id, table := range doomed {
		delete(s.tables[table], id)
	}
	return ""
}

// referring visits every reference to one of the documents.
func (s *state) referring(to map[core.DocumentID]string, visit func(table string, f abi.Field, holder core.DocumentID)) {
	for _, t := range Tables {
		for _, f := range t.Fields {
			if f.Ref == "" {
				continue
			}
			for _, holder := range slices.Collect(maps.Keys(s.tables[t.Name])) {
				if id, ok := s.tables[t.Name][holder].fields[f.Name].(string); ok && to[core.DocumentID(id)] == f.Ref {
					visit(t.Name, f, holder)
				}
			}
		}
	}
}

// found lists the ids a query finds, ordered by its sort and then by id.
func (s *state) found(q abi.QueryRequest) []core.DocumentID {
	rows := s.tables[q.Table]
	var ids []core.DocumentID
	for id, r := range rows {
		if !slices.ContainsFunc(q.Filter, func(f abi.Filter) bool { return !holds(fieldOf(q.Table, f.Field), f, r) }) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b core.DocumentID) int {
		order, desc := 0, false
		for _, name := range q.Sort {
			name, desc = strings.CutPrefix(name, "-")
			if name != "createdAt" && order == 0 {
				order = compare(fieldOf(q.Table, name).Type, rows[a].fields[name], rows[b].fields[name])
			}
		}
		if order = cmp.Or(order, cmp.Compare(a, b)); desc {
			return -order
		}
		return order
	})
	return ids
}

func holds(f abi.Field, filter abi.Filter, r row) bool {
	value := decode(fmt.Appendf(nil, `{"v":%s}`, filter.Value))["v"]
	if s, ok := value.(string); ok && f.Type == abi.TypeEmail {
		if value = strings.ToLower(s); s == "" && filter.Op == "eq" {
			value = nil
		}
	}
	have := r.fields[f.Name]
	if filter.Op == "eq" {
		return compare(f.Type, have, value) == 0
	}
	if have == nil {
		return false
	}
	switch order := compare(f.Type, have, value); filter.Op {
	case "lt":
		return order < 0
	case "lte":
		return order <= 0
	case "gt":
		return order > 0
	case "gte":
		return order >= 0
	default:
		return strings.HasPrefix(have.(string), value.(string))
	}
}

// compare orders two values of a field as they are in JSON.
func compare(t abi.FieldType, a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(rank(a), rank(b))
	}
	switch t {
	case abi.TypeInt, abi.TypeFloat:
		x, _ := a.(json.Number).Float64()
		y, _ := b.(json.Number).Float64()
		return cmp.Compare(x, y)
	case abi.TypeBool:
		return cmp.Compare(rank(a), rank(b))
	case abi.TypeTime:
		x, _ := time.Parse(time.RFC3339, a.(string))
		y, _ := time.Parse(time.RFC3339, b.(string))
		return x.Compare(y)
	case abi.TypeMoney:
		x, y := a.(map[string]any), b.(map[string]any)
		return cmp.Or(cmp.Compare(x["currency"].(string), y["currency"].(string)), compare(abi.TypeInt, x["amount"], y["amount"]))
	default:
		return cmp.Compare(a.(string), b.(string))
	}
}

func rank(v any) int {
	switch v {
	case nil:
		return 0
	case false:
		return 1
	default:
		return 2
	}
}
