package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

type figure = report.Figure

// ratios are what the rows say about the promises in docs/benchmarks.md, as far
// as the rows are there.
func ratios(rows []row) []figure {
	var figures []figure
	find := func(call, impl string) (row, bool) {
		at := slices.IndexFunc(rows, func(r row) bool { return r.Guest == "go" && r.Call == call && r.Impl == impl })
		if at < 0 {
			return row{}, false
		}
		return rows[at], true
	}
	// ratio adds how many times longer one way takes than another.
	ratio := func(name, call, slow, fast string, least, most float64) {
		s, ok := find(call, slow)
		f, ok2 := find(call, fast)
		if ok && ok2 && f.MedianNS > 0 {
			figures = append(figures, figure{Name: name, Value: float64(s.MedianNS) / float64(f.MedianNS), Unit: "times", Least: least, Most: most})
		}
	}
	ratio("JSON call: Extism fresh over Carrel", "json", "extism-fresh", "carrel-pristine", 90, 0)
	ratio("JSON call: Extism reused over Carrel", "json", "extism-reused", "carrel-pristine", 1.25, 0)
	ratio("JSON call: Carrel over Carrel without reset", "json", "carrel-pristine", "carrel-reused", 0, 1.8)
	ratio("JSON call: Carrel without reset over wazero reused", "json", "carrel-reused", "wazero-reused", 0, 1.15)
	ratio("empty call: wasmtime fresh over Carrel", "empty", "wasmtime-fresh", "carrel-pristine", 3, 0)
	ratio("empty call: wasmtime pre-initialised over Carrel", "empty", "wasmtime-preinit", "carrel-pristine", 3, 0)
	ratio("10 KB echo: Extism reused over Carrel", "echo10k", "extism-reused", "carrel-pristine", 15, 0)
	ratio("JSON call: Carrel over Carrel without fuel", "json", "carrel-pristine", "carrel-unmetered", 0, 1.15)
	ratio("SHA-256 of 1 MB: Carrel over Carrel without fuel", "sha256", "carrel-pristine", "carrel-unmetered", 0, 1.10)
	if renewed, ok := find("empty", "carrel-new"); ok {
		figures = append(figures, figure{Name: "empty call in a new instance, all of it", Value: float64(renewed.MedianNS) / 1e3, Unit: "µs", Most: 250})
	}
	if idle, ok := find("json", "carrel-pristine"); ok && idle.PrivateKB > 0 {
		figures = append(figures, figure{Name: "private memory of an idle instance", Value: idle.PrivateKB, Unit: "KB", Most: 250})
	}
	return figures
}

// figures measures what there is no row for.
func (o *options) figures(ctx context.Context, out io.Writer) error {
	var all []figure
	for _, measure := range []func(context.Context) ([]figure, error){o.loops, o.lists, o.starts, o.idles} {
		figures, err := measure(ctx)
		if err != nil {
			return err
		}
		all = append(all, figures...)
	}
	say("")
	if !o.json {
		return report.Print(out, all)
	}
	return report.WriteJSON(out, all)
}

// loops measures fuel where it costs the most: in a loop that does nothing.
func (o *options) loops(ctx context.Context) ([]figure, error) {
	module := assemble(1, spinning(10_000_000))
	spin := func(uint64) []call { return []call{{"loop", "spin", []exchange{{}}}} }
	chosen := slices.DeleteFunc(slices.Clone(ways), func(w way) bool {
		return !slices.Contains([]string{"carrel-pristine", "carrel-unmetered", "wazero-reused", "wazero-ctx"}, w.impl)
	})
	rows, err := measure(ctx, &guest{name: "loop", extism: module, bulk: module}, chosen, spin, o.dir, o.effort, say)
	if err != nil {
		return nil, err
	}
	took := map[string]float64{}
	var figures []figure
	for _, r := range rows {
		took[r.Impl] = float64(r.MedianNS)
		figures = append(figures, figure{Name: "counting to 10 million, " + r.Impl, Value: float64(r.MedianNS) / 1e6, Unit: "ms"})
	}
	return append(figures,
		figure{Name: "counting: Carrel over Carrel without fuel", Value: took["carrel-pristine"] / took["carrel-unmetered"], Unit: "times", Most: 1.6},
		figure{Name: "counting: wazero stoppable over wazero", Value: took["wazero-ctx"] / took["wazero-reused"], Unit: "times"},
	), nil
}

// medianOf runs something n times.
func medianOf(n int, run func() (time.Duration, error)) (time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		var err error
		if times[i], err = run(); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return quantile(times, 0.5), nil
}
