// Package machine is what benchmarks run beside themselves: programs they build,
// servers as processes, a Postgres of their own, and what else the machine does
// meanwhile. It must not know what is measured.
package machine
