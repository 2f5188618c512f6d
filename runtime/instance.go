package runtime

import (
	"container/list"
	"context"
	"crypto/rand"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// instance is one live memory of a module. It serves one call at a time, and
// the calls of one installation only.
type instance struct {
	module api.Module
	of     *Module
	home   *home
	place  *list.Element // in the pool's order; nil before it was idle
	busy   bool
	since  time.Time   // when it became idle
	linear *linear     // nil without an image
	heap   *heapMemory // of one that has none
	budget *budget     // of the call it serves
	arena  arena       // an empty one, for the next call

	fuel, stack api.MutableGlobal // nil unmetered
	globals     []api.MutableGlobal
	entries     map[string]api.Function
	stacks      int   // bytes of native stack of all entries
	letGo       int   // of those that the call it serves has let go
	started     int   // of the start code
	share       share // of the call it serves
	result      [1]uint64
}

// initializers are the exports that start a reactor, the first one found:
// WASI's, and that of a C or C++ module linked without one.
var initializers = []string{"_initialize", "__wasm_call_ctors"}

// instantiate makes an instance that has started: by the module's image, or, for
// a plain one, by running its start code in the call that asks. With an error the
// instance is destroyed, and tells what it leaves.
func (m *Module) instantiate(ctx context.Context, in wazero.Runtime, inv *invocation) (*instance, error) {
	i := &instance{of: m, budget: &inv.memory, entries: map[string]api.Function{}}
	admit := func(size int64) bool { return i.budget.admit(size) }
	var allocator experimental.MemoryAllocator
	if m.image != nil {
		linear, err := m.image.open(m.maxMemory)
		if err != nil {
			return i, err
		}
		i.linear, linear.admit = linear, admit
		allocator = linear
	} else {
		i.heap = &heapMemory{limit: inv.limits.Memory, admit: admit}
		allocator = i.heap
	}
	if m.Plain() != "" { // which starts in each call, and pays for it in each
		inv.pay(uint64(m.each + m.about.Memory.Min))
	}
	err := i.start(experimental.WithMemoryAllocator(ctx, allocator), in, inv)
	if err != nil {
		i.destroy(ctx)
	}
	return i, err
}

func (i *instance) start(ctx context.Context, in wazero.Runtime, inv *invocation) (err error) {
	// Nobody asks wazero for random numbers; it would seed 5 KB of them for each
	// instance.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader)
	if i.module, err = in.InstantiateModule(ctx, i.of.code, config); err != nil {
		return err
	}
	i.of.enlarge(i.module)
	inv.seen = nil // a start function that is a host's own was called for another module
	i.fuel, _ = i.module.ExportedGlobal(wasm.FuelName).(api.MutableGlobal)
	i.stack, _ = i.module.ExportedGlobal(wasm.StackName).(api.MutableGlobal)
	for _, g := range i.of.globals {
		i.globals = append(i.globals, i.module.ExportedGlobal(g.Name).(api.MutableGlobal))
	}
	if i.of.Plain() == "" {
		if i.linear != nil {
			has := i.module.Memory().Size() / wasm.PageSize
			if _, ok := i.module.Memory().Grow(uint32(i.of.image.size()/wasm.PageSize) - has); !ok {
				return errMemory(inv.limits.Memory)
			}
		}
		i.setGlobals()
		return nil
	}
	inv.meter.unit = i.fuel
	return i.initialize(ctx)
}

// initialize runs a reactor's start code. Its stack is not kept.
func (i *instance) initialize(ctx context.Context) error {
	entry := initializer(i.module)
	if entry == nil {
		return nil
	}
	_, err := entry.Call(ctx)
	i.started = nativeStack(entry)
	return err
}

// initializer returns a reactor's start code, nil without any.
func initializer(module api.Module) api.Function {
	for _, name := range initializers {
		if f := module.ExportedFunction(name); f != nil {
			return f
		}
	}
	return nil
}

// call runs an exported `() -> i32` or `() -> ()`, which counts as 0.
func (i *instance) call(ctx context.Context, function string) (int32, error) {
	entry := i.entries[function]
	first := entry == nil
	if first {
		entry = i.module.ExportedFunction(function)
		i.entries[function] = entry
	}
	i.result[0], i.letGo = 0, 0
	before := nativeStack(entry)
	if first {
		before = 0
	}
	err := entry.CallWithStack(ctx, i.result[:])
	if i.stacks += nativeStack(entry) - before; i.stacks > maxNativeStack {
		clear(i.entries)
		i.stacks, i.letGo = 0, i.stacks
	}
	if err != nil {
		return 0, err
	}
	return api.DecodeI32(i.result[0]), nil
}

// watch has the memory watched for the reset to come, until pause.
func (i *instance) watch(inv *invocation) {
	if i.linear != nil {
		inv.watched = i.linear.backing
		inv.watched.watch()
	}
}

// bind makes the instance that of one call: its memory and its fuel are counted
// there.
func (i *instance) bind(inv *invocation) {
	i.budget, inv.meter.unit = &inv.memory, i.fuel
	if i.linear != nil && i.of.image.size() > looseBytes {
		inv.meter.slice = shortSlice
	}
	if inv.extism.bytes == nil { // a plain one may have begun to fill its own
		inv.extism.arena, i.arena = i.arena, arena{}
		inv.extism.memory = &inv.memory
	}
	if i.fuel != nil && i.of.Plain() == "" { // a plain one started in this call, and has its slice
		first, _ := inv.meter.next(0)
		i.fuel.Set(uint64(first))
	}
}

// reset makes the instance what it was before its call, byte for byte. False:
// it cannot be, and must be destroyed.
func (i *instance) reset() bool {
	if i.of.Plain() != "" {
		return false
	}
	if i.linear != nil {
		if same, err := i.linear.reset(); err != nil || !same {
			return false
		}
	}
	i.setGlobals()
	return true
}

func (i *instance) setGlobals() {
	for n, g := range i.globals {
		g.Set(i.of.globals[n].Value)
	}
	if i.stack != nil {
		i.stack.Set(stackBudget)
	}
}

// left is the litter of a call that came to an end, in bytes.
func (i *instance) left(clean, kept bool) int64 {
	const grown = 2 // a stack that grew was copied from smaller ones
	bytes := grown * int64(i.letGo)
	if kept {
		return bytes
	}
	bytes += grown*int64(i.stacks+i.started) + i.of.each
	if i.heap != nil {
		bytes += i.heap.made
	}
	if !clean || i.of.parsed.Start { // nobody knows how much stack that took
		bytes = max(bytes, crashLitter)
	}
	return bytes
}

func (i *instance) destroy(ctx context.Context) {
	if i.module != nil {
		_ = i.module.Close(context.WithoutCancel(ctx))
	} else if i.linear != nil {
		i.linear.Free()
	}
}
