// Package runtime is the engine: it checks and compiles a module once per
// digest and runs one call of it inside limits of memory, time and bytes, from
// a memory nobody has used before. It owns the three sets of functions a guest
// may import: carrel:host/v1, Extism's kernel and a WASI preview 1 that opens
// nothing. What a guest asks of the platform leaves through one method,
// [Host].Call; this package knows nothing of workspaces, grants or storage.
//
// It imports core, core/abi and wazero, and must never import a sibling
// (hostfuncs, store, registry, web). It shadows the standard library's package
// of the same name: import that one as goruntime.
//
// Start with engine.go (loading) and run.go (one call). host.go, extism.go and
// wasi.go are the guest's three doors; docs/abi.md describes the first of them
// for authors. The binary format is read in runtime/wasm.
package runtime
