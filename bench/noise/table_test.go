package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// ms are a hundred times: 98 of them usual, and two that are not.
func ms(usual, one int) samples {
	s := samples{}
	for range 98 {
		s["hook"] = append(s["hook"], time.Duration(usual)*time.Millisecond)
	}
	for _, work := range []string{"insert", "list20"} {
		s[work] = []time.Duration{time.Duration(one) * time.Millisecond}
	}
	return s
}

// The bar is held against the medians of the rounds, over all kinds of work.
func TestFigures(t *testing.T) {
	r := result{store: "sqlite", rounds: []round{
		{maximum: 1000, alone: ms(2, 2), beside: ms(3, 3), first: [2]samples{ms(1, 1), ms(7, 9)}, flood: flooded{Answered: 100, Events: 1000, Seconds: 2}},
		{alone: ms(4, 4), beside: ms(6, 9), first: [2]samples{ms(1, 1), ms(7, 9)}, flood: flooded{Answered: 300, Events: 3000, Seconds: 2}},
		{alone: ms(3, 3), beside: ms(99, 99), first: [2]samples{ms(1, 1), ms(8, 8)}, flood: flooded{Answered: 200, Events: 2000, Seconds: 2}},
	}}
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"p99 beside over alone                      3.00 times  at most 2: MISSED\n", "answered      100 /s", "in its first second, beside it         9.00 ms", "events emitted                             1000 /s",
		"insert     3.00 ms  9.00 ms     3.00 ms  9.00 ms", "all     3.00 ms  6.00 ms     3.00 ms  9.00 ms",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, out.String())
		}
	}
	rows := r.rows()
	if last := rows[len(rows)-1]; last.Work != "all-beside-flood" || last.P99US != 9000 {
		t.Errorf("the last row is %+v", last)
	}
}
