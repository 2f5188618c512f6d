package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// extismGuest builds the engine's Extism guest in Go, once a test run.
var extismGuest = sync.OnceValues(func() ([]byte, error) {
	file, err := os.CreateTemp("", "*.wasm")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if err := file.Close(); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", file.Name(), "../../../runtime/testdata/guests/pdk")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(file.Name())
})

// callGuest runs `carrel plugin call` on that guest.
func callGuest(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	module, err := extismGuest()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(file, module, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	code = Run(t.Context(), append([]string{"plugin", "call", file}, args...), strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestPluginCall(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = `{"name":"Ada"}`
	for _, c := range []struct {
		title  string
		args   []string
		stdin  string
		code   int
		stdout string
		stderr string // a part of it
	}{
		{"text", []string{"echo", "--input", "a, b\n"}, "", 0, "a, b\n", ""},
		{"nothing", []string{"echo"}, "", 0, "", ""},
		{"a file", []string{"echo", "--input", "@" + input}, "", 0, "from a file\n", ""},
		{"standard input", []string{"echo", "--input", "@-"}, "from stdin", 0, "from stdin", ""},
		{"wasi", []string{"echo", "--wasi", "--input", "x"}, "", 0, "x", ""},
		{"config", []string{"greet", "--input", name, "--config", "other=1", "--config", "greeting=a=b,c"}, "", 0, `{"greeting":"a=b,c, Ada"}`, ""},
		{"log", []string{"chatter"}, "", 0, "", "info: an info line\nwarn: a warning\n"},
		{"guest's error", []string{"fail"}, "", 1, "", "Error: no such luck\n"},
		{"crash", []string{"crash"}, "", 1, "", "Error: The plugin crashed: panic: runtime error: invalid memory address or nil pointer dereference"},
		{"timeout", []string{"hoard", "--timeout", "1ns"}, "", 1, "", "did not finish within 1ns"},
		{"memory", []string{"hoard", "--memory", "33554432"}, "", 1, "", "32 MiB"},
		{"unknown function", []string{"gone"}, "", 1, "", "it exports: "},
		{"host refused", []string{"fetch", "--input", "http://api.example.com/"}, "", 1, "", "--allow-host api.example.com"},
		{"missing input", []string{"echo", "--input", "@" + input + "2"}, "", 1, "", "cannot be read"},
		{"no function", nil, "", 2, "", "--help"},
		{"bad config", []string{"echo", "--config", "greeting"}, "", 2, "", "KEY=VALUE"},
		{"bad host", []string{"echo", "--allow-host", "http://x/"}, "", 2, "", "without scheme"},
		{"bad timeout", []string{"echo", "--timeout", "fast"}, "", 2, "", "--timeout"},
		{"no time", []string{"echo", "--timeout", "0s"}, "", 2, "", "above 0"},
	} {
		t.Run(c.title, func(t *testing.T) {
			code, stdout, stderr := callGuest(t, c.stdin, c.args...)
			if code != c.code || stdout != c.stdout || !strings.Contains(stderr, c.stderr) || c.code == 0 && c.stderr == "" && stderr != "" {
				t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestPluginCallFetches(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Answer", r.Header.Get("X-Test"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusTemporaryRedirect)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	code, stdout, stderr := callGuest(t, "", "fetch", "--input", server.URL+"/ok", "--allow-host", "127.0.0.*")
	if code != 0 || stdout != "418 yes POST body" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	// A redirect leads nowhere that wasn't allowed.
	code, _, stderr = callGuest(t, "", "fetch", "--input", server.URL+"/away", "--allow-host", "127.0.0.1")
	if code != 1 || !strings.Contains(stderr, "--allow-host elsewhere.invalid") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

func TestPluginCallRefusesWhatIsNoModule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no.wasm")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	code := Run(t.Context(), []string{"plugin", "call", file, "f"}, strings.NewReader(""), &out, &errOut)
	if code != 1 || out.Len() > 0 || !strings.Contains(errOut.String(), "not a WebAssembly module") {
		t.Errorf("code %d, %q %q", code, out.String(), errOut.String())
	}
}
