package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/report"
)

// The limit's handlers answer every kind of work rightly, and all of that comes
// out as rows.
func TestMeasure(t *testing.T) {
	t.Chdir("..")
	var out bytes.Buffer
	if err := command(context.Background(), []string{"--json", "--impl", "fiber", "--store", "sqlite", "--rounds", "1", "--cell", "50ms", "--warm", "1ms"}, &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for lines := json.NewDecoder(&out); lines.More(); {
		var r row
		if err := lines.Decode(&r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Work+" "+r.Store+" "+r.Impl)
		if r.RPS <= 0 || r.P50US <= 0 || r.P99US < r.P50US {
			t.Errorf("no measurement: %+v", r)
		}
	}
	if want := "hook sqlite fiber, insert sqlite fiber, list20 sqlite fiber"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}

// What is measured is what the bars are held against.
func TestBars(t *testing.T) {
	figures := ratios([]row{
		{Row: report.Row{Work: "insert", Store: "sqlite", Impl: "carrel", RPS: 300}},
		{Row: report.Row{Work: "insert", Store: "sqlite", Impl: "pocketbase", RPS: 400}},
		{Row: report.Row{Work: "insert", Store: "sqlite", Impl: "pocketbase-full", RPS: 100}},
	})
	var out bytes.Buffer
	if err := report.Print(&out, figures); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); len(figures) != 2 || !strings.Contains(got, "3.00 times  at least 2\n") || !strings.Contains(got, "0.75 times  –") {
		t.Errorf("it says:\n%s", got)
	}
}

// The medians are those of the rounds.
func TestSummary(t *testing.T) {
	ms := func(n ...int) (times []time.Duration) {
		for _, one := range n {
			times = append(times, time.Duration(one)*time.Millisecond)
		}
		return times
	}
	r := summary(client.Hook, entry{store: "sqlite", impl: "carrel"}, []cell{
		{asked: 3, took: time.Second, times: ms(1, 2, 9), server: 0.003, database: 0.009},
		{asked: 3, took: 3 * time.Second, times: ms(2, 3, 9), server: 0.009, database: 0.003},
		{asked: 3, took: 2 * time.Second, times: ms(3, 4, 9), server: 0.006, database: 0.003},
	})
	if r.RPS != 1.5 || r.P50US != 3000 || r.ServerUS != 2000 || r.DatabaseUS != 1000 {
		t.Errorf("%+v", r)
	}
}
