package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
	"github.com/carrel-dev/carrel/core"
)

// warmRings is how many events a workspace hears before it is measured.
const warmRings = 50

// measure takes the figures that are wanted.
func (o *options) measure(ctx context.Context, h *house) (figures []report.Figure, err error) {
	for _, part := range []struct {
		name string
		take func(context.Context, *house) ([]report.Figure, error)
	}{{"latency", o.latency}, {"rate", o.rate}, {"storm", o.unfairness}} {
		if o.only != "" && o.only != part.name {
			continue
		}
		taken, err := part.take(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		figures = append(figures, taken...)
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("there is no %q: it is latency, rate or storm", o.only)
	}
	return figures, nil
}

// latency is how long after a call that emits an event its listener has had its
// effect, on an idle server.
func (o *options) latency(ctx context.Context, h *house) ([]report.Figure, error) {
	w, _, err := h.workspace(ctx)
	if err != nil {
		return nil, err
	}
	defer h.run()()
	calls, effects, err := h.rings(ctx, w, o.samples)
	if err != nil {
		return nil, err
	}
	return []report.Figure{
		{Name: "from the call that emits to the listener's commit, p50", Value: millis(effects, 0.50), Unit: "ms", Most: 10},
		{Name: "from the call that emits to the listener's commit, p99", Value: millis(effects, 0.99), Unit: "ms"},
		{Name: "of that until the call was answered, p50", Value: millis(calls, 0.50), Unit: "ms"},
	}, nil
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
func (o *options) rate(ctx context.Context, h *house) ([]report.Figure, error) {
	for range o.spread {
		w, in, err := h.workspace(ctx)
		if err != nil {
			return nil, err
		}
		if err := h.backlog(ctx, w, in, o.each); err != nil {
			return nil, err
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
	if o.cpu != "" {
		file, err := os.Create(o.cpu)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	began := time.Now()
	groups, writes := h.db.Groups()
	defer h.run()()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	took := time.Since(began)
	groupsThen, writesThen := h.db.Groups()
	return []report.Figure{
		{Name: fmt.Sprintf("deliveries a second, %d events in each of %d workspaces", o.each, o.spread), Value: float64(all) / took.Seconds(), Unit: "/s", Least: 2000},
		{Name: "writes that share a transaction, on average", Value: float64(writesThen-writes) / float64(groupsThen-groups), Unit: ""},
	}, nil
}

// unfairness is what a workspace notices of another's storm: how much later its
// effects come than alone.
func (o *options) unfairness(ctx context.Context, h *house) ([]report.Figure, error) {
	victim, _, err := h.workspace(ctx)
	if err != nil {
		return nil, err
	}
	stop := h.run()
	_, alone, err := h.rings(ctx, victim, o.samples)
	stop()
	if err != nil {
		return nil, err
	}
	w, in, err := h.workspace(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.backlog(ctx, w, in, o.storm); err != nil {
		return nil, err
	}
	defer h.run()()
	_, beside, err := h.rings(ctx, victim, o.samples)
	if err != nil {
		return nil, err
	}
	left, err := h.waiting(ctx, w)
	if err != nil {
		return nil, err
	}
	if left == 0 {
		return nil, fmt.Errorf("the storm of %d events was over before the other workspace was measured: give --storm more", o.storm)
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
	return figures, nil
}

// waiting is whether a workspace has deliveries that are not over.
func (h *house) waiting(ctx context.Context, w core.Workspace) (int, error) {
	list, err := h.db.History().Deliveries(ctx, w.ID, core.DeliveryPending, "", 1)
	return len(list), err
}

// millis is a quantile of times.
func millis(times []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}
