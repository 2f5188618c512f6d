package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// ready is what /readyz says.
type ready struct {
	Ready, Draining bool
	Parts           map[string]bool
}

func (s *site) ready(status int) (r ready) {
	s.t.Helper()
	s.do(request{Method: "GET", Path: "/readyz"}).want(status).into(&r)
	return r
}

func TestReadinessNamesThePartThatIsMissingAndNothingElse(t *testing.T) {
	s := newSite(t)
	if r := s.ready(200); !r.Ready || r.Draining || !r.Parts["database"] || !r.Parts["registry"] || len(r.Parts) != 2 {
		t.Errorf("%+v", r)
	}
	s.registryIs = func(context.Context) error { return errors.New("open /var/lib/carrel: password=hunter2 at 10.0.0.1") }
	a := s.do(request{Method: "GET", Path: "/readyz"}).want(503)
	if want := `{"ready":false,"draining":false,"parts":{"database":true,"registry":false}}`; string(a.Bytes) != want {
		t.Errorf("%s, not %s", a.Bytes, want)
	}
	if !strings.Contains(s.logs.String(), "registry: open /var/lib/carrel") {
		t.Error("the log does not say why")
	}
	s.do(request{Method: "GET", Path: "/healthz"}).want(200) // the process is alive
	s.registryIs = s.registry.Ready
	s.ready(200)
}

func TestAPartThatHangsIsNotReadyAndIsAskedOnce(t *testing.T) {
	s := newSite(t)
	entered, gone := make(chan struct{}, 10), make(chan struct{})
	s.registryIs = func(context.Context) error { entered <- struct{}{}; <-gone; return nil }
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if r := s.ready(503); r.Parts["registry"] || !r.Parts["database"] {
				t.Errorf("%+v", r)
			}
		})
	}
	all.Wait()
	if len(entered) != 1 {
		t.Errorf("5 who asked at the same time had it asked %d times", len(entered))
	}
	close(gone)
}

func TestADrainingServerIsNotReadyAndServes(t *testing.T) {
	s := newSite(t)
	s.server.Drain()
	if r := s.ready(503); r.Ready || !r.Draining || !r.Parts["database"] {
		t.Errorf("%+v", r)
	}
	if a := s.do(request{Method: "GET", Path: "/api/v1/openapi.json"}); a.StatusCode != http.StatusOK {
		t.Errorf("a draining server answers %d", a.StatusCode)
	}
}
