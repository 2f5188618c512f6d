package sdk

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/carrel-dev/carrel/core/abi"
)

// EventOf is an event type the plugin emits, with T as its data.
type EventOf[T any] struct{ declaration abi.EventType }

// Event declares an event type. Its name begins with the plugin's:
// "crm.contact.created".
func Event[T any](eventType string, version int, doc string) EventOf[T] {
	return EventOf[T]{abi.EventType{Type: eventType, Version: version, Doc: doc}}
}

// Emit adds an event to the unit of work: it is published if, and only if, the
// unit commits. The data's JSON holds 64 KiB at most and must fit the schema of T.
func (e EventOf[T]) Emit(c *Ctx, data T) error {
	encoded, err := marshal(reflect.ValueOf(data))
	if err != nil {
		return err
	}
	request := append(make([]byte, 0, len(encoded)+128), `{"type":`...)
	request = appendString(request, e.declaration.Type)
	request = strconv.AppendInt(append(request, `,"version":`...), int64(e.declaration.Version), 10)
	request = append(append(append(request, `,"data":`...), encoded...), '}')
	return tell(abi.OpEventsEmit, request, nil)
}

func (e EventOf[T]) event() abi.EventType {
	declared := e.declaration
	described := schemaOf(reflect.TypeFor[T](), nil)
	allowNull(reflect.TypeFor[T](), described)
	encoded, err := json.Marshal(described)
	if err != nil {
		panic("sdk: the schema of " + declared.Type + ": " + err.Error())
	}
	declared.Schema = encoded
	return declared
}

// allowNull adds null to what a Go type encodes as null when it is nil: the
// data of an event is checked against its schema as it is.
func allowNull(t reflect.Type, s schema) {
	if text, ok := s["type"].(string); ok {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			s["type"] = []string{text, "null"}
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if items, ok := s["items"].(schema); ok {
			allowNull(t.Elem(), items)
		}
	case reflect.Map:
		if values, ok := s["additionalProperties"].(schema); ok {
			allowNull(t.Elem(), values)
		}
	case reflect.Struct:
		properties, ok := s["properties"].(schema)
		if !ok {
			return
		}
		for _, f := range fieldsOf(t) {
			if property, ok := properties[f.Name].(schema); ok && len(f.Enum) == 0 {
				allowNull(f.goType, property)
			}
		}
	}
}

// EventDeclaration is any EventOf, for Declaration.Emits and Declaration.On.
type EventDeclaration interface {
	event() abi.EventType
	data() reflect.Type
	warm()
}

func (e EventOf[T]) data() reflect.Type { return reflect.TypeFor[T]() }

func (e EventOf[T]) warm() { warmType(reflect.TypeFor[T]()) }
