package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/telemetry"
	"github.com/carrel-dev/carrel/adapters/telemetry/otlptest"
	"github.com/carrel-dev/carrel/core"
)

func open(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	watch, err := telemetry.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

func closed(t *testing.T, watch *telemetry.Telemetry) {
	t.Helper()
	if err := watch.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

var requested = core.Trace{Request: "req_0af7651916cd43dd8448eb211c80319c"}

// A trace has the id of its request, also when part of it is made by another
// process, which knows it from a delivery.
func TestADeliveryGoesOnWithTheTraceThatPutIt(t *testing.T) {
	r := otlptest.Start(t)
	first, second := open(t, telemetry.Config{OTLP: r.URL}), open(t, telemetry.Config{OTLP: r.URL + "/"})
	ctx, answered := first.Request(core.WithTrace(t.Context(), requested), "POST", "nonsense")
	ctx, ended := first.Invocation(ctx, core.InvocationRecord{ID: "inv_1", Workspace: "ws_1"})
	put := core.TraceOf(ctx)
	ended(core.InvocationRecord{ID: "inv_1", Outcome: core.OutcomeOK})
	answered("/w/:ws", 200)
	closed(t, first)

	kept := core.ParseTrace(put.String()) // as a database keeps it
	_, became := second.Attempt(core.WithTrace(t.Context(), kept), core.Delivery{ID: "dlv_1", Event: "evt_1", Trace: kept}, time.Now())
	became(core.DeliveryRetry)
	closed(t, second)

	parents := map[string]string{"POST /w/:ws": "", "invocation": "POST /w/:ws", "delivery": "invocation"}
	for name, parent := range parents {
		list := r.Named(name)
		if len(list) != 1 {
			t.Fatalf("%d spans %s", len(list), name)
		}
		if "req_"+list[0].Trace != string(requested.Request) {
			t.Errorf("%s is of the trace %s", name, list[0].Trace)
		}
		if parent == "" && list[0].Parent != "" || parent != "" && list[0].Parent != r.Named(parent)[0].ID {
			t.Errorf("%s is not within %q", name, parent)
		}
	}
}

// A guest that asks for ten thousand things has the spans of the first few
// hundred, and of its commit; its invocation says how many have none.
func TestAttack34_AFloodOfCallsIsNoFloodOfSpans(t *testing.T) {
	r := otlptest.Start(t)
	watch := open(t, telemetry.Config{OTLP: r.URL, Metrics: true})
	ctx, ended := watch.Invocation(core.WithTrace(t.Context(), requested), core.InvocationRecord{ID: "inv_1"})
	const asked = 10_000
	for range asked {
		ctx, done := watch.Operation(ctx, "data.get")
		_, read := watch.Store(ctx, "document")
		read(nil)
		done(nil)
	}
	_, committed := watch.Store(ctx, "commit")
	committed(nil)
	ended(core.InvocationRecord{ID: "inv_1", Outcome: core.OutcomeOK})
	metrics := scrape(t, watch)
	closed(t, watch)
	if n := len(r.Named("data.get")) + len(r.Named("store document")); n != 500 {
		t.Errorf("%d spans of %d things", n, 2*asked)
	}
	invocations := r.Named("invocation")
	if len(invocations) != 1 || len(r.Named("store commit")) != 1 {
		t.Fatalf("%d invocations, %d commits", len(invocations), len(r.Named("store commit")))
	}
	if n := invocations[0].Attributes["carrel.steps_without_span"]; n != strconv.Itoa(2*asked-500) {
		t.Errorf("it says that %s have none", n)
	}
	if want := `carrel_host_operation_seconds_count{operation="data.get",result="ok"} 10000`; !strings.Contains(metrics, want+"\n") {
		t.Errorf("metrics without %s", want)
	}
}

// scrape reads the metrics over HTTP.
func scrape(t *testing.T, watch *telemetry.Telemetry) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go watch.Serve(l) //nolint:errcheck // ends with the test's Close
	response, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is off is not there: without a receiver no context changes, without
// metrics nothing is served; and what is measured has no more labels than it says.
func TestWhatIsOffIsNotThere(t *testing.T) {
	watch := open(t, telemetry.Config{Metrics: true})
	defer closed(t, watch)
	before := core.WithTrace(t.Context(), requested)
	after, ended := watch.Operation(before, "data.get")
	ended(core.E("test", core.NotFound, "not this: secret"))
	if after != before {
		t.Error("a step that is not traced has a context of its own")
	}
	metrics := scrape(t, watch)
	if !strings.Contains(metrics, `operation="data.get",result="not_found"`) || strings.Contains(metrics, "secret") {
		t.Error("an operation that failed is not counted by its kind alone")
	}

	var off *telemetry.Telemetry
	off.Gauge("x", "X.", nil, func() float64 { return 1 })
	quiet := open(t, telemetry.Config{OTLP: otlptest.Start(t).URL})
	defer closed(t, quiet)
	quiet.Gauge("carrel_x", "X.", nil, func() float64 { return 1 })
	if text := scrape(t, quiet); strings.Contains(text, "carrel_") {
		t.Errorf("metrics that are off: %s", text)
	}
}

// Spans that are lost are said to be, once for all until they are taken again.
func TestWhatIsLostIsSaid(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(away.Close)
	var log bytes.Buffer
	watch := open(t, telemetry.Config{OTLP: away.URL, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3_000 { // more than are sent at once
		_, ended := watch.Load(t.Context())
		ended(nil)
	}
	closed(t, watch)
	if n := strings.Count(log.String(), "traces are not taken by their receiver"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
	_, err := telemetry.Open(t.Context(), telemetry.Config{OTLP: "http://a b", Logger: slog.New(slog.DiscardHandler)})
	if core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), "--otlp-endpoint") {
		t.Errorf("an address that is none: %v", err)
	}
}

// A receiver that takes no spans and never says so holds up no server's end.
func TestAReceiverThatHangsIsLeft(t *testing.T) {
	asked, gone := make(chan struct{}, 1), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-gone }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(gone) })
	var log bytes.Buffer
	watch := open(t, telemetry.Config{OTLP: hanging.URL, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, ended := watch.Load(t.Context())
	ended(nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if err := watch.Close(ctx); err != nil {
		t.Errorf("lost spans are an error: %v", err)
	}
	if !strings.Contains(log.String(), "lost") {
		t.Errorf("nothing is said: %s", log.String())
	}
}

// A client's traceparent is a link: it chooses neither the trace nor whether it
// is recorded.
func TestAttack11_ATraceparentOfAStrangerIsALink(t *testing.T) {
	r := otlptest.Start(t)
	for _, sampler := range []string{"always_off", "always_on"} {
		t.Setenv("OTEL_TRACES_SAMPLER", sampler)
		watch := open(t, telemetry.Config{OTLP: r.URL})
		ctx, answered := watch.Request(core.WithTrace(t.Context(), requested), "GET",
			"00-11111111111111111111111111111111-2222222222222222-01")
		if got := core.TraceOf(ctx); got.Request != requested.Request || got.Sampled != (sampler == "always_on") {
			t.Errorf("%s: %+v", sampler, got)
		}
		answered("/x", 500)
		closed(t, watch)
	}
	if all := r.Named("GET /x"); len(all) != 1 || !slices.Equal(all[0].Links, []string{strings.Repeat("1", 32)}) {
		t.Errorf("%v", all)
	}
}
