package jsonschema

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carrel-dev/carrel/core"
)

// maxKept bounds the schemas that are kept; beyond it an arbitrary one makes room.
const maxKept = 1024

// Events checks the data of events. It keeps the schemas it has compiled, as a
// call may emit thousands of a type. The zero value is ready for use, by many
// goroutines.
type Events struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*prepared
}

// prepared is a schema that was compiled. It is used by one check at a time, as
// the work its patterns may do is counted for each.
type prepared struct {
	mu       sync.Mutex
	root     any
	parts    int
	compiled *jsonschema.Schema
	work     *steps
}

// CheckEvent fails with Invalid when the data, which is JSON, doesn't fit the
// schema: with a violation per fault, located below "data". A schema that
// can't be used is Invalid too.
func (e *Events) CheckEvent(schema, data json.RawMessage) error {
	const op = "jsonschema.CheckEvent"
	p, err := e.prepare(schema)
	if err != nil {
		return &core.Error{Op: op, Kind: core.Invalid, Err: err, Msg: "The schema of the event is faulty, so nothing can be emitted by it. Correct it in the manifest."}
	}
	value, err := parse(data)
	if err != nil {
		return core.Violations{{Location: "data", Message: "is not JSON"}}.Err(op, "The event's data is not JSON.")
	}
	const misfit = "The event's data does not fit the schema that the manifest declares for it."
	if most := maxWork / p.parts; valuesIn(value) > most {
		return core.Violations{{Location: "data", Message: fmt.Sprintf("has more than %d names and values, which is as many as are checked against a schema of this size", most)}}.Err(op, misfit)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work.left = maxSteps
	err = p.compiled.Validate(value)
	if p.work.left < 0 {
		return core.Violations{{Location: "data", Message: "has texts that are too long for the schema's patterns"}}.Err(op, misfit)
	}
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return core.Wrap(op, core.Internal, err)
	}
	found := faults{at: "data", unknown: "is not a member of the event's data", schema: p.root}
	return found.of(invalid).Err(op, misfit)
}

func (e *Events) prepare(schema json.RawMessage) (*prepared, error) {
	key := sha256.Sum256(schema)
	e.mu.Lock()
	p := e.kept[key]
	e.mu.Unlock()
	if p != nil {
		return p, nil
	}
	parts, wrong := core.CheckSchema("schema", schema)
	if len(wrong) > 0 {
		return nil, errors.New(wrong.Error())
	}
	root, err := parse(schema)
	if err != nil {
		return nil, err
	}
	p = &prepared{root: root, parts: parts, work: &steps{maxSteps}}
	if p.compiled, err = compile(root, p.work); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept == nil {
		e.kept = map[[sha256.Size]byte]*prepared{}
	}
	if len(e.kept) >= maxKept {
		for other := range e.kept {
			delete(e.kept, other)
			break
		}
	}
	e.kept[key] = p
	return p, nil
}
