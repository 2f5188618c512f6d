package main

import "context"

// way is one way to run a guest: an implementation and how it gets a memory for
// each call.
type way struct {
	impl string
	open func(ctx context.Context, g *guest, cache string) (runner, error)
	// resident is how many idle instances its memory is measured with; 0 if it
	// has none between calls.
	resident int
}

// runner is a way opened for one guest: compiled, and with its one instance if
// it reuses one.
type runner interface {
	// call makes one call the way this runner does. The answer may be the
	// runner's own until the next call.
	call(function string, input []byte) ([]byte, error)
	// keep starts one more instance, has it answer one call, and keeps it idle.
	keep(function string, input []byte) error
	close()
}

var ways = []way{
	{impl: "carrel-pristine", open: openCarrel(pristine), resident: 1000},
	{impl: "carrel-reused", open: openCarrel(reused), resident: 1000},
	{impl: "carrel-new", open: openCarrel(renewed)},
	{impl: "carrel-unmetered", open: openCarrel(unmetered), resident: 1000},
	{impl: "extism-fresh", open: openExtism(true), resident: 50},
	{impl: "extism-reused", open: openExtism(false), resident: 50},
	{impl: "wasmtime-fresh", open: openWasmtime(false), resident: 50},
	{impl: "wasmtime-preinit", open: openWasmtime(true), resident: 50},
	{impl: "wazero-fresh", open: openWazero(wazeroFresh), resident: 50},
	{impl: "wazero-reused", open: openWazero(wazeroReused), resident: 50},
	{impl: "wazero-ctx", open: openWazero(wazeroCtx), resident: 50},
}
