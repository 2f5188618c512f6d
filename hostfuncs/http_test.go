package hostfuncs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// fetch is a handler that may reach hosts, on an author's machine.
func fetch(t *testing.T, private bool, hosts ...string) handler {
	t.Helper()
	return newBench(t).bind(abi.KindAction, func(b *hostfuncs.Binding) {
		b.Fetch = hostfuncs.NewOutbound(private)
		b.Installation.Grants = []core.Grant{{Capability: abi.CapabilityHTTP, Hosts: hosts}}
	})
}

func TestFetch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %q cookies=%d", r.Method, r.Header.Get("X-Key"), body, r.UserAgent(), len(r.Cookies())))
		w.Header().Add("Set-Cookie", "session=1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	}))
	defer server.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not be used
	h := fetch(t, true, "127.0.0.1")
	for range 2 { // the second time a jar would send the cookie
		got := h.ask(t, abi.OpHTTPFetch, `{"method":"POST","url":"`+server.URL+`/x","headers":{"x-key":"k"},"body":"aGk="}`)
		for _, part := range []string{`"status":418`, `"body":"c2hvcnQ="`, `"x-seen":"POST k hi \"Carrel\" cookies=0"`} {
			if !strings.Contains(got, part) {
				t.Errorf("answer %s has no %s", got, part)
			}
		}
		if strings.Contains(got, "session=1") {
			t.Errorf("a cookie came through: %s", got)
		}
	}
}

func TestFetchGoesOnlyToGrantedHosts(t *testing.T) {
	for _, c := range []struct {
		hosts, url string
		granted    bool
	}{
		{"", "https://api.example.com/", false},
		{"api.example.com", "https://api.example.com/", true},
		{"api.example.com", "https://API.Example.com./", true},
		{"API.example.com", "https://api.example.com:443/", true},
		{"api.example.com", "https://example.com/", false},
		{"api.example.com", "https://api.example.com.evil.test/", false},
		{"api.example.com", "https://evil.test/api.example.com", false},
		{"api.example.com", "https://evil.test#api.example.com", false},
		{"*.example.com", "https://a.b.example.com/", true},
		{"*.example.com", "https://example.com/", false},
		{"*.example.com", "https://evilexample.com/", false},
		{"*", "https://example.com/", false}, // not a pattern
		{"*.", "https://example.com/", false},
		{"*example.com", "https://evilexample.com/", false},
	} {
		var hosts []string
		if c.hosts != "" {
			hosts = []string{c.hosts}
		}
		// A context that has ended keeps the granted ones from going anywhere.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := hostfuncs.NewOutbound(false).Fetch(ctx, hosts, abi.FetchRequest{URL: c.url})
		if got := core.KindOf(err) != core.Denied; got != c.granted {
			t.Errorf("%q to %s: %v", c.hosts, c.url, err)
		}
		if !c.granted && !strings.Contains(core.MessageOf(err), `capabilities: [{"name": "http", "hosts": [`) {
			t.Errorf("%v doesn't say what to add to the manifest", err)
		}
	}
}

// TestAttack61_SSRF: a granted name or address that leads inside is refused when
// it is dialled, however it is written.
func TestAttack61_SSRF(t *testing.T) {
	var reached bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "169.254.169.254", "10.0.0.1",
		"192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]",
	} {
		for _, at := range []string{"", ":80", ":" + port} {
			name := strings.TrimSuffix(strings.Trim(host, "[]"), ".")
			_, err := hostfuncs.NewOutbound(false).Fetch(t.Context(), []string{name}, abi.FetchRequest{URL: "http://" + host + at + "/"})
			if kind := core.KindOf(err); kind != core.Denied {
				t.Errorf("%s%s: %v, want denied", host, at, err)
			}
			if core.MessageOf(err) != "" && strings.Contains(core.MessageOf(err), "prohibited") {
				t.Errorf("the message tells about the network: %v", core.MessageOf(err))
			}
		}
	}
	if reached {
		t.Fatal("the inside was reached")
	}
}

func TestFetchChecksEveryRedirect(t *testing.T) {
	var reached bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://localhost:"+r.Host[strings.Index(r.Host, ":")+1:]+"/secret", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/secret":
			reached = true
		}
	}))
	defer server.Close()
	h := fetch(t, true, "127.0.0.1")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`/away"}`, core.Denied, "localhost")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`/file"}`, core.Invalid, "http")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`/loop"}`, core.Invalid, "redirects")
	h.ask(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`/here"}`)
	if reached {
		t.Fatal("a redirect left the granted hosts")
	}
}

func TestFetchBounds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
			return
		}
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 8<<20+1))
	}))
	defer server.Close()
	h := fetch(t, true, "127.0.0.1")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`/long"}`, core.TooLarge, "8388608")
	h.refuse(t, abi.OpHTTPFetch, `{"method":"POST","url":"`+server.URL+`","body":"`+strings.Repeat("AAAA", 1<<20/3+1)+`"}`, core.TooLarge, "1048576")
	h.refuse(t, abi.OpHTTPFetch, `{"method":"CONNECT","url":"`+server.URL+`"}`, core.Invalid, "method")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"ftp://127.0.0.1/"}`, core.Invalid, "url")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"http://user:pass@127.0.0.1/"}`, core.Invalid, "password")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`","headers":{"Host":"metadata"}}`, core.Invalid, "Host")
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`","headers":{"x":"a\r\nb: c"}}`, core.Invalid, "header")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.Call(ctx, abi.OpHTTPFetch, []byte(`{"url":"`+server.URL+`/hang"}`)); core.KindOf(err) != core.Timeout {
		t.Errorf("a server that hangs: %v", err)
	}
	server.Close()
	h.refuse(t, abi.OpHTTPFetch, `{"url":"`+server.URL+`"}`, core.Unavailable)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
