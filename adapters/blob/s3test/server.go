package s3test

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Server is an S3 with one bucket, which ends with its test.
type Server struct {
	URL  string // of the bucket, for --blobs
	http *httptest.Server
}

// Start starts one. It sets the credentials in the environment, which is why tests
// that use it can't be parallel.
func Start(t *testing.T) *Server {
	t.Helper()
	const bucket = "blobs"
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	s := &Server{http: httptest.NewServer(gofakes3.New(backend).Server())}
	t.Cleanup(s.http.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s.URL = "s3://" + bucket + "?" + url.Values{
		"endpoint": {s.http.URL}, "region": {"eu-test-1"}, "use_path_style": {"true"},
	}.Encode()
	return s
}

// Stop has nobody reach it any more.
func (s *Server) Stop() { s.http.Close() }
