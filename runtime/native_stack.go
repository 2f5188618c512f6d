package runtime

import (
	"reflect"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
)

// maxNativeStack is how many bytes of native stack an idle instance may keep.
// wazero keeps a stack for each function that was called, as large as its calls
// ever needed, which may be megabytes; when all of them together have more than
// this they are let go, and the next calls begin with small ones.
const maxNativeStack = 256 << 10

// nativeStack returns how many bytes of native stack wazero keeps for a function;
// 0 for its interpreter, which keeps none that way. There is no method for it:
// TestNativeStackIsFound fails should a field of wazero's be named otherwise.
func nativeStack(f api.Function) int {
	t := reflect.TypeOf(f)
	field := lastStack.Load()
	if field == nil || field.of != t {
		field = stackField(t)
		lastStack.Store(field)
	}
	if field.index < 0 {
		return 0
	}
	return reflect.ValueOf(f).Elem().Field(field.index).Len()
}

// stack is where a type of functions has its stack; index is -1 if it has none.
type stack struct {
	of    reflect.Type
	index int
}

// lastStack is that of the type asked for last, which is nearly always the same.
var lastStack atomic.Pointer[stack]

func stackField(t reflect.Type) *stack {
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		if field, ok := t.Elem().FieldByName("stack"); ok && field.Type == reflect.TypeFor[[]byte]() {
			return &stack{t, field.Index[0]}
		}
	}
	return &stack{t, -1}
}
