// Package problem is how Carrel says no over HTTP: RFC 9457 problem documents,
// and the only table from a core.Kind to a status. It imports core and Fiber,
// nothing else of Carrel's.
//
// Two rules make a foreign object look exactly like a missing one: the detail
// of kind not_found is a constant, whatever the service said, and the request
// id has a fixed length. Start with kind.go.
package problem
