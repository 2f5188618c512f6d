package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

const (
	// startWithin is how long a start of the full system may take, in seconds.
	startWithin = 10
	// moreMemory is what the full system may take of the empty one's memory, and
	// moreMB besides: what a database's caches hold once there is enough to fill them.
	moreMemory = 1.2
	moreMB     = 96
	// slower is what a call's p99 may be of the empty system's, and slowerUS what it
	// may be more, whichever is more.
	slower   = 1.3
	slowerUS = 1000
)

func (r *result) figures() []report.Figure {
	p99 := median(r.empty.p99)
	return []report.Figure{
		{Name: fmt.Sprintf("filling in %d workspaces", r.workspaces+asked), Value: r.filled.Seconds(), Unit: "s"},
		{Name: "start until ready, empty", Value: median(r.empty.starts).Seconds(), Unit: "s"},
		{Name: "full", Value: median(r.full.starts).Seconds(), Unit: "s", Most: startWithin},
		{Name: "processor time of that, empty", Value: median(r.empty.startCPU), Unit: "s"},
		{Name: "full", Value: median(r.full.startCPU), Unit: "s"},
		{Name: "memory after the start, empty", Value: r.empty.afterStart, Unit: "MB"},
		{Name: "full", Value: r.full.afterStart, Unit: "MB", Most: round(r.empty.afterStart*moreMemory + moreMB)},
		{Name: fmt.Sprintf("memory after calls of %d workspaces, empty", asked), Value: r.empty.afterAll, Unit: "MB"},
		{Name: "full", Value: r.full.afterAll, Unit: "MB", Most: round(r.empty.afterAll*moreMemory + moreMB)},
		{Name: "call, p50, empty", Value: median(r.empty.p50) / 1e3, Unit: "ms"},
		{Name: "full", Value: median(r.full.p50) / 1e3, Unit: "ms"},
		{Name: "call, p99, empty", Value: p99 / 1e3, Unit: "ms"},
		{Name: "full", Value: median(r.full.p99) / 1e3, Unit: "ms", Most: round(max(p99*slower, p99+slowerUS) / 1e3)},
		r.neighbours.Figure(),
	}
}

// rows are the same for programs.
func (r *result) rows() []report.Row {
	return []report.Row{
		{Work: "call-empty", Store: r.store, Impl: "carrel", P50US: median(r.empty.p50), P99US: median(r.empty.p99)},
		{Work: "call-full", Store: r.store, Impl: "carrel", P50US: median(r.full.p50), P99US: median(r.full.p99)},
		{Work: "start-empty", Store: r.store, Impl: "carrel", P50US: micros(median(r.empty.starts))},
		{Work: "start-full", Store: r.store, Impl: "carrel", P50US: micros(median(r.full.starts))},
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// round writes a bar with as many digits as it deserves.
func round(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
