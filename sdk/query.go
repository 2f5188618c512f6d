package sdk

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// QueryOf asks for documents of a table. All its conditions must hold, and one
// declared index must serve them together with the order.
type QueryOf[T any] struct {
	request abi.QueryRequest
	asked   bool // written by the request's query
	err     error
}

// All asks for every document of the table, in the order they were added.
func (t *TableOf[T]) All() *QueryOf[T] {
	return &QueryOf[T]{request: abi.QueryRequest{Table: t.name}}
}

// Where asks for the documents whose field equals a value.
func (t *TableOf[T]) Where(name string, value any) *QueryOf[T] { return t.All().Where(name, value) }

// Where adds the condition that a field equals a value.
func (q *QueryOf[T]) Where(name string, value any) *QueryOf[T] { return q.filter(name, "eq", value) }

// Prefix adds the condition that a string begins with another.
func (q *QueryOf[T]) Prefix(name, value string) *QueryOf[T] { return q.filter(name, "prefix", value) }

// Lt adds the condition that a field is less than a value.
func (q *QueryOf[T]) Lt(name string, value any) *QueryOf[T] { return q.filter(name, "lt", value) }

// Lte adds the condition that a field is a value or less.
func (q *QueryOf[T]) Lte(name string, value any) *QueryOf[T] { return q.filter(name, "lte", value) }

// Gt adds the condition that a field is greater than a value.
func (q *QueryOf[T]) Gt(name string, value any) *QueryOf[T] { return q.filter(name, "gt", value) }

// Gte adds the condition that a field is a value or greater.
func (q *QueryOf[T]) Gte(name string, value any) *QueryOf[T] { return q.filter(name, "gte", value) }

func (q *QueryOf[T]) filter(name, op string, value any) *QueryOf[T] {
	encoded, err := encode(value)
	if err != nil {
		q.err = err
	}
	q.request.Filter = append(q.request.Filter, abi.Filter{Field: name, Op: op, Value: encoded})
	return q
}

// Filters reports whether there is a condition on a field.
func (q *QueryOf[T]) Filters(name string) bool {
	return slices.ContainsFunc(q.request.Filter, func(f abi.Filter) bool { return f.Field == name })
}

// Sort orders by fields; a leading "-" means descending, for all of them or for
// none.
func (q *QueryOf[T]) Sort(fields ...string) *QueryOf[T] {
	q.request.Sort = fields
	return q
}

// Limit asks for at most n documents, 1 to 200; 50 without it.
func (q *QueryOf[T]) Limit(n int) *QueryOf[T] {
	q.request.Limit = n
	return q
}

// Cursor goes on after a page: its nextCursor. Empty is the first page.
func (q *QueryOf[T]) Cursor(cursor string) *QueryOf[T] {
	q.request.Cursor = cursor
	return q
}

// Page reads a page.
func (q *QueryOf[T]) Page(c *Ctx) (Page[T], error) {
	if q.err != nil {
		return Page[T]{}, q.err
	}
	raw, err := call(abi.OpDataQuery, encodeQuery(q.request))
	if err != nil {
		return Page[T]{}, q.locate(err)
	}
	return Page[T]{raw}, nil
}

// locate makes the host's places those of the HTTP request. A cursor comes from
// there in any case; the rest if the request wrote the query.
func (q *QueryOf[T]) locate(err error) error {
	failure, ok := errors.AsType[*abi.Error](err)
	if !ok {
		return err
	}
	for i, v := range failure.Violations {
		if v.Location == "cursor" || q.asked {
			failure.Violations[i].Location = "query." + v.Location
		}
	}
	return err
}

// Docs reads a page and decodes it.
func (q *QueryOf[T]) Docs(c *Ctx) (docs []Doc[T], nextCursor string, err error) {
	page, err := q.Page(c)
	if err != nil {
		return nil, "", err
	}
	return page.Docs()
}

// RawDocs reads a page of documents that are each decoded when they are asked.
func (q *QueryOf[T]) RawDocs(c *Ctx) (docs []RawDoc[T], nextCursor string, err error) {
	page, err := q.Page(c)
	if err != nil {
		return nil, "", err
	}
	return page.RawDocs()
}

// First reads the first document, if there is one.
func (q *QueryOf[T]) First(c *Ctx) (doc Doc[T], found bool, err error) {
	docs, _, err := q.Limit(1).Docs(c)
	if err != nil || len(docs) == 0 {
		return doc, false, err
	}
	return docs[0], true, nil
}

// Count counts the documents, of which it looks at 10,000 at most. The answer is
// exact unless capped: then there are at least that many.
func (q *QueryOf[T]) Count(c *Ctx) (count int, capped bool, err error) {
	if q.err != nil {
		return 0, false, q.err
	}
	var answer abi.CountResponse
	err = ask(abi.OpDataCount, abi.CountRequest{Table: q.request.Table, Filter: q.request.Filter}, &answer)
	return answer.Count, answer.Capped, err
}

var filterOps = []string{"eq", "lt", "lte", "gt", "gte", "prefix"}

// Asked is the query that List answers, to be narrowed by a handler of its own.
func (t *TableOf[T]) Asked(c *Ctx) (*QueryOf[T], error) {
	q := t.All()
	q.asked = true
	var wrong violations
	for _, name := range sortedKeys(c.query()) {
		value := c.query()[name]
		switch rest, isFilter := strings.CutPrefix(name, "filter["); {
		case isFilter:
			q.addFilter(name, rest, value, &wrong)
		case name == "sort":
			q.request.Sort = strings.Split(value, ",")
		case name == "cursor":
			q.request.Cursor = value
		case name == "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 200 {
				wrong.add("query.limit", "must be a whole number from 1 to 200")
			}
			q.request.Limit = n
		default:
			wrong.add("query."+name, "is unknown; a list knows filter[field], sort, limit and cursor")
		}
	}
	return q, wrong.err()
}

// addFilter reads `filter[name]=value` or `filter[name][op]=value`; rest is what
// follows the first bracket.
func (q *QueryOf[T]) addFilter(parameter, rest, value string, wrong *violations) {
	name, op, ok := strings.Cut(strings.TrimSuffix(rest, "]"), "][")
	if !ok {
		op = "eq"
	}
	if !strings.HasSuffix(rest, "]") || !slices.Contains(filterOps, op) {
		wrong.add("query."+parameter, "must be filter[field] or filter[field][op], op one of %s", strings.Join(filterOps, " "))
		return
	}
	encoded := json.RawMessage(appendString(nil, value))
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		if f.Name == name && (f.Type == abi.TypeInt || f.Type == abi.TypeFloat || f.Type == abi.TypeBool) {
			if encoded = json.RawMessage(value); !json.Valid(encoded) {
				wrong.add("query."+parameter, "must be of type %s", f.Type)
				return
			}
		}
	}
	q.request.Filter = append(q.request.Filter, abi.Filter{Field: name, Op: op, Value: encoded})
}

// listParameters documents the query of a List.
func (Listing[T]) listParameters() []abi.Parameter {
	var parameters []abi.Parameter
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		if f.Index || f.Unique || f.Ref != "" {
			parameters = append(parameters, abi.Parameter{Name: "filter[" + f.Name + "]", Doc: f.Doc})
		}
	}
	return append(parameters,
		abi.Parameter{Name: "sort", Doc: "A field to order by; a leading - means descending."},
		abi.Parameter{Name: "limit", Doc: "How many to answer, 1 to 200; 50 without it."},
		abi.Parameter{Name: "cursor", Doc: "The nextCursor of the page before."})
}
