// Package report prints what the benchmarks measure: figures with the bars they
// have to clear, and the machine they were measured on.
package report
