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
// unit commits.
func (e EventOf[T]) Emit(c *Ctx, data T) error {
	encoded, err := json.Marshal(data)
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
	declared.Schema = schemaJSON(reflect.TypeFor[T]())
	return declared
}

// EventDeclaration is any EventOf, for Declaration.Emits.
type EventDeclaration interface {
	event() abi.EventType
	warm()
}

func (e EventOf[T]) warm() { warmType(reflect.TypeFor[T]()) }
