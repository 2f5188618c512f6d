// Package spectest holds weaving and detaching to the meaning of WebAssembly.
// Its tests run the core specification suite, which comes with wazero's own
// module, up to three times on each of wazero's engines: as the modules are,
// checked and woven by runtime/wasm, and detached as well where passive data is
// known. Every command must meet the specification and end the same way each
// time, value by value and trap by trap.
//
// It has tests only, of runtime/wasm and wazero's public API; it must never
// import runtime, which has a contract of its own on top.
//
// Start with suite_test.go. form_test.go has the forms of a module, script_test.go
// reads the suite's format, and testdata/skips.txt lists what is not asked for,
// with the reason.
package spectest
