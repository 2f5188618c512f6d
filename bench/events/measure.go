package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/bench/report"
	"github.com/carrel-dev/carrel/core"
)

// rest is how long nothing is done before each measurement, to see whether the
// machine does anything else.
const rest = 2 * time.Second

// warmRings is how many events a workspace hears before it is measured.
const warmRings = 50

// result is what was measured: figures for people, the same as rows for programs.
type result struct {
	figures []report.Figure
	rows    []report.Row
}

// measure takes what is wanted.
func (o *options) measure(ctx context.Context, h *house) (all result, err error) {
	var neighbours machine.Processors
	for _, part := range []struct {
		name string
		take func(context.Context, *house) (result, error)
	}{{"latency", o.latency}, {"rate", o.rate}, {"storm", o.unfairness}} {
		if o.only != "" && o.only != part.name {
			continue
		}
		neighbours.Watch(rest)
		taken, err := part.take(ctx, h)
		if err != nil {
			return all, fmt.Errorf("%s: %w", part.name, err)
		}
		all.figures, all.rows = append(all.figures, taken.figures...), append(all.rows, taken.rows...)
	}
	if len(all.figures) == 0 {
		return all, fmt.Errorf("there is no %q: it is latency, rate or storm", o.only)
	}
	all.figures = append(all.figures, neighbours.Figure())
	return all, nil
}

// row is a row of the house, without numbers.
func (h *house) row(work string) report.Row {
	return report.Row{Work: work, Store: h.store, Impl: "carrel"}
}

// times is a row of times from a call that emits an event to its effect.
func (h *house) times(work string, effects []time.Duration) report.Row {
	r := h.row(work)
	r.P50US, r.P99US = millis(effects, 0.50)*1000, millis(effects, 0.99)*1000
	return r
}

// latency is how long after a call that emits an event its listener has had its
// effect, on an idle server.
func (o *options) latency(ctx context.Context, h *house) (result, error) {
	w, _, err := h.workspace(ctx)
	if err != nil {
		return result{}, err
	}
	defer h.run()()
	calls, effects, err := h.rings(ctx, w, o.samples)
	if err != nil {
		return result{}, err
	}
	return result{rows: []report.Row{h.times("emit-to-effect", effects)}, figures: []report.Figure{
		{Name: "from the call that emits to the listener's commit, p50", Value: millis(effects, 0.50), Unit: "ms", Most: 10},
		{Name: "from the call that emits to the listener's commit, p99", Value: millis(effects, 0.99), Unit: "ms"},
		{Name: "of that until the call was answered, p50", Value: millis(calls, 0.50), Unit: "ms"},
	}}, nil
}

// rings makes calls that emit an event, each after the effect of the one before,
// and takes the times from the beginning of each to its answer, and to the effect.
func (h *house) rings(ctx context.Context, w core.Workspace, n int) (answered, effects []time.Duration, err error) {
	heard := make(chan time.Time, 1)
	h.effect(func(ws core.WorkspaceID) {
		if ws == w.ID {
			heard <- time.Now()
		}
	})
	for i := range warmRings + n {
		began := time.Now()
		if err := h.ring(ctx, w, i); err != nil {
			return nil, nil, err
		}
		answer := time.Since(began)
		select {
		case at := <-heard:
			if i >= warmRings {
				answered, effects = append(answered, answer), append(effects, at.Sub(began))
			}
		case <-time.After(time.Minute):
			return nil, nil, fmt.Errorf("ring %d was not heard within a minute", i)
		}
	}
	return answered, effects, nil
}

// rate is how many waiting events a second have their effect when they are spread
// over many workspaces.
func (o *options) rate(ctx context.Context, h *house) (result, error) {
	if o.cpu != "" {
		file, err := os.Create(o.cpu)
		if err != nil {
			return result{}, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return result{}, err
		}
		defer pprof.StopCPUProfile()
	}
	rounds := make([]drained, o.rounds)
	for i := range rounds {
		var err error
		if rounds[i], err = o.drain(ctx, h); err != nil {
			return result{}, err
		}
	}
	over := func(of func(drained) float64) float64 { return median(rounds, of) }
	delivered := h.row("deliver")
	delivered.RPS = over(func(d drained) float64 { return d.rate })
	figures := []report.Figure{
		{Name: fmt.Sprintf("deliveries a second, %d events in each of %d workspaces", o.each, o.spread), Value: delivered.RPS, Unit: "/s", Least: 2000},
		{Name: "writes that share a transaction, on average", Value: over(func(d drained) float64 { return d.shared }), Unit: ""},
		{Name: "processor time a delivery takes", Value: over(func(d drained) float64 { return d.own }), Unit: "µs"},
	}
	if h.pg != nil {
		figures = append(figures, report.Figure{Name: "of Postgres's processes", Value: over(func(d drained) float64 { return d.postgres }), Unit: "µs"})
	}
	return result{rows: []report.Row{delivered}, figures: figures}, nil
}

// drained is what it took to deliver a backlog.
type drained struct {
	rate          float64 // deliveries a second
	shared        float64 // writes in a transaction
	own, postgres float64 // processor time a delivery, microseconds
}

// drain makes a backlog, and has it delivered.
func (o *options) drain(ctx context.Context, h *house) (d drained, err error) {
	for range o.spread {
		w, in, err := h.workspace(ctx)
		if err != nil {
			return d, err
		}
		if err := h.backlog(ctx, w, in, o.each); err != nil {
			return d, err
		}
	}
	all := int64(o.spread * o.each)
	var n atomic.Int64
	done := make(chan struct{})
	h.effect(func(core.WorkspaceID) {
		if n.Add(1) == all {
			close(done)
		}
	})
	began, own, postgres := time.Now(), machine.Used(), h.pg.CPU()
	groups, writes := h.db.Groups()
	defer h.run()()
	select {
	case <-done:
	case <-ctx.Done():
		return d, ctx.Err()
	}
	each := func(seconds float64) float64 { return seconds / float64(all) * 1e6 }
	d.rate = float64(all) / time.Since(began).Seconds()
	groupsThen, writesThen := h.db.Groups()
	d.shared = float64(writesThen-writes) / float64(groupsThen-groups)
	d.own, d.postgres = each(machine.Used()-own), each(h.pg.CPU()-postgres)
	return d, nil
}

// median is that of a number of each of some rounds.
func median[T any](rounds []T, of func(T) float64) float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// unfairness is what a workspace notices of another's storm: how much later its
// effects come than alone.
func (o *options) unfairness(ctx context.Context, h *house) (result, error) {
	victim, _, err := h.workspace(ctx)
	if err != nil {
		return result{}, err
	}
	stop := h.run()
	_, alone, err := h.rings(ctx, victim, o.samples)
	stop()
	if err != nil {
		return result{}, err
	}
	w, in, err := h.workspace(ctx)
	if err != nil {
		return result{}, err
	}
	if err := h.backlog(ctx, w, in, o.storm); err != nil {
		return result{}, err
	}
	defer h.run()()
	_, beside, err := h.rings(ctx, victim, o.samples)
	if err != nil {
		return result{}, err
	}
	left, err := h.waiting(ctx, w)
	if err != nil {
		return result{}, err
	}
	if left == 0 {
		return result{}, fmt.Errorf("the storm of %d events was over before the other workspace was measured: give --storm more", o.storm)
	}
	figures := []report.Figure{}
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		one, other := millis(alone, q.at), millis(beside, q.at)
		figures = append(figures,
			report.Figure{Name: fmt.Sprintf("beside a storm of %d events, %s", o.storm, q.name), Value: other, Unit: "ms"},
			report.Figure{Name: "over alone, " + q.name, Value: other / one, Unit: "times", Most: 2},
		)
	}
	return result{figures, []report.Row{h.times("emit-to-effect-beside-storm", beside)}}, nil
}

// waiting is whether a workspace has deliveries that are not over.
func (h *house) waiting(ctx context.Context, w core.Workspace) (int, error) {
	list, err := h.past.Deliveries(ctx, w.ID, core.DeliveryPending, "", 1)
	return len(list), err
}

// millis is a quantile of times.
func millis(times []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}
