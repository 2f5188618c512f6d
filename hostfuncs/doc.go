// Package hostfuncs is the only door between a guest and the platform. Each
// operation takes bytes and answers bytes; which workspace, installation and
// actor it acts for is part of the Binding the host made, never of the request.
//
// It imports core, core/abi and the guard of outbound addresses. It must never
// import store (it declares the Unit it needs), an engine, or web.
//
// Start with host.go (the choke point every call passes), then operation.go
// (the table of operations). Each capability has a file of its own.
package hostfuncs
