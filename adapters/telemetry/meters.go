package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// meters are what is counted when it happens. docs/operating.md says what each
// of them is good for.
type meters struct {
	requests    *prometheus.HistogramVec // by method, route, status
	invocations *prometheus.HistogramVec // by kind, trigger, outcome
	fuel        *prometheus.HistogramVec // by kind, trigger, outcome
	reruns      *prometheus.CounterVec   // by kind
	waits       *prometheus.HistogramVec // by gate, result
	operations  *prometheus.HistogramVec // by operation, result
	stored      *prometheus.HistogramVec // by operation, result
	attempts    *prometheus.CounterVec   // by what is delivered, what became of it
	late        *prometheus.HistogramVec // by what is delivered
	attempting  prometheus.Gauge
}

// Bounds of histograms, in seconds.
var (
	ofRequests = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	ofRuns     = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	ofSteps    = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}
	ofDelays   = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 60, 300, 1800}
	ofFuel     = []float64{1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10} // units
)

func newMeters(registry *prometheus.Registry, version string) *meters {
	histogram := func(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
		registry.MustRegister(h)
		return h
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		registry.MustRegister(c)
		return c
	}
	m := &meters{
		requests: histogram("carrel_http_request_seconds",
			"Time from a request's last byte to its answer, by the pattern of its address.", ofRequests, "method", "route", "status"),
		invocations: histogram("carrel_invocation_seconds",
			"Time that the runs of an invocation of a plugin's handler took.", ofRuns, "kind", "trigger", "outcome"),
		fuel: histogram("carrel_invocation_fuel",
			"Units of work that the runs of an invocation did.", ofFuel, "kind", "trigger", "outcome"),
		reruns: counter("carrel_invocation_reruns_total",
			"Runs of handlers after the first, as what the run before had read, or assumed, was not so.", "kind"),
		waits: histogram("carrel_gate_wait_seconds",
			"Time that calls waited which could not go on at once.", ofRuns, "gate", "result"),
		operations: histogram("carrel_host_operation_seconds",
			"Time of what plugins asked the host for.", ofSteps, "operation", "result"),
		stored: histogram("carrel_store_seconds",
			"Time of reads and commits of units of work in the database.", ofSteps, "operation", "result"),
		attempts: counter("carrel_delivery_attempts_total",
			"Attempts at deliveries that ended, by what became of the delivery.", "of", "became"),
		late: histogram("carrel_delivery_late_seconds",
			"Time from when a delivery was due to the beginning of an attempt at it.", ofDelays, "of"),
		attempting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "carrel_delivery_attempts", Help: "Attempts at deliveries in progress.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "carrel_build_info", Help: "1, of this version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	registry.MustRegister(m.attempting, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Labels are the values of a metric's labels, each one of few.
type Labels = map[string]string

// Counter has something counted elsewhere read whenever metrics are: what a name
// counts only grows. It is called while the server starts.
func (t *Telemetry) Counter(name, help string, labels Labels, read func() float64) {
	if t == nil || t.meters == nil {
		return
	}
	t.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// Gauge is Counter of what also sinks.
func (t *Telemetry) Gauge(name, help string, labels Labels, read func() float64) {
	if t == nil || t.meters == nil {
		return
	}
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
}
