// Package carrel runs Carrel's own binary for benchmarks, as an operator would. It
// must not know what is measured. Start with Server.
package carrel
