// Package wasm reads the parts of the WebAssembly binary format that are looked
// at before a compiler sees a module: types, imports, limits, exports, custom
// sections, and how many locals each function declares. It is written for
// hostile input: every count is held against the bytes that are left, every
// limit is checked before anything of that size is made.
//
// It imports nothing but the standard library. Start with module.go.
package wasm
