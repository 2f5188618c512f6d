package sdk

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// usualBody is the room that is made for a body at first, in bytes.
const usualBody = 256

// marshal is json.Marshal, which it leaves what is not plain to.
func marshal(v reflect.Value) ([]byte, error) { return appendJSON(make([]byte, 0, usualBody), v) }

// appendJSON appends a value as json.Marshal encodes it.
func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsValid() {
		if p := plainOf(v.Type()); p != nil {
			return p.append(b, v)
		}
	}
	return appendMarshalled(b, v)
}

func appendMarshalled(b []byte, v reflect.Value) ([]byte, error) {
	var value any
	if v.IsValid() {
		value = v.Interface()
	}
	encoded, err := json.Marshal(value)
	return append(b, encoded...), err
}

func (p *plain) append(b []byte, v reflect.Value) (_ []byte, err error) {
	switch {
	case p.own:
		return appendMarshalled(b, v)
	case p.kind == reflect.String:
		return appendString(b, v.String()), nil
	case p.kind == reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case v.CanInt():
		return strconv.AppendInt(b, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case (p.kind == reflect.Slice || p.kind == reflect.Pointer) && v.IsNil():
		return append(b, "null"...), nil
	case p.kind == reflect.Pointer:
		return p.elem.append(b, v.Elem())
	case p.kind == reflect.Slice:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = p.elem.append(b, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case p.kind == reflect.Struct:
		b = append(b, '{')
		for i, f := range p.fields {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = f.append(append(b, f.key...), v.Field(f.index)); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	default:
		return appendMarshalled(b, v)
	}
}
