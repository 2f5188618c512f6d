package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

// printTable prints one table: a line for each way, a group for each guest.
func printTable(out io.Writer, rows []row) error {
	var callNames []string
	for _, r := range rows {
		if !slices.Contains(callNames, r.Call) {
			callNames = append(callNames, r.Call)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "guest\tway\t")
	for _, name := range callNames {
		fmt.Fprintf(w, "%s\tp99\t", name)
	}
	fmt.Fprint(w, "KB idle\t\n")
	for i, first := range rows {
		if slices.ContainsFunc(rows[:i], func(r row) bool { return r.Guest == first.Guest && r.Impl == first.Impl }) {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t", first.Guest, first.Impl)
		for _, name := range callNames {
			at := slices.IndexFunc(rows, func(r row) bool {
				return r.Guest == first.Guest && r.Impl == first.Impl && r.Call == name
			})
			if at < 0 {
				fmt.Fprint(w, "–\t–\t")
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t", short(rows[at].MedianNS), short(rows[at].P99NS))
		}
		fmt.Fprintf(w, "%.0f\t\n", first.PrivateKB)
	}
	return w.Flush()
}

// short writes a time with three digits.
func short(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return report.Digits(d.Seconds()*1e6) + " µs"
	case d < time.Second:
		return report.Digits(d.Seconds()*1e3) + " ms"
	}
	return report.Digits(d.Seconds()) + " s"
}
