package registry

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
)

// everywhere runs a test on every kind of place a registry can be at, empty.
func everywhere(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("folder", func(t *testing.T) { test(t, place{where: t.TempDir()}) })
	t.Run("OCI registry", func(t *testing.T) { test(t, newServer(t).place(t)) })
	t.Run("OCI registry without referrers", func(t *testing.T) {
		test(t, serve(t, ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)))).place(t))
	})
}

// server is an OCI registry, with what a test does to its requests.
type server struct {
	*httptest.Server
	handler http.Handler
	before  atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // true when it has answered
}

func newServer(t testing.TB) *server {
	return serve(t, ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(true)))
}

func serve(t testing.TB, handler http.Handler) *server {
	s := &server{handler: handler}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if before := s.before.Load(); before != nil && (*before)(w, req) {
		return
	}
	s.handler.ServeHTTP(w, req)
}

// intercept has fn see requests first; nil takes that back.
func (s *server) intercept(fn func(w http.ResponseWriter, req *http.Request) (answered bool)) {
	if fn == nil {
		s.before.Store(nil)
		return
	}
	s.before.Store(&fn)
}

func (s *server) place(t testing.TB) place {
	return place{where: schemePlain + strings.TrimPrefix(s.URL, "http://") + "/carrel/plugins", cache: t.TempDir()}
}

func isTagList(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/tags/list") }
