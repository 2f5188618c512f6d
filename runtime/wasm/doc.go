// Package wasm reads, checks and rewrites modules in the WebAssembly binary
// format before a compiler sees them.
//
// Check reads all of a module and refuses what is out of bounds; Weave puts a
// fuel counter and a stack budget into it; Detach takes out what happens when
// it is instantiated, so that its instances can begin from an image; Shell
// leaves its code out, once that is compiled. Parse and WithCustom look at a
// module's structure only.
//
// It is written for hostile input: every count is held against the bytes that
// are left, every limit is checked before anything of that size is made, and
// what the compiler might read differently is refused.
//
// It imports nothing but the standard library. Start with check.go (the sections,
// which section.go finds; body.go and control.go read the code), then weave.go
// (edit.go lists what it changes) and detach.go.
package wasm
