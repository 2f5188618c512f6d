// Package dispatch turns a request, a due delivery or a step in an
// installation's life into an authorised invocation of a handler, and commits
// what the handler did as one unit of work.
//
// It imports core and core/abi, and declares what it needs of the others:
// Views, Units, Runner, Records. It must never import a store, an engine or
// HTTP, and never holds a database connection while a guest computes.
//
// Start with dispatcher.go (the seams), then execute.go (the one loop every
// trigger goes through), then request.go.
package dispatch
