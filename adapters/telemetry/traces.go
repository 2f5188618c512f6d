package telemetry

import (
	"context"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/carrel-dev/carrel/core"
)

func (t *Telemetry) newProvider(ctx context.Context, cfg Config) (*sdktrace.TracerProvider, error) {
	u, err := url.Parse(cfg.OTLP)
	if err != nil {
		return nil, err
	}
	sent, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.JoinPath("v1", "traces").String()))
	if err != nil {
		return nil, err
	}
	// What the environment says of the service goes before this.
	about, err := resource.Merge(
		resource.NewSchemaless(attribute.String("service.name", "carrel"), attribute.String("service.version", cfg.Version)),
		resource.Environment())
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithBatcher(&exporter{SpanExporter: sent, log: cfg.Logger}),
	), nil
}

// exporter says in the server's log when spans are lost, once until they are
// taken again, and not to a handler of the whole process.
type exporter struct {
	sdktrace.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if was := e.failing.Swap(err != nil); err != nil && !was {
		e.log.Warn("traces are not taken by their receiver, and lost", "spans", len(spans), "error", err)
	}
	return nil
}

// ids are those of spans. A trace has the id of its request.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	if id = traceID(core.TraceOf(ctx).Request); !id.IsValid() {
		id = traceID(core.NewRequestID())
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (span trace.SpanID) {
	for !span.IsValid() {
		for i, bits := 0, rand.Uint64(); i < len(span); i++ {
			span[i] = byte(bits >> (8 * i))
		}
	}
	return span
}

func traceID(request core.RequestID) (id trace.TraceID) {
	if b, err := hex.DecodeString(strings.TrimPrefix(string(request), "req_")); err == nil && len(b) == len(id) {
		id = trace.TraceID(b)
	}
	return id
}

// begin begins a span below what the context is of: a span of this process, or
// one of another time that a delivery remembers.
func (t *Telemetry) begin(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, noop.Span{}
	}
	of := core.TraceOf(ctx)
	if !trace.SpanContextFromContext(ctx).IsValid() && of.Span != [8]byte{} {
		ctx = trace.ContextWithRemoteSpanContext(ctx, spanContext(of))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	of.Span, of.Sampled = span.SpanContext().SpanID(), span.SpanContext().IsSampled()
	return core.WithTrace(ctx, of), span
}

func spanContext(of core.Trace) trace.SpanContext {
	var flags trace.TraceFlags
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID(of.Request), SpanID: of.Span, TraceFlags: flags.WithSampled(of.Sampled), Remote: true,
	})
}

// end ends a span. Of what failed it has the kind: a text could be a tenant's.
func end(span trace.Span, result string) {
	span.SetAttributes(attribute.String("carrel.result", result))
	if result != succeeded {
		span.SetStatus(codes.Error, result)
	}
	span.End()
}

const succeeded = "ok"

// resultOf is ok, or the kind of an error.
func resultOf(err error) string {
	if err == nil {
		return succeeded
	}
	return string(core.KindOf(err))
}

// maxSteps is how many steps of one invocation have spans. A guest may ask its
// host ten thousand times a call, and that many spans would push out all others.
const maxSteps = 500

type stepsKey struct{}

// steps counts those of an invocation.
type steps struct{ taken atomic.Int64 }

// withSteps begins to count. An invocation inside of another takes from its
// steps.
func withSteps(ctx context.Context) (context.Context, *steps) {
	if outer, ok := ctx.Value(stepsKey{}).(*steps); ok {
		return ctx, outer
	}
	s := &steps{}
	return context.WithValue(ctx, stepsKey{}, s), s
}

// step begins a span of a step of an invocation, unless it has had its share. The
// spans of what is done within such a step are lost with it.
func (t *Telemetry) step(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, noop.Span{}
	}
	if s, ok := ctx.Value(stepsKey{}).(*steps); ok && s.taken.Add(1) > maxSteps {
		return ctx, noop.Span{}
	}
	return t.begin(ctx, name, options...)
}

// lost is how many steps have no span.
func (s *steps) lost() int64 { return max(0, s.taken.Load()-maxSteps) }
