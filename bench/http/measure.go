package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/bench/report"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// rest is how long nothing is asked before a cell, so that what one contender
// leaves for later, such as its log, is not done in the next one's time. Meanwhile
// it is seen whether the machine does anything else.
const rest = 300 * time.Millisecond

// result is all that was measured.
type result struct {
	rows       []row
	neighbours machine.Processors // while nothing was asked
}

// row is what a contender did of a kind of work: the medians of all rounds.
type row struct {
	report.Row
	ServerUS   float64 `json:"server_us"`   // processor time of its process, a request
	DatabaseUS float64 `json:"database_us"` // the same of Postgres
	ClientUS   float64 `json:"client_us"`   // and of this one
}

// effort is how long everything is measured.
type effort struct {
	connections int
	rounds      int
	cell        time.Duration // of one contender doing one kind of work in one round
	warm        time.Duration // the same before the first round
}

// cell is what was measured of one contender doing one kind of work in one round.
type cell struct {
	asked int
	took  time.Duration
	times []time.Duration // sorted

	server, database, client float64 // processor time, seconds
}

// measure has contenders that were prepared take turns at every kind of work. The
// order changes from round to round, so that nobody always follows the same one.
func (e effort) measure(ctx context.Context, who []entry, what []client.Work, say func(string)) (result, error) {
	cells := map[string][]cell{}
	var neighbours machine.Processors
	n := new(atomic.Int64)
	n.Store(client.Seeded)
	for round := range e.rounds + 1 {
		lasts, doing := e.cell, fmt.Sprintf("round %d of %d", round, e.rounds)
		if round == 0 {
			lasts, doing = e.warm, "warming"
		}
		for _, w := range what {
			for i := range who {
				one := who[(i+round)%len(who)]
				say(fmt.Sprintf("%s: %s, %s", doing, w.Name, one))
				neighbours.Watch(rest)
				taken, err := e.take(ctx, one, w, n, lasts)
				if err != nil {
					return result{}, fmt.Errorf("%s: %w", one, err)
				}
				if round > 0 {
					cells[w.Name+one.String()] = append(cells[w.Name+one.String()], taken)
				}
			}
		}
	}
	measured := result{neighbours: neighbours}
	for _, w := range what {
		for _, one := range who {
			measured.rows = append(measured.rows, summary(w, one, cells[w.Name+one.String()]))
		}
	}
	return measured, nil
}

// take measures one cell: every connection asks as soon as it was answered.
func (e effort) take(ctx context.Context, who entry, w client.Work, n *atomic.Int64, lasts time.Duration) (cell, error) {
	connections := make([]*client.Connection, e.connections)
	for i := range connections {
		c, err := client.Dial(who.Host())
		if err != nil {
			return cell{}, err
		}
		defer c.Close()
		connections[i] = c
	}
	a := who.ask(w)
	times, failed := make([][]time.Duration, e.connections), make([]error, e.connections)
	var done sync.WaitGroup
	server, database, used, began := who.CPU(), who.database.CPU(), machine.Used(), time.Now()
	for i, c := range connections {
		done.Go(func() {
			last := began
			for last.Sub(began) < lasts && ctx.Err() == nil {
				if failed[i] = c.Do(w, a, int(n.Add(1))); failed[i] != nil {
					return
				}
				now := time.Now()
				times[i], last = append(times[i], now.Sub(last)), now
			}
		})
	}
	done.Wait()
	taken := cell{took: time.Since(began), times: slices.Concat(times...)}
	taken.client, taken.server, taken.database = machine.Used()-used, who.CPU()-server, who.database.CPU()-database
	for _, err := range append(failed, ctx.Err()) {
		if err != nil {
			return cell{}, err
		}
	}
	slices.Sort(taken.times)
	taken.asked = len(taken.times)
	return taken, nil
}

func summary(w client.Work, who entry, cells []cell) row {
	over := func(of func(cell) float64) float64 {
		values := make([]float64, len(cells))
		for i, c := range cells {
			values[i] = of(c)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	quantile := func(q float64) float64 {
		return over(func(c cell) float64 { return float64(c.times[int(q*float64(c.asked-1))].Nanoseconds()) / 1e3 })
	}
	each := func(seconds func(cell) float64) float64 {
		return over(func(c cell) float64 { return seconds(c) / float64(c.asked) * 1e6 })
	}
	return row{
		Row: report.Row{
			Work: w.Name, Store: who.store, Impl: who.impl, P50US: quantile(0.50), P99US: quantile(0.99),
			RPS: over(func(c cell) float64 { return float64(c.asked) / c.took.Seconds() }),
		},
		ServerUS:   each(func(c cell) float64 { return c.server }),
		DatabaseUS: each(func(c cell) float64 { return c.database }),
		ClientUS:   each(func(c cell) float64 { return c.client }),
	}
}

// prepareAll starts the contenders, each in a folder of its own, and returns those
// there are: without Postgres on the machine, only the others.
func prepareAll(ctx context.Context, who []entry, dir string, say func(string)) (there []entry, err error) {
	for i, one := range who {
		say("preparing " + one.String())
		own := filepath.Join(dir, fmt.Sprint("contender", i))
		err := os.Mkdir(own, 0o700)
		if err == nil {
			err = one.prepare(ctx, own)
		}
		if errors.Is(err, pgtest.ErrMissing) {
			say("")
			fmt.Fprintf(os.Stderr, "Left out, %s: %s.\n", one, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		there = append(there, one)
	}
	return there, nil
}
