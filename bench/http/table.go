package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/report"
)

// printTable prints a line for each row, and the bars.
func printTable(out io.Writer, measured result) error {
	rows := measured.rows
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "work\tstore\twho\trequests/s\tp50\tp99\tserver's CPU\tPostgres's\tclient's\t\n")
	for _, r := range rows {
		database := "–"
		if r.Store == "postgres" {
			database = short(r.DatabaseUS)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n", r.Work, r.Store, r.Impl, r.RPS,
			short(r.P50US), short(r.P99US), short(r.ServerUS), database, short(r.ClientUS))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return report.Print(out, append(ratios(rows), measured.neighbours.Figure()))
}

// short writes a time with three digits.
func short(us float64) string {
	if us < 1000 {
		return report.Digits(us) + " µs"
	}
	return report.Digits(us/1e3) + " ms"
}

// ratios are what the rows say about the bars, as far as the rows are there.
func ratios(rows []row) []report.Figure {
	var figures []report.Figure
	rps := func(work, store, impl string) float64 {
		at := slices.IndexFunc(rows, func(r row) bool { return r.Work == work && r.Store == store && r.Impl == impl })
		if at < 0 {
			return 0
		}
		return rows[at].RPS
	}
	ratio := func(name, work, store, peer string, least float64) {
		own, other := rps(work, store, "carrel"), rps(work, store, peer)
		if own > 0 && other > 0 {
			figures = append(figures, report.Figure{Name: name, Value: own / other, Unit: "times", Least: least})
		}
	}
	ratio("hook: Carrel over PocketBase's JavaScript hook", "hook", "sqlite", "pocketbase", 1)
	ratio("insert: Carrel over PocketBase's hook, equally durable", "insert", "sqlite", "pocketbase-full", 2)
	ratio("insert: Carrel over PocketBase's hook as it comes, less durable", "insert", "sqlite", "pocketbase", 0)
	ratio("list of 20: Carrel over PocketBase's own", "list20", "sqlite", "pocketbase", 1.5)
	for _, w := range client.Works {
		ratio(w.Name+": Carrel over the limit", w.Name, "sqlite", "fiber", 0)
	}
	ratio("insert on Postgres: Carrel over the limit", "insert", "postgres", "fiber", 0.5)
	ratio("list20 on Postgres: Carrel over the limit", "list20", "postgres", "fiber", 0)
	return figures
}
