// Package abi is the contract between a guest (a plugin's module) and the
// host: the numbers of the operations a guest may ask for, the JSON each
// operation takes and answers, the envelope of an invocation, and the manifest
// a release declares.
//
// Both sides import it, the host natively and Go guests compiled to
// WebAssembly, so it imports nothing but encoding/json and must stay that
// light. Guests in other languages read docs/abi.md, which describes the same
// bytes.
//
// Start with op.go (what a guest can ask), then invocation.go (what a guest is
// asked), then manifest.go (what a release declares).
package abi

// Version is the number a guest's carrel_abi export must return. A host
// refuses a module with another one when it is published, never in a request.
const Version = 1
