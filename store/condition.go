package store

import (
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store/schema"
)

// condition is a checked filter.
type condition struct {
	field *schema.Field
	op    string
	value any
}

// The operations of a filter. A missing value is equal to null and to nothing
// else, and is neither less nor greater than any value.
const (
	opEq     = "eq"
	opLt     = "lt"
	opLte    = "lte"
	opGt     = "gt"
	opGte    = "gte"
	opPrefix = "prefix"
)

// maxFilters bounds what every row is held against.
const maxFilters = 20

func conditions(t *table, filters []abi.Filter) ([]condition, error) {
	const op = "store.Query"
	var wrong core.Violations
	if len(filters) > maxFilters {
		wrong.Add("filter", "at most %d", maxFilters)
		return nil, wrong.Err(op, "The query has too many filters.")
	}
	var all []condition
	for _, f := range filters {
		field := t.Field(f.Field)
		if field == nil {
			wrong.Add("filter", "%s has no field %.64q; it has %s", t.Name, f.Field, strings.Join(t.FieldNames(), ", "))
			continue
		}
		at := "filter." + field.Name
		if !field.Comparable() {
			wrong.Add(at, "a %s cannot be filtered by", field.Type)
			continue
		}
		c, problem := newCondition(field, f)
		if problem != "" {
			wrong.Add(at, "%s", problem)
			continue
		}
		all = append(all, c)
	}
	return all, wrong.Err(op, "The query's filters are not valid.")
}

func newCondition(field *schema.Field, f abi.Filter) (condition, string) {
	c := condition{field: field, op: f.Op}
	if len(f.Value) == 0 {
		return c, "needs a value to compare with; null finds documents without one"
	}
	var problem string
	switch f.Op {
	case opPrefix:
		c.value, problem = field.PrefixOperand(f.Value)
	case opEq:
		c.value, problem = field.Operand(f.Value)
	case opLt, opLte, opGt, opGte:
		if c.value, problem = field.Operand(f.Value); problem == "" && c.value == nil {
			problem = "needs a value to compare with"
		}
	default:
		problem = "no such operation; there are eq, lt, lte, gt, gte and prefix"
	}
	return c, problem
}

// holds reports whether a record meets the condition.
func (c condition) holds(r schema.Record) bool {
	v := c.field.Of(r).Go
	if c.op == opEq {
		return schema.Compare(v, c.value) == 0
	}
	if v == nil {
		return false
	}
	if c.op == opPrefix {
		return strings.HasPrefix(v.(string), c.value.(string))
	}
	order := schema.Compare(v, c.value)
	switch c.op {
	case opLt:
		return order < 0
	case opLte:
		return order <= 0
	case opGt:
		return order > 0
	default:
		return order >= 0
	}
}
