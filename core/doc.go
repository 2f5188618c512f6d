// Package core is Carrel's vocabulary: typed ids, entities, state machines, the
// manifest's rules and the one error type. It does no I/O and knows no driver,
// no HTTP and no engine; everything else imports it, so it imports only
// core/abi and google/uuid.
//
// Start with id.go and error.go, then workspace.go, installation.go and
// document.go. The services over this vocabulary are in the folders below:
// core/account, core/workspace, core/billing, core/events, core/dispatch.
package core
