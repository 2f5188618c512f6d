package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/report"
)

func (o *options) print(out io.Writer, all []result) error {
	for i, r := range all {
		if o.json {
			if err := report.WriteJSON(out, r.rows()); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := r.print(out); err != nil {
			return err
		}
	}
	return nil
}

// print writes a line for each kind of work, and the bars.
func (r *result) print(out io.Writer) error {
	fmt.Fprintf(out, "On %s:\n", r.store)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "work\talone, p50\tbeside\talone, p99\tbeside\t\n")
	for _, work := range append(client.Works, client.Work{Name: every}) {
		alone50, alone99 := r.times(false, work.Name)
		beside50, beside99 := r.times(true, work.Name)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", work.Name, short(alone50), short(beside50), short(alone99), short(beside99))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return report.Print(out, r.figures())
}

// every is what the table calls all kinds of work together.
const every = "all"

// times are the medians of the rounds' quantiles of a kind of work, in µs.
func (r *result) times(beside bool, work string) (p50, p99 float64) {
	of := func(q float64) float64 {
		return r.over(func(one round) float64 {
			taken := one.alone
			if beside {
				taken = one.beside
			}
			times := taken.all()
			if work != every {
				times = slices.Sorted(slices.Values(taken[work]))
			}
			return quantile(times, q)
		})
	}
	return of(0.50), of(0.99)
}

// over is the median of the rounds.
func (r *result) over(of func(round) float64) float64 {
	values := make([]float64, len(r.rounds))
	for i, one := range r.rounds {
		values[i] = of(one)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (r *result) figures() []report.Figure {
	a50, a99 := r.times(false, every)
	b50, b99 := r.times(true, every)
	first := func(beside int) float64 {
		return r.over(func(one round) float64 { return quantile(one.first[beside].all(), 0.99) }) / 1e3
	}
	each := func(of func(flooded) int64) float64 {
		return r.over(func(one round) float64 { return float64(of(one.flood)) / one.flood.Seconds })
	}
	return []report.Figure{
		{Name: "requests a second it gets at most, alone", Value: r.over(func(one round) float64 { return one.maximum }), Unit: "/s"},
		{Name: "that it makes", Value: share * r.over(func(one round) float64 { return one.maximum }), Unit: "/s"},
		{Name: "beside it, of the noisy one: answered", Value: each(func(f flooded) int64 { return f.Answered }), Unit: "/s"},
		{Name: "refused", Value: each(func(f flooded) int64 { return f.Refused }), Unit: "/s"},
		{Name: "events emitted", Value: each(func(f flooded) int64 { return f.Events }), Unit: "/s"},
		{Name: "p99 in its first second, alone", Value: first(0), Unit: "ms"},
		{Name: "p99 in its first second, beside it", Value: first(1), Unit: "ms"},
		{Name: "p50 beside over alone", Value: b50 / a50, Unit: "times"},
		{Name: "p99 beside over alone", Value: b99 / a99, Unit: "times", Most: 2},
		r.neighbours.Figure(),
	}
}

// rows are the same for programs.
func (r *result) rows() (rows []report.Row) {
	for _, work := range append(client.Works, client.Work{Name: every}) {
		for _, beside := range []bool{false, true} {
			row := report.Row{Work: work.Name + "-alone", Store: r.store, Impl: "carrel"}
			if beside {
				row.Work = work.Name + "-beside-flood"
			}
			row.P50US, row.P99US = r.times(beside, work.Name)
			rows = append(rows, row)
		}
	}
	return rows
}

// quantile is one of sorted times, in µs.
func quantile(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))].Nanoseconds()) / 1e3
}

// short writes a time with three digits.
func short(us float64) string {
	if us < 1000 {
		return report.Digits(us) + " µs"
	}
	return report.Digits(us/1e3) + " ms"
}
