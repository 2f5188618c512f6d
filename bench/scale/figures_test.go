package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

// A bar is what the empty system's figure allows: a call may take 1 ms more or 1.3
// times as long, whichever is more.
func TestBars(t *testing.T) {
	for _, c := range []struct {
		empty, full float64 // p99, µs
		want        string
	}{
		{1000, 1900, "1.90 ms  at most 2\n"},
		{1000, 2100, "2.10 ms  at most 2: MISSED\n"},
		{10_000, 12_900, "12.9 ms  at most 13\n"},
		{10_000, 13_100, "13.1 ms  at most 13: MISSED\n"},
	} {
		of := func(p99 float64, start time.Duration, mb float64) system {
			return system{p50: []float64{500}, p99: []float64{9e9, p99, 1}, starts: []time.Duration{start}, startCPU: []float64{1}, afterStart: mb, afterAll: mb}
		}
		r := result{store: "sqlite", workspaces: 100, empty: of(c.empty, time.Second, 100), full: of(c.full, 11*time.Second, 217)}
		var out bytes.Buffer
		if err := report.Print(&out, r.figures()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.want, "11.0 s   at most 10: MISSED\n", "217 MB   at most 216: MISSED\n"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("it lacks %q:\n%s", want, out.String())
			}
		}
	}
}
