package main

import (
	"context"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
)

// extismRunner is Extism's own SDK for Go.
type extismRunner struct {
	ctx      context.Context
	compiled *extism.CompiledPlugin
	instance *extism.Plugin // nil for a new one with each call
	kept     []*extism.Plugin
}

func openExtism(fresh bool) func(context.Context, *guest, string) (runner, error) {
	return func(ctx context.Context, g *guest, cache string) (runner, error) {
		compilations, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, err
		}
		compiled, err := extism.NewCompiledPlugin(ctx,
			extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: g.extism}}},
			extism.PluginConfig{EnableWasi: true, RuntimeConfig: wazero.NewRuntimeConfigCompiler().WithCompilationCache(compilations)},
			nil)
		if err != nil {
			return nil, err
		}
		e := &extismRunner{ctx: ctx, compiled: compiled}
		if !fresh {
			e.instance, err = e.start()
		}
		return e, err
	}
}

func (e *extismRunner) start() (*extism.Plugin, error) {
	return e.compiled.Instance(e.ctx, extism.PluginInstanceConfig{})
}

func (e *extismRunner) call(function string, input []byte) ([]byte, error) {
	if e.instance != nil {
		return extismCall(e.instance, function, input)
	}
	in, err := e.start()
	if err != nil {
		return nil, err
	}
	output, err := extismCall(in, function, input)
	_ = in.Close(e.ctx)
	return output, err
}

func extismCall(in *extism.Plugin, function string, input []byte) ([]byte, error) {
	code, output, err := in.Call(function, input)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, errFailed(function, code)
	}
	return output, nil
}

func (e *extismRunner) keep(function string, input []byte) error {
	in, err := e.start()
	if err != nil {
		return err
	}
	e.kept = append(e.kept, in)
	_, err = extismCall(in, function, input)
	return err
}

func (e *extismRunner) close() { _ = e.compiled.Close(e.ctx) }
