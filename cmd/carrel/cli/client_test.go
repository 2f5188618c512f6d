package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/runtime"
)

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What servers answer that are broken, or no Carrel servers.
func TestAnswersThatHelpNobody(t *testing.T) {
	file := writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Tasks")
	const token = "carrel_secret"
	t.Setenv("CARREL_TOKEN", token)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with Authorization %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		says   string
	}{
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<h1>Welcome</h1>")
		}, 1, "answered something else than JSON. Is it a Carrel server?"},
		"an error page": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>Not here</h1>", http.StatusNotFound)
		}, 1, "answered 404 Not Found and no reason. Is it a Carrel server?"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/api/v1/releases", http.StatusTemporaryRedirect)
		}, 1, "sends you on to " + elsewhere.URL},
		"a failure": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"kind": "internal", "detail": "Something went wrong on our side.", "requestId": "req_7"}`)
		}, 1, "Something went wrong on our side. (request req_7)"},
		"violations": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"kind": "invalid", "detail": "The manifest is not valid.", "errors": [{"location": "title", "message": "is missing"}]}`)
		}, 1, "The manifest is not valid.\n  - title: is missing\n"},
		"silence": {func(_ http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		}, 3, "cannot be reached: EOF"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"publisher"`)
		}, 3, "cannot be reached: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			code, out, errOut := run(t, "", "plugin", "publish", "--server", server.URL, file)
			if code != c.code || out != "" || !strings.Contains(errOut, c.says) {
				t.Errorf("exit code %d\nstdout %q\nstderr %q\nwant %d and %q", code, out, errOut, c.code, c.says)
			}
			if strings.Contains(errOut, token) {
				t.Error("the token is printed")
			}
		})
	}
}

// The server is told what it should have received, so that it can refuse a part.
func TestPublishSendsTheWholeModuleAndItsDigest(t *testing.T) {
	file := writePlugin(t, t.TempDir(), "tasks", "1.0.0", "Tasks")
	t.Setenv("CARREL_TOKEN", "carrel_secret")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength || !strings.HasPrefix(string(body), "\x00asm") {
			t.Errorf("%d bytes of %d arrived, %v", len(body), r.ContentLength, err)
		}
		for header, want := range map[string]string{
			"Authorization": "Bearer carrel_secret", "Content-Type": "application/wasm", "X-Carrel-Digest": string(runtime.DigestOf(body)),
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
		if r.Method != http.MethodPost || r.URL.Path != "/carrel/api/v1/releases" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusCreated)
		w.Write(mustJSON(t, published{Publisher: "acme", Name: "tasks", Version: "1.0.0"}))
	}))
	defer server.Close()
	if code, _, errOut := run(t, "", "plugin", "publish", "--server", server.URL+"/carrel", file); code != 0 {
		t.Error(errOut)
	}
}
