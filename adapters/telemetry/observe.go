package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrel-dev/carrel/core"
)

// Request implements web's Observer. A client's traceparent becomes a link and no
// more: a stranger must not choose what is recorded, or write into the trace of
// another.
func (t *Telemetry) Request(ctx context.Context, method, traceparent string) (context.Context, func(route string, status int)) {
	began := time.Now()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", method)),
	}
	if of := core.ParseTrace(traceparent); of.Span != [8]byte{} {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: spanContext(of)}))
	}
	ctx, span := t.begin(ctx, method, options...)
	return ctx, func(route string, status int) {
		if t.meters != nil {
			t.meters.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(time.Since(began).Seconds())
		}
		if !span.IsRecording() {
			return
		}
		if route != "" {
			span.SetName(method + " " + route)
		}
		span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		result := succeeded
		if status >= 500 {
			result = strconv.Itoa(status)
		}
		end(span, result)
	}
}

// Invocation implements core/dispatch's Observer.
func (t *Telemetry) Invocation(ctx context.Context, r core.InvocationRecord) (context.Context, func(core.InvocationRecord)) {
	ctx, span := t.begin(ctx, "invocation", trace.WithAttributes(
		attribute.String("carrel.invocation", string(r.ID)), attribute.String("carrel.workspace", string(r.Workspace)),
		attribute.String("carrel.trigger", string(r.Trigger))))
	var s *steps
	if span.IsRecording() {
		ctx, s = withSteps(ctx)
	}
	return ctx, func(r core.InvocationRecord) {
		if m := t.meters; m != nil && r.Outcome != "" {
			labels := []string{string(r.Kind), string(r.Trigger), string(r.Outcome)}
			m.invocations.WithLabelValues(labels...).Observe(r.Duration.Seconds())
			m.fuel.WithLabelValues(labels...).Observe(float64(r.Fuel))
			if r.Runs > 1 {
				m.reruns.WithLabelValues(string(r.Kind)).Add(float64(r.Runs - 1))
			}
		}
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(attribute.String("carrel.installation", string(r.Install)), attribute.String("carrel.handler", r.Handler),
			attribute.String("carrel.kind", string(r.Kind)), attribute.Int("carrel.runs", r.Runs), attribute.Int64("carrel.fuel", r.Fuel))
		if r.Delivery != "" {
			span.SetAttributes(attribute.String("carrel.delivery", string(r.Delivery)), attribute.Int("carrel.attempt", r.Attempt))
		}
		if n := s.lost(); n > 0 {
			span.SetAttributes(attribute.Int64("carrel.steps_without_span", n))
		}
		result := string(r.Outcome)
		if result == "" {
			result = "nothing_run"
		}
		end(span, result)
	}
}

// Waited implements core/dispatch's Observer.
func (t *Telemetry) Waited(ctx context.Context, gate string, took time.Duration, gaveUp bool) {
	result := "entered"
	if gaveUp {
		result = "gave_up"
	}
	if t.meters != nil {
		t.meters.waits.WithLabelValues(gate, result).Observe(took.Seconds())
	}
	trace.SpanFromContext(ctx).AddEvent("waited", trace.WithAttributes(attribute.String("carrel.gate", gate),
		attribute.String("carrel.result", result), attribute.Int64("carrel.microseconds", took.Microseconds())))
}

// Attempt implements core/events' Observer.
func (t *Telemetry) Attempt(ctx context.Context, d core.Delivery, now time.Time) (context.Context, func(core.DeliveryState)) {
	of := "event"
	switch {
	case d.Schedule != "":
		of = "schedule"
	case d.Event == "":
		of = "job"
	}
	ctx, span := t.begin(ctx, "delivery", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("carrel.delivery", string(d.ID)), attribute.String("carrel.workspace", string(d.Workspace)),
		attribute.String("carrel.installation", string(d.Install)), attribute.String("carrel.of", of),
		attribute.Int("carrel.attempt", d.Attempt)))
	if m := t.meters; m != nil {
		m.attempting.Inc()
		if !d.Owed.IsZero() {
			m.late.WithLabelValues(of).Observe(max(0, now.Sub(d.Owed)).Seconds())
		}
	}
	return ctx, func(became core.DeliveryState) {
		if m := t.meters; m != nil {
			m.attempting.Dec()
			m.attempts.WithLabelValues(of, string(became)).Inc()
		}
		result := string(became)
		if became == core.DeliveryDone {
			result = succeeded
		}
		end(span, result)
	}
}

// Run begins one run of a handler.
func (t *Telemetry) Run(ctx context.Context) (context.Context, func(outcome core.Outcome, fuel int64)) {
	if t == nil || t.tracer == nil {
		return ctx, func(core.Outcome, int64) {}
	}
	ctx, span := t.begin(ctx, "run")
	return ctx, func(outcome core.Outcome, fuel int64) {
		span.SetAttributes(attribute.Int64("carrel.fuel", fuel))
		end(span, string(outcome)) // ok is the same word
	}
}

// Load begins to make a module ready that no call has used for long.
func (t *Telemetry) Load(ctx context.Context) (context.Context, func(error)) {
	if t == nil || t.tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.begin(ctx, "load module")
	return ctx, func(err error) { end(span, resultOf(err)) }
}

// Operation begins what a guest asks its host for.
func (t *Telemetry) Operation(ctx context.Context, name string) (context.Context, func(error)) {
	began := time.Now()
	ctx, span := t.step(ctx, name, trace.WithAttributes(attribute.String("carrel.operation", name)))
	return ctx, func(err error) {
		if t.meters != nil {
			t.meters.operations.WithLabelValues(name, resultOf(err)).Observe(time.Since(began).Seconds())
		}
		end(span, resultOf(err))
	}
}

// Store begins what is asked of the database. A commit has a span whatever its
// invocation did before.
func (t *Telemetry) Store(ctx context.Context, operation string) (context.Context, func(error)) {
	began := time.Now()
	start := t.step
	if operation == "commit" {
		start = t.begin
	}
	ctx, span := start(ctx, "store "+operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.operation.name", operation)))
	return ctx, func(err error) {
		if t.meters != nil {
			t.meters.stored.WithLabelValues(operation, resultOf(err)).Observe(time.Since(began).Seconds())
		}
		end(span, resultOf(err))
	}
}
