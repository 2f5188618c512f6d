// Package runtime is the engine. It ingests a module once per digest, in a child
// process: checks it, weaves fuel and a stack budget into it, compiles it,
// starts it, and takes the image of its memory. Then it runs calls of it, each
// from that image, within limits of fuel, time, memory and bytes. It owns the
// three sets of functions a guest may import: carrel:host/v1, Extism's kernel
// and a WASI preview 1 that opens nothing. What a guest asks of the platform
// leaves through one method, [Host].Call; this package knows nothing of
// workspaces, grants or storage.
//
// It imports core, core/abi, runtime/wasm, wazero and golang.org/x, and must
// never import a sibling (hostfuncs, store, registry, web). It shadows the
// standard library's package of the same name: import that one as goruntime.
//
// Start with load.go (a module on its way in: worker.go and ingest.go make an
// artifact of it, cache.go keeps it) and run.go (one call: pool.go hands out an
// instance, fuel.go counts, linear.go puts its memory back). host.go, extism.go
// and wasi.go are the guest's three doors; docs/abi.md describes the first of
// them for authors, docs/fuel.md the limits. The binary format is read and
// rewritten in runtime/wasm.
package runtime
