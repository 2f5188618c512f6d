package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Values, few enough that they meet: in canonical form, as the model has them,
// but for an email in capitals.
var values = map[abi.FieldType][]string{
	abi.TypeString: {`"a"`, `"A"`, `"ab"`, `"abc"`, `"b"`, `"é"`, `"\u0001"`, `"\uffff"`, `"😀"`},
	abi.TypeText:   {`"x"`, `""`},
	abi.TypeInt:    {`-9223372036854775808`, `-2`, `-1`, `0`, `1`, `2`, `300`, `9007199254740992`},
	abi.TypeFloat:  {`-1e+300`, `-1.5`, `-1`, `0`, `5e-324`, `0.5`, `1`, `1e+300`},
	abi.TypeBool:   {`true`, `false`},
	abi.TypeDate:   {`"1999-12-31"`, `"2000-01-01"`, `"2000-02-29"`},
	abi.TypeTime:   {`"1969-12-31T23:59:59.5Z"`, `"1970-01-01T00:00:00Z"`, `"2030-01-01T00:00:00Z"`, `"2030-01-01T00:00:00.000000001Z"`},
	abi.TypeMoney:  {`{"amount":-5,"currency":"EUR"}`, `{"amount":5,"currency":"EUR"}`, `{"amount":1,"currency":"USD"}`, `{"amount":9,"currency":"CHF"}`},
	abi.TypeEmail:  {`"a@a.b"`, `"A@a.b"`, `"b@a.b"`, `"c@a.b"`, `""`},
	abi.TypeURL:    {`"https://a.b/"`},
	abi.TypeArray:  {`[]`, `[1,"x"]`},
	abi.TypeJSON:   {`1`, `{"a":[1]}`},
}

// generator draws steps. It knows the documents of a state only to draw ids
// that mean something.
type generator struct {
	*rapid.T
	known map[string][]core.DocumentID // by table, also those that are gone
}

func (g *generator) table() string {
	return rapid.SampledFrom([]string{"companies", "contacts", "contacts", "deals"}).Draw(g.T, "table")
}

func (g *generator) id(table string) core.DocumentID {
	if known := g.known[table]; len(known) > 0 && rapid.IntRange(0, 19).Draw(g.T, "known") > 0 {
		return rapid.SampledFrom(known).Draw(g.T, "id")
	}
	return "doc_00000000-0000-7000-8000-000000000000"
}

func (g *generator) value(f abi.Field) string {
	switch {
	case f.Ref != "":
		return `"` + string(g.id(f.Ref)) + `"`
	case len(f.Enum) > 0:
		return `"` + rapid.SampledFrom(f.Enum).Draw(g.T, f.Name) + `"`
	default:
		return rapid.SampledFrom(values[f.Type]).Draw(g.T, f.Name)
	}
}

// body draws fields of a table: most of them for a whole document, a few for a
// patch.
func (g *generator) body(table string, whole bool) json.RawMessage {
	var members []string
	for _, f := range declared(table).Fields {
		n := rapid.IntRange(0, 9).Draw(g.T, "have")
		switch {
		case n == 0, !whole && n > 3:
			if n == 0 {
				members = append(members, fmt.Sprintf(`"%s":null`, f.Name))
			}
		case whole && n > 6 && !f.Required:
		default:
			members = append(members, fmt.Sprintf(`"%s":%s`, f.Name, g.value(f)))
		}
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}

func (g *generator) step(m *state) step {
	s := step{table: g.table()}
	s.do = rapid.SampledFrom([]string{"insert", "insert", "insert", "get", "patch", "patch", "replace", "delete", "query", "query", "query", "count", "usage", "add"}).Draw(g.T, "do")
	switch s.do {
	case "insert":
		s.body = g.body(s.table, true)
	case "get":
		s.id = g.id(s.table)
	case "patch", "replace", "delete":
		s.id = g.id(s.table)
		s.body = g.body(s.table, s.do == "replace")
		if have, ok := m.tables[s.table][s.id]; ok && rapid.Bool().Draw(g.T, "if") {
			s.ifVersion = have.version + int64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(g.T, "off"))
		}
	case "query":
		s.query = g.query(s.table)
		s.query.Limit = rapid.IntRange(1, 5).Draw(g.T, "limit")
	case "count":
		s.query = g.query(s.table)
		s.query.Sort = nil
	case "usage", "add":
		s.table = rapid.SampledFrom([]string{"crm.a", "crm.b"}).Draw(g.T, "meter")
		s.ifVersion = int64(rapid.IntRange(1, 9).Draw(g.T, "quantity"))
	}
	return s
}

// query draws a query that an index serves.
func (g *generator) query(table string) abi.QueryRequest {
	q := abi.QueryRequest{Table: table}
	direction := rapid.SampledFrom([]string{"", "-"}).Draw(g.T, "direction")
	var indexes [][]string
	t := declared(table)
	for _, f := range t.Fields {
		if f.Index || f.Unique || f.Ref != "" {
			indexes = append(indexes, []string{f.Name})
		}
	}
	for _, ix := range t.Indexes {
		indexes = append(indexes, ix.Fields)
	}
	if rapid.IntRange(0, 5).Draw(g.T, "own order") == 0 {
		q.Sort = rapid.SampledFrom([][]string{nil, {direction + "createdAt"}}).Draw(g.T, "sort")
		return q
	}
	index := rapid.SampledFrom(indexes).Draw(g.T, "index")
	equal := rapid.IntRange(0, len(index)).Draw(g.T, "equal")
	for _, name := range index[:equal] {
		v := g.value(fieldOf(table, name))
		if rapid.IntRange(0, 4).Draw(g.T, "null") == 0 {
			v = "null"
		}
		q.Filter = append(q.Filter, abi.Filter{Field: name, Op: "eq", Value: json.RawMessage(v)})
	}
	rest := index[equal:]
	if len(rest) > 0 {
		for range rapid.IntRange(0, 2).Draw(g.T, "ranges") {
			q.Filter = append(q.Filter, g.condition(table, rest[0]))
		}
	}
	if len(q.Filter) > 0 && rapid.IntRange(0, 2).Draw(g.T, "residual") == 0 {
		f := rapid.SampledFrom(t.Fields).Draw(g.T, "field")
		if f.Type != abi.TypeArray && f.Type != abi.TypeJSON {
			q.Filter = append(q.Filter, g.condition(table, f.Name))
		}
	}
	sorted := rapid.IntRange(0, len(rest)).Draw(g.T, "sorted")
	for _, name := range rest[:sorted] {
		q.Sort = append(q.Sort, direction+name)
	}
	if sorted == len(rest) && rapid.Bool().Draw(g.T, "tie") {
		q.Sort = append(q.Sort, direction+"createdAt")
	}
	return q
}

func (g *generator) condition(table, name string) abi.Filter {
	f := fieldOf(table, name)
	ops := []string{"lt", "lte", "gt", "gte"}
	v := g.value(f)
	if v == `""` { // nothing to compare with
		v = `"a@a.b"`
	}
	if slices.Contains([]abi.FieldType{abi.TypeString, abi.TypeEmail, abi.TypeDate, abi.TypeID}, f.Type) {
		ops = append(ops, "prefix", "prefix")
	}
	op := rapid.SampledFrom(ops).Draw(g.T, "op")
	if op == "prefix" && f.Type == abi.TypeDate {
		v = rapid.SampledFrom([]string{`"2000"`, `"19"`, `""`}).Draw(g.T, "prefix")
	}
	return abi.Filter{Field: name, Op: op, Value: json.RawMessage(v)}
}
