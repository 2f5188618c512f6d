package runtime

import (
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// machineCode returns the machine code of the module that a function is of, all
// of it; nil for wazero's interpreter, which has none. There is no method for it:
// TestMachineCodeIsFound fails should a field of wazero's be named otherwise.
func machineCode(f api.Function) []byte {
	v := reflect.ValueOf(f)
	for _, name := range []string{"parent", "parent", "executable"} {
		if v = reflect.Indirect(v); v.Kind() != reflect.Struct {
			return nil
		}
		if v = v.FieldByName(name); !v.IsValid() {
			return nil
		}
	}
	if v.Type() != reflect.TypeFor[[]byte]() {
		return nil
	}
	return v.Bytes()
}

// enlarge has the system keep the module's machine code in large pages, once. A
// call runs through code from all over it, a Go guest through many megabytes:
// finding thousands of small pages takes a processor longer than running what is
// in them, most of all a virtual one.
func (m *Module) enlarge(in api.Module) {
	m.enlarged.Do(func() {
		for name := range m.callable {
			if f := in.ExportedFunction(name); f != nil {
				largePages(machineCode(f))
				return
			}
		}
	})
}
