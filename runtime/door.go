package runtime

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// door is a module of host functions a guest may import. The three of them are
// all there is: check refuses every other import.
type door struct {
	module    string
	functions map[string]function
}

// function is one host function. It reads its parameters from stack and leaves
// its result in stack[0]. It may panic
// with a stop, or a sys.ExitError.
type function struct {
	signature wasm.Signature
	call      func(g guest, stack []uint64)
}

// guest is what a host function may touch: the state of the call that asks,
// memory included, and its context.
type guest struct {
	*invocation
	ctx context.Context
}

var doors = []door{hostDoor, extismDoor, wasiDoor}

// fn makes a function from a short signature: i is i32, I is i64, the result
// after a colon.
func fn(signature string, call func(g guest, stack []uint64)) function {
	types := map[rune]wasm.ValueType{'i': wasm.I32, 'I': wasm.I64}
	params, results, _ := strings.Cut(signature, ":")
	var s wasm.Signature
	for _, c := range params {
		s.Params = append(s.Params, types[c])
	}
	for _, c := range results {
		s.Results = append(s.Results, types[c])
	}
	return function{signature: s, call: call}
}

// open offers a door's functions to every module.
func (e *Engine) open(ctx context.Context, d door) error {
	builder := e.wazero.NewHostModuleBuilder(d.module)
	for name, f := range d.functions {
		builder.NewFunctionBuilder().
			WithGoFunction(e.guard(d.module+"."+name, f.call), valueTypes(f.signature.Params), valueTypes(f.signature.Results)).
			Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

func valueTypes(types []wasm.ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// guard stands between a guest and a host function: nothing happens without a
// call it belongs to, nothing happens after that call's deadline or end, and a
// panic ends that call only.
func (e *Engine) guard(name string, call func(g guest, stack []uint64)) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		inv := invocationOf(ctx)
		defer func() {
			switch r := recover().(type) {
			case nil:
			case *sys.ExitError:
				panic(r)
			case *stop:
				inv.stopped = r
				panic(r)
			default:
				e.log.Error("a host function panicked", "function", name, "panic", r, "stack", string(debug.Stack()))
				inv.stopped = &stop{core.OutcomeFailed, core.E("runtime.Run", core.Internal, "Something went wrong on our side, in %s.", name)}
				panic(inv.stopped)
			}
		}()
		inv.alive(ctx)
		call(guest{inv, ctx}, stack)
	}
}

// view returns length bytes of the guest's memory at ptr: a live view that must
// be copied before the guest runs on. A range outside the memory ends the call.
func (g guest) view(what string, ptr, length uint32) []byte {
	if end := uint64(ptr) + uint64(length); end <= uint64(len(g.memory.linear)) {
		return g.memory.linear[ptr:end:end]
	}
	trap(core.Internal, "The plugin passed %s a range outside its memory: %d bytes at %#x.", what, length, ptr)
	return nil
}

// checkImport refuses what no door offers.
func checkImport(i wasm.Import) error {
	const op = "runtime.Load"
	name := fmt.Sprintf("%s.%s", cut(i.Module, 100), cut(i.Name, 100))
	if version, ok := strings.CutPrefix(i.Module, hostModulePrefix); ok && i.Module != hostModule {
		return core.E(op, core.Invalid, "The module imports %s, version %q of Carrel's ABI; this server speaks version %d. Build the plugin with an SDK of version %d.", name, cut(version, 20), abi.Version, abi.Version)
	}
	for _, d := range doors {
		if d.module != i.Module {
			continue
		}
		f, ok := d.functions[i.Name]
		switch {
		case !ok || i.Kind != wasm.KindFunction:
			return core.E(op, core.Invalid, "The module imports the %s %s, which does not exist.", i.Kind, name)
		case !f.signature.Equal(i.Type):
			return core.E(op, core.Invalid, "The module imports %s as %s; it is %s.", name, i.Type, f.signature)
		}
		return nil
	}
	offered := make([]string, len(doors))
	for j, d := range doors {
		offered[j] = d.module
	}
	return core.E(op, core.Invalid, "The module imports the %s %s, which no one offers here. A plugin may import from %s only.", i.Kind, name, strings.Join(offered, ", "))
}
