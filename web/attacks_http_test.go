package web_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
)

// targets are paths and headers that mean something else to somebody.
var targets = []string{
	"/w/acme/crm/../../etc/passwd", "/w/acme/crm/..%2f..%2fetc%2fpasswd", "/w/acme/crm/%2e%2e/%2e%2e/x", "/w/acme/crm/%252e%252e%252fx",
	"/w/acme/crm/..%5c..%5cx", "/w/acme/crm/a%00b", "/w/acme/crm/a%0d%0aSet-Cookie:x=y", "/w/acme/crm/%c0%ae%c0%ae/x", "/w/acme//evil.example/x",
	"//evil.example/w/acme/crm", "/w//evil.example/crm/x", "/\\evil.example", "/w/acme/crm/%", "/w/acme/crm/%zz", "/w/acme/crm/./x", "/w/%2e%2e/crm/x",
	"/console/../w/acme/crm/x", "/w/acme/crm/x;y=z", "/w/acme/crm/x?a=%0d%0ab", "/w/acme/crm/x?next=//evil.example", "/w/acme/crm/-/secret",
}

// TestAttack48_PathsAndHeaders: whatever is asked, nothing is redirected, no
// header is injected, and a guest never sees a path that was not sent. The
// fuzzing of the parser itself is FuzzAttack48_Target in package gateway.
func TestAttack48_PathsAndHeaders(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	var guest *abi.Request
	s.plugin.plays(func(r dispatch.Request) (dispatch.Answer, error) {
		guest = &r.HTTP
		return echo(r)
	})
	reached := 0
	ask := func(target, header string) {
		guest = nil
		answer := s.talk("GET " + target + " HTTP/1.1\r\nHost: " + s.addr + "\r\nAuthorization: Bearer " + ada.Token +
			"\r\nUser-Agent: " + header + "\r\nConnection: close\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
		if err != nil {
			t.Fatalf("%q %q: %v", target, header, err)
		}
		res.Body.Close()
		if res.StatusCode >= 300 && res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%q: status %d", target, res.StatusCode)
		}
		for _, name := range []string{"Location", "Set-Cookie", "Refresh"} {
			if value := res.Header.Get(name); value != "" {
				t.Errorf("%q: %s: %s", target, name, value)
			}
		}
		if guest == nil {
			return
		}
		reached++
		raw, _, _ := strings.Cut(strings.TrimPrefix(target, "/w/acme/crm"), "?")
		if decoded, err := url.PathUnescape(raw); err != nil || decoded != guest.Path || strings.Count(raw, "/") != strings.Count(guest.Path, "/") {
			t.Errorf("%q became %q", target, guest.Path)
		}
	}
	for _, target := range targets {
		ask(target, "plain")
		ask("/w/acme/crm/x", target)
	}
	if reached < len(targets) {
		t.Errorf("only %d requests reached a guest", reached)
	}
}

// TestAttack48_AnswersOfPluginsCannotRedirectOrRunInABrowser: HTML is a page
// without scripts and without an origin; what else can run is a download.
func TestAttack48_AnswersOfPluginsCannotRedirectOrRunInABrowser(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	kind := "image/svg+xml"
	s.plugin.plays(func(dispatch.Request) (dispatch.Answer, error) {
		return dispatch.Answer{Response: abi.Response{Status: 200, Raw: []byte("<script>alert(1)</script>"), Headers: map[string]string{
			"content-type": kind, "content-disposition": `inline; filename="../x.html"`, "x-frame-options": "ALLOWALL",
			"content-security-policy": "default-src *", "x-request-id": "mine", "x-note": "kept",
		}}}, nil
	})
	a := ada.do("GET", "/w/acme/crm/page", nil).want(200)
	for name, want := range map[string]string{
		"Content-Disposition": "attachment", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "X-Note": "kept",
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
	} {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(a.Header.Get("X-Request-Id"), "req_") {
		t.Errorf("X-Request-Id: %q", a.Header.Get("X-Request-Id"))
	}
	for _, kind = range []string{"text/javascript", "application/javascript; charset=utf-8", "text/JavaScript1.5", "application/x-ecmascript", "text/css"} {
		if a := ada.do("GET", "/w/acme/crm/page", nil).want(200); a.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("a page of this server could run %s: %s", kind, a.Header.Get("Content-Type"))
		}
	}
	kind = "text/html; charset=utf-7"
	a = ada.do("GET", "/w/acme/crm/page", nil).want(200)
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-forms",
	} {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// talk sends bytes and returns all that comes back until the server closes.
func (s *site) talk(sent string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	check(s.t, err)
	defer conn.Close()
	check(s.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, sent)
	check(s.t, err)
	check(s.t, conn.(*net.TCPConn).CloseWrite())
	all, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.t.Fatalf("%v after %q", err, all)
	}
	return string(all)
}

func TestAttack49_ARequestHasOneLength(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	smuggled := "GET /healthz?smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	head := "POST /w/acme/crm/x HTTP/1.1\r\nHost: " + s.addr + "\r\nAuthorization: Bearer " + ada.Token + "\r\n"
	for name, sent := range map[string]string{
		"two lengths":              head + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled,
		"the same length twice":    head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + smuggled,
		"length and chunks":        head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunks and length":        head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled,
		"another encoding":         head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"two encodings":            head + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"identity and length":      head + "Transfer-Encoding: identity\r\nContent-Length: 44\r\n\r\n" + smuggled,
		"a space before the colon": head + "Content-Length : 44\r\n\r\n" + smuggled,
		"a negative length":        head + "Content-Length: -1\r\n\r\n" + smuggled,
		"a length with a sign":     head + "Content-Length: +44\r\n\r\n" + smuggled,
		"a length in hexadecimal":  head + "Content-Length: 0x2c\r\n\r\n" + smuggled,
		"a length too large":       head + "Content-Length: 18446744073709551660\r\n\r\n" + smuggled,
		"a folded length":          head + "X: y\r\n Content-Length: 44\r\n\r\n" + smuggled,
		"a chunk without a size":   head + "Transfer-Encoding: chunked\r\n\r\n\r\n" + smuggled,
		"a chunk of wrong size":    head + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n" + smuggled,
		"two hosts":                head + "Host: evil.example\r\nContent-Length: 0\r\n\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			answers := s.talk(sent)
			if n := strings.Count(answers, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(answers, "HTTP/1.1 400 ") {
				t.Errorf("%d answers, not one 400: %q", n, answers)
			}
		})
	}
	// The same on a good connection is two requests.
	if answers := s.talk(head + "Content-Length: 1\r\n\r\nx" + smuggled); strings.Count(answers, "HTTP/1.1 200 ") != 2 {
		t.Errorf("a plain pipeline: %q", answers)
	}
}

// TestAttack24_UploadsAreCounted: an account that has uploaded as much as it may
// is refused before anybody looks at the module, be it a good one.
func TestAttack24_UploadsAreCounted(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	upload := func(module []byte) *answer {
		return ada.do("POST", "/api/v1/releases", module, "Content-Type", "application/wasm")
	}
	for range 30 {
		upload([]byte("not a module")).want(400).refused(core.Invalid)
	}
	refusal := upload(module(crm())).want(429).refused(core.RateLimited)
	if !strings.Contains(refusal.Detail, "Try again in") {
		t.Errorf("nobody is told when: %s", refusal.Detail)
	}
	var market struct{ Data []any }
	ada.do("GET", "/api/v1/marketplace", nil).want(200).into(&market)
	if len(market.Data) != 0 {
		t.Errorf("published: %v", market.Data)
	}
}
