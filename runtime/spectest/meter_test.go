package spectest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// stackBudget is the engine's own, so that the suite shows that it suffices.
const stackBudget = 1 << 20

// plenty is more fuel than any command of the suite needs, by far.
const plenty = 1 << 28

var (
	errTooDeep = errors.New("the stack is used up")
	errEndless = errors.New("it does not end")
)

// meter pays for the fuel of a session.
type meter struct {
	slice   int64 // what a guest gets at each yield
	granted int64
	before  int64 // spent when the command began
}

// open offers what woven modules import.
func (m *meter) open(ctx context.Context, r wazero.Runtime) error {
	yield := api.GoFunc(func(_ context.Context, stack []uint64) {
		if int32(uint32(stack[1])) < 0 {
			panic(errTooDeep)
		}
		if m.granted > m.before+plenty {
			panic(errEndless)
		}
		m.granted += m.slice - int64(stack[0])
		stack[0] = uint64(m.slice)
	})
	_, err := r.NewHostModuleBuilder(wasm.EngineModule).NewFunctionBuilder().
		WithGoFunction(yield, []api.ValueType{api.ValueTypeI64, api.ValueTypeI32}, []api.ValueType{api.ValueTypeI64}).
		Export(wasm.YieldName).Instantiate(ctx)
	return err
}

// rewind gives the instances their whole stack again, as a command that trapped
// left it where it was, and begins to count.
func (m *meter) rewind(instances []api.Module) {
	for _, instance := range instances {
		instance.ExportedGlobal(wasm.StackName).(api.MutableGlobal).Set(stackBudget)
	}
	m.before = m.total(instances)
}

// spent is the fuel used since rewind.
func (m *meter) spent(instances []api.Module) int64 { return m.total(instances) - m.before }

func (m *meter) total(instances []api.Module) int64 {
	total := m.granted
	for _, instance := range instances {
		total -= int64(instance.ExportedGlobal(wasm.FuelName).Get())
	}
	return total
}

// balanced returns an error when an instance did not get back the stack it
// lent to the calls of a command that ended well.
func (m *meter) balanced(instances []api.Module) error {
	for i, instance := range instances {
		if left := int32(uint32(instance.ExportedGlobal(wasm.StackName).Get())); left != stackBudget {
			return fmt.Errorf("module %d of the file has %d bytes of its stack of %d left", i, left, stackBudget)
		}
	}
	return nil
}
