package runtime

import (
	"reflect"
	"sync"

	"github.com/tetratelabs/wazero/api"
)

// maxNativeStack is how many bytes of native stack an idle instance may keep.
// wazero keeps a stack for each function that was called, as large as its calls
// ever needed, which may be megabytes; one that grew beyond this is let go, and
// the next call begins with a small one.
const maxNativeStack = 256 << 10

// nativeStack returns how many bytes of native stack wazero keeps for a function;
// 0 for its interpreter, which keeps none that way. There is no method for it:
// TestNativeStackIsLetGo fails should a field of wazero's be named otherwise.
func nativeStack(f api.Function) int {
	at, ok := stackFields.Load(reflect.TypeOf(f))
	if !ok {
		at = stackField(reflect.TypeOf(f))
		stackFields.Store(reflect.TypeOf(f), at)
	}
	if at.(int) < 0 {
		return 0
	}
	return reflect.ValueOf(f).Elem().Field(at.(int)).Len()
}

// stackFields are the stacks of the two types of functions that wazero has.
var stackFields sync.Map

// stackField finds the field, -1 if there is none.
func stackField(t reflect.Type) int {
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return -1
	}
	field, ok := t.Elem().FieldByName("stack")
	if !ok || field.Type != reflect.TypeFor[[]byte]() {
		return -1
	}
	return field.Index[0]
}
