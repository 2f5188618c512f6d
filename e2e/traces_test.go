package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/telemetry/otlptest"
	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core"
)

// path names a span and all it is in, from the request on.
func path(trace []otlptest.Span, s otlptest.Span) string {
	name := s.Name
	for s.Parent != "" {
		i := slices.IndexFunc(trace, func(parent otlptest.Span) bool { return parent.ID == s.Parent })
		if i < 0 {
			return "? > " + name
		}
		s = trace[i]
		name = s.Name + " > " + name
	}
	return name
}

// TestATraceGoesFromARequestToWhatItCaused: a contact is added through the API;
// its event is delivered to another plugin, whose listener runs as an invocation
// of its own. All of it is one trace, whose id is the request's.
func TestATraceGoesFromARequestToWhatItCaused(t *testing.T) {
	r := otlptest.Start(t)
	w := newWorldWith(t, func(cfg *app.Config) { cfg.OTLPEndpoint = r.URL }, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	const stranger = "0af7651916cd43dd8448eb211c80319c"
	told := acme.Call("crm", "POST /contacts", body{"email": canary + "@example.com", "name": canary},
		header{"traceparent", "00-" + stranger + "-b7ad6b7169203331-01"}).want(201)
	w.eventually(acme, "probe", "/heard", 1)
	workspace, token := acme.API("GET", "", nil).want(200).text("id"), alice.token
	w.stop() // which sends what was not sent yet

	trace := r.Of(strings.TrimPrefix(told.header.Get("X-Request-Id"), "req_"))
	paths := map[string]int{}
	for _, s := range trace {
		paths[path(trace, s)]++
	}
	const (
		request  = "POST /w/:ws/:plugin/*"
		call     = request + " > invocation"
		delivery = call + " > delivery"
		heard    = delivery + " > invocation"
	)
	for _, want := range []string{
		request, call, call + " > run", call + " > run > data.insert", call + " > run > events.emit", call + " > store commit",
		delivery, heard, heard + " > run", heard + " > run > data.insert", heard + " > store commit",
	} {
		if paths[want] != 1 {
			t.Errorf("%d spans %s; there are\n%s", paths[want], want, strings.Join(slices.Sorted(maps.Keys(paths)), "\n"))
		}
	}
	for name := range paths {
		if !strings.HasPrefix(name, request) {
			t.Errorf("%s is not in the request", name)
		}
	}
	for _, s := range trace {
		switch s.Name {
		case request:
			if s.Attributes["http.response.status_code"] != "201" || s.Attributes["http.request.method"] != "POST" || !slices.Equal(s.Links, []string{stranger}) {
				t.Errorf("the request: %v", s)
			}
		case "invocation":
			if s.Attributes["carrel.workspace"] != workspace || !strings.HasPrefix(s.Attributes["carrel.installation"], "ins_") ||
				s.Attributes["carrel.result"] != "ok" || !strings.HasPrefix(s.Attributes["carrel.invocation"], "inv_") {
				t.Errorf("an invocation: %v", s)
			}
		case "delivery":
			if s.Attributes["carrel.of"] != "event" || s.Attributes["carrel.result"] != "ok" ||
				s.Attributes["carrel.workspace"] != workspace {
				t.Errorf("the delivery: %v", s)
			}
		}
	}
	// What a client calls its trace is nobody's here.
	if theirs := r.Of(stranger); len(theirs) != 0 {
		t.Errorf("a client's trace has %d spans of the server", len(theirs))
	}
	// Nothing of what people wrote, no secret and no address is told.
	for _, secret := range []string{canary, token, "alice", "Acme", "acme", "example.com", "127.0.0.1", told.text("id")} {
		if strings.Contains(r.Raw(), secret) {
			t.Errorf("%q was sent with the traces", secret)
		}
	}
}

// TestEachRunHasASpan: calls that collide are run again, and a trace shows each
// run and the commit that was in vain.
func TestEachRunHasASpan(t *testing.T) {
	r := otlptest.Start(t)
	w := newWorldWith(t, func(cfg *app.Config) { cfg.OTLPEndpoint = r.URL }, "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("probe")
	note := acme.Call("probe", "POST /notes", body{"title": "One"}).want(201).text("id")
	const clients = 12
	requests := make([]string, clients)
	together(clients, func(i int) {
		requests[i] = acme.Call("probe", "POST /notes/"+note+"/increment", nil).header.Get("X-Request-Id")
	})
	if got := acme.Call("probe", "GET /notes/"+note, nil).want(200).number("count"); got != clients {
		t.Errorf("the note counts %d of %d", got, clients)
	}
	w.stop()

	conflicts := 0
	for _, request := range requests {
		runs, said, committed := 0, "", []string{}
		for _, s := range r.Of(strings.TrimPrefix(request, "req_")) {
			switch s.Name {
			case "run":
				runs++
			case "store commit":
				committed = append(committed, s.Attributes["carrel.result"])
			case "invocation":
				said = s.Attributes["carrel.runs"]
			}
		}
		if said != strconv.Itoa(runs) {
			t.Errorf("%s: %d spans of %s runs", request, runs, said)
		}
		slices.Sort(committed) // changed before ok
		conflicts += runs - 1
		if n := len(committed); n == 0 || committed[n-1] != "ok" || n > 1 && committed[n-2] != string(core.Changed) {
			t.Errorf("%s: %d runs, commits %v", request, runs, committed)
		}
	}
	if conflicts == 0 {
		t.Error("nothing ever collided")
	}
}

// A receiver that is away costs a line in the log, and nobody their answer.
func TestTracesWhoseReceiverIsAwayAreLost(t *testing.T) {
	r := httptest.NewServer(http.NotFoundHandler())
	url := r.URL
	r.Close()
	w := newWorldWith(t, func(cfg *app.Config) { cfg.OTLPEndpoint = url })
	As(w.root).Workspace("Acme", "enterprise")
	w.stop()
}
