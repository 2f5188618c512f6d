package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// row is one line of the result: a call of a guest, made one way.
type row struct {
	Guest     string  `json:"guest"`
	Call      string  `json:"call"`
	Impl      string  `json:"impl"`
	MedianNS  int64   `json:"median_ns"`
	P99NS     int64   `json:"p99_ns"`
	PrivateKB float64 `json:"private_kb"` // of an idle instance; 0 if there is none between calls
}

// effort says how long to measure.
type effort struct {
	rounds int
	cell   time.Duration // for one call, made one way, in one round
	seed   uint64
}

// warmCalls is how often each call is made before the first round.
const warmCalls = 3

// cell is one call, made one way, with the times it took.
type cell struct {
	way    string
	runner runner
	times  []time.Duration
}

// measure runs every call of a guest in every way. The ways take turns, in an
// order that changes with each round, so that whatever else the machine does
// falls on all of them alike. Every answer is compared, outside of the time.
func measure(ctx context.Context, g *guest, ways []way, calls func(seed uint64) []call, cache string, e effort, say func(string)) ([]row, error) {
	random := rand.New(rand.NewPCG(e.seed, 1))
	all := calls(e.seed)
	table := make([][]cell, len(all))
	for _, w := range ways {
		say("preparing " + w.impl)
		r, err := w.open(ctx, g, cache)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.impl, err)
		}
		defer r.close()
		for i, c := range calls(e.seed + 1) { // other inputs than those measured
			cell := cell{way: w.impl, runner: r}
			if err := cell.run(c, 0, warmCalls, random); err != nil {
				return nil, err
			}
			cell.times = nil
			table[i] = append(table[i], cell)
		}
	}
	for round := range e.rounds {
		say(fmt.Sprintf("round %d of %d", round+1, e.rounds))
		for i, c := range all {
			for _, at := range random.Perm(len(table[i])) {
				runtime.GC() // a cell pays for its own garbage only
				if err := table[i][at].run(c, e.cell, 1, random); err != nil {
					return nil, err
				}
			}
		}
	}
	var rows []row
	for i, c := range all {
		for _, cell := range table[i] {
			slices.Sort(cell.times)
			rows = append(rows, row{
				Guest: g.name, Call: c.name, Impl: cell.way,
				MedianNS: quantile(cell.times, 0.5).Nanoseconds(), P99NS: quantile(cell.times, 0.99).Nanoseconds(),
			})
		}
	}
	return rows, nil
}

// run makes calls for a time, but at least a number of them.
func (cell *cell) run(c call, budget time.Duration, least int, random *rand.Rand) error {
	at := random.IntN(len(c.cases))
	for used, n := time.Duration(0), 0; used < budget || n < least; n++ {
		x := c.cases[(at+n)%len(c.cases)]
		begun := time.Now()
		answer, err := cell.runner.call(c.function, x.input)
		took := time.Since(begun)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", cell.way, c.name, err)
		}
		if !bytes.Equal(answer, x.want) {
			return fmt.Errorf("%s, %s: answered %.60q, which is wrong", cell.way, c.name, answer)
		}
		cell.times = append(cell.times, took)
		used += took
	}
	return nil
}

// quantile returns the time that a share q of the sorted times don't exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
