package main

import (
	"context"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

type wazeroMode int

const (
	wazeroFresh  wazeroMode = iota // a new instance for each call
	wazeroReused                   // one instance for all calls
	wazeroCtx                      // the same, stoppable by its context
)

// wazeroRunner is plain wazero with the host side of Extism in Go.
type wazeroRunner struct {
	ctx      context.Context
	mode     wazeroMode
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	instance *wazeroInstance // nil with wazeroFresh
	kept     []*wazeroInstance
}

type wazeroInstance struct {
	module    api.Module
	functions map[string]api.Function
	kernel    kernel
}

func openWazero(mode wazeroMode) func(context.Context, *guest, string) (runner, error) {
	return func(ctx context.Context, g *guest, cache string) (runner, error) {
		compilations, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, err
		}
		config := wazero.NewRuntimeConfigCompiler().WithCompilationCache(compilations).WithCloseOnContextDone(mode == wazeroCtx)
		w := &wazeroRunner{ctx: ctx, mode: mode}
		if w.runtime, w.compiled, err = compileWazero(ctx, config, g.extism); err != nil {
			return nil, err
		}
		if mode != wazeroFresh {
			w.instance, err = w.start()
		}
		return w, err
	}
}

// compileWazero makes a runtime with WASI and Extism's functions, and compiles a
// module in it.
func compileWazero(ctx context.Context, config wazero.RuntimeConfig, module []byte) (wazero.Runtime, wazero.CompiledModule, error) {
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return nil, nil, err
	}
	host := runtime.NewHostModuleBuilder("extism:host/env")
	for _, f := range kernelFunctions {
		params, results, _ := strings.Cut(f.signature, ":")
		host.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			f.call(ctx.Value(kernelKey{}).(*kernel), stack)
		}), wazeroTypes(params), wazeroTypes(results)).Export(f.name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		return nil, nil, err
	}
	compiled, err := runtime.CompileModule(ctx, module)
	return runtime, compiled, err
}

func wazeroTypes(signature string) []api.ValueType {
	var types []api.ValueType
	for _, c := range signature {
		types = append(types, map[rune]api.ValueType{'i': api.ValueTypeI32, 'I': api.ValueTypeI64}[c])
	}
	return types
}

// kernelKey is where a call's kernel is in its context: many instances call the
// same host functions.
type kernelKey struct{}

func (w *wazeroRunner) start() (*wazeroInstance, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	module, err := w.runtime.InstantiateModule(w.ctx, w.compiled, config)
	if err != nil {
		return nil, err
	}
	in := &wazeroInstance{module: module, functions: map[string]api.Function{}}
	for name := range w.compiled.ExportedFunctions() {
		in.functions[name] = module.ExportedFunction(name)
	}
	return in, nil
}

func (in *wazeroInstance) call(ctx context.Context, function string, input []byte) ([]byte, error) {
	in.kernel.begin(input)
	var result [1]uint64
	if err := in.functions[function].CallWithStack(context.WithValue(ctx, kernelKey{}, &in.kernel), result[:]); err != nil {
		return nil, err
	}
	if result[0] != 0 {
		return nil, errFailed(function, result[0])
	}
	return in.kernel.output, nil
}

func (w *wazeroRunner) call(function string, input []byte) ([]byte, error) {
	switch w.mode {
	case wazeroReused:
		return w.instance.call(w.ctx, function, input)
	case wazeroCtx:
		ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		defer cancel()
		return w.instance.call(ctx, function, input)
	}
	in, err := w.start()
	if err != nil {
		return nil, err
	}
	output, err := in.call(w.ctx, function, input)
	_ = in.module.Close(w.ctx)
	return output, err
}

func (w *wazeroRunner) keep(function string, input []byte) error {
	in, err := w.start()
	if err != nil {
		return err
	}
	w.kept = append(w.kept, in)
	_, err = in.call(w.ctx, function, input)
	return err
}

func (w *wazeroRunner) close() { _ = w.runtime.Close(w.ctx) }
