package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// door is a module of host functions a guest may import. Three of them are all
// there is for authors: checkImport refuses every other import. The fourth is
// what the weaver adds.
type door struct {
	module    string
	functions map[string]function
}

// function is one host function. It reads its parameters from stack and leaves
// its result in stack[0]. It may panic with a stop, or a sys.ExitError.
type function struct {
	signature wasm.Signature
	call      func(g guest, stack []uint64)
	quick     bool // only moves bytes of the call itself, and is called often
	settles   bool // settles what is owed itself
}

// quick marks a function as one. It looks at the clock, and has what it costs
// charged, no more often than a guest does that runs on its own: when more is
// owed than a slice.
func quick(f function) function {
	f.quick = true
	return f
}

// guest is what a host function may touch: the state of the call that asks, its
// context, and its linear memory.
type guest struct {
	*invocation
	ctx    context.Context
	linear linearView
}

// linearView is a guest's linear memory as the host sees it.
type linearView interface {
	// Read returns a live view, false outside of the memory.
	Read(offset, length uint32) ([]byte, bool)
}

// memoryOf returns the memory of the module that calls.
func (inv *invocation) memoryOf(module api.Module) linearView {
	if inv.seen == nil { // while the module starts
		inv.seen = module.Memory()
	}
	return inv.seen
}

var doors = []door{hostDoor, extismDoor, wasiDoor, engineDoor}

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

// open offers a door's functions to every module of a wazero runtime.
func (d door) open(ctx context.Context, in wazero.Runtime, log *slog.Logger) error {
	builder := in.NewHostModuleBuilder(d.module)
	for name, f := range d.functions {
		builder.NewFunctionBuilder().
			WithGoModuleFunction(d.guard(name, f, log), valueTypes(f.signature.Params), valueTypes(f.signature.Results)).
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
// call it belongs to, nothing leaves it after its deadline or end, each host
// call has its price, and a panic ends that call only.
func (d door) guard(name string, f function, log *slog.Logger) api.GoModuleFunc {
	price := int64(hostCallFuel)
	if d.module == engineDoor.module {
		price = 0
	}
	if f.quick { // it panics with a stop only, which wazero hands back as it is
		return func(ctx context.Context, module api.Module, stack []uint64) {
			inv := invocationOf(ctx)
			if inv.owed += price; inv.owed > slice {
				inv.alive(ctx)
				inv.settle(module)
			}
			f.call(guest{inv, ctx, inv.memoryOf(module)}, stack)
		}
	}
	return func(ctx context.Context, module api.Module, stack []uint64) {
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
				log.Error("a host function panicked", "function", d.module+"."+name, "panic", r, "stack", string(debug.Stack()))
				inv.stopped = &stop{core.OutcomeFailed, core.E("runtime.Run", core.Internal, "Something went wrong on our side, in %s.%s.", d.module, name)}
				panic(inv.stopped)
			}
		}()
		inv.alive(ctx)
		inv.owed += price
		if inv.findFuel(module); !f.settles {
			inv.settle(module)
		}
		f.call(guest{inv, ctx, inv.memoryOf(module)}, stack)
	}
}

// pay notes what moving bytes costs, as it would the guest to move them itself.
func (inv *invocation) pay(bytes uint64) {
	inv.owed += int64(min(bytes, math.MaxInt64)) / bytesPerUnit
}

// view returns length bytes of the guest's memory at ptr: a live view that must
// be copied before the guest runs on. A range outside the memory ends the call.
// The guest pays for bytes, as it would for moving them itself.
func (g guest) view(what string, ptr, length uint32) []byte {
	if g.hasMemory {
		if b, ok := g.linear.Read(ptr, length); ok {
			g.pay(uint64(length))
			return b
		}
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
		if d.module != i.Module || d.module == engineDoor.module {
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
	var offered []string
	for _, d := range doors {
		if d.module != engineDoor.module {
			offered = append(offered, d.module)
		}
	}
	return core.E(op, core.Invalid, "The module imports the %s %s, which no one offers here. A plugin may import from %s only.", i.Kind, name, strings.Join(offered, ", "))
}
