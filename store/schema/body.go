package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// MaxBody is the size of the largest document, in bytes of its canonical body.
const MaxBody = 1 << 20

// maxViolations is how many places of one body are reported.
const maxViolations = 50

// Record is a document's body, parsed: the value of each declared field, in
// declared order.
type Record []Value

// New makes a record of a body, filling in defaults for fields it doesn't have.
// It fails with Invalid and the places that are wrong (`body.email`), or
// TooLarge.
func (t *Table) New(body json.RawMessage) (Record, error) {
	members, err := t.members(body)
	if err != nil {
		return nil, err
	}
	record := make(Record, len(t.Fields))
	return record, t.take(record, members, true)
}

// Merge makes a record of a stored one and the fields of a patch: a null takes
// the field away. It fails like New.
func (t *Table) Merge(stored Record, patch json.RawMessage) (Record, error) {
	members, err := t.members(patch)
	if err != nil {
		return nil, err
	}
	record := slices.Clone(stored)
	return record, t.take(record, members, false)
}

// take puts the members of a request into a record. Without whole, only those
// that are there.
func (t *Table) take(record Record, members map[string]json.RawMessage, whole bool) error {
	const op = "schema.Check"
	var wrong core.Violations
	for _, name := range t.unknown(members) {
		if len(wrong) == maxViolations {
			break
		}
		if slices.Contains(core.ReservedFields, name) {
			wrong.Add("body."+name, "is set by the host and cannot be written")
			continue
		}
		wrong.Add("body."+shorten(name), "unknown field; %s has %s", t.Name, strings.Join(t.FieldNames(), ", "))
	}
	for i, f := range t.Fields {
		raw, given := members[f.Name]
		if !given && !whole || len(wrong) == maxViolations {
			continue
		}
		if whole && f.fallback.JSON != nil && (!given || f.blankIsMissing() && string(raw) == `""`) {
			record[i] = f.fallback
			continue
		}
		record[i] = f.accept(raw, "body."+f.Name, &wrong)
	}
	return wrong.Err(op, "The document doesn't fit the table "+t.Name+".")
}

// unknown returns the names that are no field's, sorted.
func (t *Table) unknown(members map[string]json.RawMessage) (names []string) {
	for name := range members {
		if t.fields[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (t *Table) members(body json.RawMessage) (map[string]json.RawMessage, error) {
	const op = "schema.Check"
	if len(body) > MaxBody {
		return nil, core.E(op, core.TooLarge, "A document has at most %d bytes; this one has %d.", MaxBody, len(body))
	}
	var wrong core.Violations
	at, fault := core.CheckStorable(body)
	properties, object := core.Properties(body)
	switch {
	case !object || fault != "" && !json.Valid(body):
		wrong.Add("body", "must be a JSON object")
	case fault != "":
		wrong.Add(strings.TrimSuffix("body."+at, "."), "%s", fault)
	}
	members := make(map[string]json.RawMessage, len(properties))
	for _, p := range properties {
		members[p.Name] = p.Value
	}
	return members, wrong.Err(op, "The document is not valid JSON.")
}

// Body returns the canonical body of a record: the fields that have a value, in
// declared order. It fails with TooLarge.
func (t *Table) Body(record Record) (json.RawMessage, error) {
	body := []byte{'{'}
	for i, f := range t.Fields {
		if record[i].JSON == nil {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, f.key...)
		body = append(body, record[i].JSON...)
	}
	body = append(body, '}')
	if len(body) > MaxBody {
		return nil, core.E("schema.Body", core.TooLarge,
			"A document has at most %d bytes; this one would have %d.", MaxBody, len(body))
	}
	return body, nil
}

// Load parses a stored body. A field the table has no longer, or whose value no
// longer has its type, reads as missing: the release that wrote it is gone.
func (t *Table) Load(body json.RawMessage) (Record, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, core.Wrap("schema.Load", core.Internal, err)
	}
	record := make(Record, len(t.Fields))
	for i, f := range t.Fields {
		record[i], _ = f.parse(members[f.Name])
	}
	return record, nil
}

// Of returns a record's value of a field.
func (f *Field) Of(r Record) Value { return r[f.position] }

// Clear takes a field's value away.
func (f *Field) Clear(r Record) { r[f.position] = Value{} }

// Operand parses the value a filter compares the field with. It fails with a
// sentence saying what the value must be.
func (f *Field) Operand(raw json.RawMessage) (any, string) {
	v, bad := f.parse(raw)
	if bad != nil {
		return nil, bad.message
	}
	return v.Go, ""
}

// PrefixOperand parses the value of a prefix filter, for the types that are
// stored as strings. It fails like Operand.
func (f *Field) PrefixOperand(raw json.RawMessage) (any, string) {
	switch f.Type {
	case abi.TypeString, abi.TypeText, abi.TypeEmail, abi.TypeURL, abi.TypeID, abi.TypeDate:
	default:
		return nil, "a " + string(f.Type) + " has no prefix; use eq, lt, lte, gt or gte"
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return nil, "must be a string"
	}
	if f.Type == abi.TypeEmail {
		return strings.ToLower(*s), ""
	}
	return *s, ""
}

// Comparable reports whether values of the field can be compared, and so
// filtered by: not those of json, array and object fields.
func (f *Field) Comparable() bool {
	return f.indexable() || f.Type == abi.TypeText
}
