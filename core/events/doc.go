// Package events runs what is due: it claims deliveries (jobs, and events on
// their way to a listener), in turn among workspaces, hands them to the
// dispatcher, and decides what becomes of the ones that fail.
//
// It imports core, and declares the Store it needs. It must never import a
// store, the dispatcher or an engine.
//
// Start with claimer.go.
package events
