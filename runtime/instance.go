package runtime

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// instances hands out started instances of modules that nobody has used, and
// takes them back. This one makes a new instance for every call and destroys it
// afterwards: the plain way, correct for every module. A pool of memory images
// can take its place behind these two methods.
type instances struct{ wazero wazero.Runtime }

// instance is one live memory.
type instance struct{ module api.Module }

// initializers are the exports that start a reactor, the first one found:
// WASI's, and that of a C or C++ module linked without one.
var initializers = []string{"_initialize", "__wasm_call_ctors"}

// take returns an instance of m whose linear memory is memory and whose start
// code has run, in ctx and within its limits.
func (p instances) take(ctx context.Context, m *Module, memory *memory) (*instance, error) {
	ctx = experimental.WithMemoryAllocator(ctx, memory)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	module, err := p.wazero.InstantiateModule(ctx, m.code, config)
	if err != nil {
		return nil, err
	}
	in := &instance{module: module}
	i := slices.IndexFunc(initializers, func(name string) bool { return module.ExportedFunction(name) != nil })
	if i < 0 {
		return in, nil
	}
	if _, err := module.ExportedFunction(initializers[i]).Call(ctx); err != nil {
		p.put(ctx, in)
		return nil, err
	}
	return in, nil
}

// put takes an instance back after its call, however that ended.
func (p instances) put(ctx context.Context, in *instance) {
	_ = in.module.Close(context.WithoutCancel(ctx))
}

// call runs an exported `() -> i32` or `() -> ()`, which counts as 0.
func (in *instance) call(ctx context.Context, function string) (int32, error) {
	results, err := in.module.ExportedFunction(function).Call(ctx)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return api.DecodeI32(results[0]), nil
}
