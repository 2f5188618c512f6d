package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrel-dev/carrel/core"
)

// Config says what is observed.
type Config struct {
	Version string // of the server
	Metrics bool
	// OTLP is the address of a receiver of OpenTelemetry's traces, over HTTP:
	// http://127.0.0.1:4318. Empty: nothing is traced. Headers, certificates,
	// sampling and the service's name are the standard's OTEL_… variables.
	OTLP   string
	Logger *slog.Logger
}

// Telemetry observes a server. Its methods cost what they do for metrics and for
// traces, each when it is on; those of nil do nothing.
type Telemetry struct {
	log      *slog.Logger
	registry *prometheus.Registry
	meters   *meters // nil: nothing is counted
	server   *http.Server
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer // nil: nothing is traced
}

// Open begins to observe. A receiver that can't be reached is no error: its
// traces are lost, and the log says so.
func Open(ctx context.Context, cfg Config) (*Telemetry, error) {
	const op = "telemetry.Open"
	t := &Telemetry{log: cfg.Logger, registry: prometheus.NewRegistry()}
	if cfg.Metrics {
		t.meters = newMeters(t.registry, cfg.Version)
	}
	if cfg.OTLP != "" {
		provider, err := t.newProvider(ctx, cfg)
		if err != nil {
			return nil, &core.Error{Op: op, Kind: core.Invalid, Err: err,
				Msg: "Traces can't be sent to that address. Write --otlp-endpoint as a URL such as http://127.0.0.1:4318."}
		}
		t.provider = provider
		t.tracer = provider.Tracer("github.com/carrel-dev/carrel", trace.WithInstrumentationVersion(cfg.Version))
	}
	// What is being read when it is scraped must not be read a thousand times at once.
	handler := promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", handler)
	t.server = &http.Server{
		Handler: mux, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	return t, nil
}

// Serve answers GET /metrics on a listener until Close.
func (t *Telemetry) Serve(l net.Listener) error {
	if err := t.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// flushTime is how long Close tries to send the last spans.
const flushTime = 5 * time.Second

// Close ends Serve, and sends the spans that were not sent yet. Those that can't
// be sent in 5 s, or until ctx ends, are lost: that is no error of a server's.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.provider != nil {
		flush, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		if err := t.provider.Shutdown(flush); err != nil {
			t.log.Warn("the last traces could not be sent, and are lost", "error", err)
		}
	}
	return core.Wrap("telemetry.Close", core.Unavailable, t.server.Shutdown(ctx))
}
