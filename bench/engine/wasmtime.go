package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// wasmtimeRunner is wasmtime through its Go binding, with the host side of
// Extism in Go. The binding has neither InstancePre nor the pooling allocator;
// copy-on-write images of memory are wasmtime's default.
type wasmtimeRunner struct {
	engine     *wasmtime.Engine
	linker     *wasmtime.Linker
	module     *wasmtime.Module
	initialize bool // the module is as its compiler left it
	kernel     kernel
	kept       []*wasmtime.Store
}

// openWasmtime opens wasmtime with the module, or with one that holds the state
// the module has after its start.
func openWasmtime(preinitialised bool) func(context.Context, *guest, string) (runner, error) {
	return func(ctx context.Context, g *guest, cache string) (runner, error) {
		module := g.extism
		if preinitialised {
			var err error
			if module, err = preinitialise(ctx, module); err != nil {
				return nil, err
			}
		}
		w := &wasmtimeRunner{engine: wasmtime.NewEngine(), initialize: !preinitialised}
		w.linker = wasmtime.NewLinker(w.engine)
		if err := w.linker.DefineWasi(); err != nil {
			return nil, err
		}
		for _, f := range kernelFunctions {
			if err := w.define(f); err != nil {
				return nil, err
			}
		}
		var err error
		w.module, err = w.compile(module, cache)
		return w, err
	}
}

// compile takes the code that an earlier process left in the cache, as the other
// ways do; compiling takes seconds.
func (w *wasmtimeRunner) compile(module []byte, cache string) (*wasmtime.Module, error) {
	file := filepath.Join(cache, fmt.Sprintf("%x.cwasm", sha256.Sum256(module)))
	if code, err := os.ReadFile(file); err == nil {
		return wasmtime.NewModuleDeserialize(w.engine, code)
	}
	compiled, err := wasmtime.NewModule(w.engine, module)
	if err != nil {
		return nil, err
	}
	code, err := compiled.Serialize()
	if err != nil {
		return nil, err
	}
	return compiled, os.WriteFile(file, code, 0o600)
}

func (w *wasmtimeRunner) define(f kernelFunction) error {
	params, results, _ := strings.Cut(f.signature, ":")
	call := func(_ *wasmtime.Caller, arguments []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
		var stack [2]uint64
		for i, a := range arguments {
			if params[i] == 'i' {
				stack[i] = uint64(uint32(a.I32()))
			} else {
				stack[i] = uint64(a.I64())
			}
		}
		f.call(&w.kernel, stack[:])
		switch results {
		case "i":
			return []wasmtime.Val{wasmtime.ValI32(int32(stack[0]))}, nil
		case "I":
			return []wasmtime.Val{wasmtime.ValI64(int64(stack[0]))}, nil
		}
		return nil, nil
	}
	return w.linker.FuncNew("extism:host/env", f.name, wasmtime.NewFuncType(wasmtimeTypes(params), wasmtimeTypes(results)), call)
}

func wasmtimeTypes(signature string) []*wasmtime.ValType {
	var types []*wasmtime.ValType
	for _, c := range signature {
		types = append(types, wasmtime.NewValType(map[rune]wasmtime.ValKind{'i': wasmtime.KindI32, 'I': wasmtime.KindI64}[c]))
	}
	return types
}

func (w *wasmtimeRunner) call(function string, input []byte) ([]byte, error) {
	store := wasmtime.NewStore(w.engine)
	defer store.Close()
	return w.callIn(store, function, input)
}

// callIn starts an instance in a store and calls it.
func (w *wasmtimeRunner) callIn(store *wasmtime.Store, function string, input []byte) ([]byte, error) {
	store.SetWasi(wasmtime.NewWasiConfig())
	in, err := w.linker.Instantiate(store, w.module)
	if err != nil {
		return nil, err
	}
	if f := in.GetFunc(store, "_initialize"); f != nil && w.initialize {
		if _, err := f.Call(store); err != nil {
			return nil, err
		}
	}
	w.kernel.begin(input)
	code, err := in.GetFunc(store, function).Call(store)
	if err != nil {
		return nil, err
	}
	if code != int32(0) {
		return nil, errFailed(function, code)
	}
	return w.kernel.output, nil
}

func (w *wasmtimeRunner) keep(function string, input []byte) error {
	store := wasmtime.NewStore(w.engine)
	w.kept = append(w.kept, store)
	_, err := w.callIn(store, function, input)
	return err
}

func (w *wasmtimeRunner) close() {
	for _, store := range w.kept {
		store.Close()
	}
	w.module.Close()
	w.linker.Close()
	w.engine.Close()
}
