// Package redistest runs a Redis for a test: a server of its own, on a socket in a
// temporary folder, that can be stopped, suspended and emptied. It must never know
// what Carrel keeps there, nor meet a server that was there before.
//
// Start with Start.
package redistest
