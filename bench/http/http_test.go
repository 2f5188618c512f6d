package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"

	"strings"
	"testing"
	"time"

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

// Nobody wins by failing: an answer of another status, to another request, or of
// another length ends the measurement.
func TestWrongAnswersEndIt(t *testing.T) {
	status, answer := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	people := func(n int) string {
		var all []byte
		for i := range n {
			all = appendPerson(all, i)
		}
		return string(all)
	}
	for _, c := range []struct {
		name   string
		work   work
		status int
		answer string
		right  bool
	}{
		{"a receipt", hook, 200, `{"items":3,"order":"A-7","total":110648}`, true},
		{"of another order", hook, 200, `{"items":3,"order":"A-8","total":110648}`, false},
		{"that is wrong", hook, 200, `{"items":3,"order":"A-7","total":1}`, false},
		{"with another status", hook, 202, `{"items":3,"order":"A-7","total":110648}`, false},
		{"an insert", insert, 200, `{"id":"doc_1","email":"reader7@example.com"}`, true},
		{"of somebody else", insert, 200, `{"id":"doc_1","email":"reader8@example.com"}`, false},
		{"that was not kept", insert, 200, `{"email":"reader7@example.com"}`, false},
		{"a list", list20, 200, people(20), true},
		{"of too few", list20, 200, people(19), false},
		{"of nobody", list20, 200, `[]`, false},
	} {
		status, answer = c.status, c.answer
		connected, err := dial(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = connected.do(c.work, ask{path: "/", status: 200}, 7)
		connected.close()
		if (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
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

// A server that does not serve is an error that says why.
func TestServerThatFails(t *testing.T) {
	p := &process{}
	err := p.launch(context.Background(), t.TempDir(), "sh", "-c", "echo it is broken >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "it is broken") {
		t.Errorf("%v", err)
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
	r := summary(hook, entry{store: "sqlite", impl: "carrel"}, []cell{
		{asked: 3, took: time.Second, times: ms(1, 2, 9), server: 0.003},
		{asked: 3, took: 3 * time.Second, times: ms(2, 3, 9), server: 0.009},
		{asked: 3, took: 2 * time.Second, times: ms(3, 4, 9), server: 0.006},
	})
	if r.RPS != 1.5 || r.P50US != 3000 || r.ServerUS != 2000 {
		t.Errorf("%+v", r)
	}
}
