package otlptest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that was received. Its ids are hexadecimal.
type Span struct {
	Name, Trace, ID, Parent string
	Attributes              map[string]string
	Links                   []string // traces
}

// Receiver is running until its test ends.
type Receiver struct {
	URL string // of the receiver itself, without /v1/traces

	mu    sync.Mutex
	spans []Span
	raw   []byte
}

// Start starts a receiver. What is no export of traces fails the test.
func Start(t testing.TB) *Receiver {
	r := &Receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		kind := in.Header.Get("Content-Type")
		if err != nil || in.Method != http.MethodPost || in.URL.Path != "/v1/traces" || kind != "application/x-protobuf" {
			t.Errorf("no export of traces: %s %s of %s: %v", in.Method, in.URL, kind, err)
			http.Error(w, "no export of traces", http.StatusBadRequest)
			return
		}
		r.take(body, &request)
		w.Header().Set("Content-Type", kind)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *Receiver) take(body []byte, request *collector.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, body...)
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				r.spans = append(r.spans, read(s))
			}
		}
	}
}

func read(s *otlp.Span) Span {
	span := Span{
		Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
		Attributes: map[string]string{},
	}
	for _, a := range s.Attributes {
		if span.Attributes[a.Key] = a.Value.GetStringValue(); span.Attributes[a.Key] == "" {
			span.Attributes[a.Key] = fmt.Sprint(a.Value.GetIntValue())
		}
	}
	for _, link := range s.Links {
		span.Links = append(span.Links, hex.EncodeToString(link.TraceId))
	}
	return span
}

// Spans are those for which want says so, in the order they came.
func (r *Receiver) Spans(want func(Span) bool) (list []Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if want(s) {
			list = append(list, s)
		}
	}
	return list
}

// Named are the spans of a name.
func (r *Receiver) Named(name string) []Span {
	return r.Spans(func(s Span) bool { return s.Name == name })
}

// Of are the spans of a trace.
func (r *Receiver) Of(trace string) []Span {
	return r.Spans(func(s Span) bool { return s.Trace == trace })
}

// Raw is all that was sent, byte for byte.
func (r *Receiver) Raw() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.raw)
}
