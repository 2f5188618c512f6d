package core

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// Decode reads one JSON value strictly: nothing after it, no member the type
// doesn't declare, none twice, no value of another type, no half of a character.
// Its error is Invalid and names the place. An empty document reads as {}.
func Decode[T any](op string, data []byte) (T, error) {
	var v T
	if s := flatOf(reflect.TypeFor[T]()); s != nil {
		if _, fault := CheckJSON(data); fault == "" && s.read(data, reflect.ValueOf(&v).Elem()) {
			return v, nil
		}
	}
	return decode[T](op, data)
}

// decode is Decode of what has surprises. It says what is wrong with it.
func decode[T any](op string, data []byte) (T, error) {
	var v T
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&v)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			return v, E(op, Invalid, "The JSON goes on after its end, at byte %d.", decoder.InputOffset())
		}
		if at, fault := CheckJSON(data); fault != "" {
			var none T
			var where Violations
			where.Add(at, "%s", fault)
			return none, where.Err(op, cmp.Or(at, "The JSON")+" "+fault+".")
		}
		return v, nil
	}
	var where Violations
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return v, E(op, Invalid, "This is not JSON: %s at byte %d.", syntax.Error(), syntax.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return v, E(op, Invalid, "This is not JSON: it ends too early, at byte %d.", len(data))
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return v, E(op, Invalid, "This must be a JSON object, not a %s.", wrong.Value)
		}
		where.Add(wrong.Field, "must be of type %s, not %s", jsonType(wrong.Type.Kind().String()), wrong.Value)
		return v, where.Err(op, wrong.Field+" is of the wrong type.")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		where.Add(name, "is not a member that is known here")
		return v, where.Err(op, name+" is not a member that is known here.")
	}
	return v, &Error{Op: op, Kind: Invalid, Msg: "This is not what the operation takes.", Err: err}
}

func jsonType(kind string) string {
	switch kind {
	case "struct", "map":
		return "object"
	case "slice", "array":
		return "array"
	case "bool":
		return "boolean"
	case "string":
		return "string"
	default:
		return "number"
	}
}
