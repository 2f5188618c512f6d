package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"golang.org/x/sync/errgroup"
)

// form is an answer without what differs between any two answers.
func form(a *answer) string {
	h := maps.Clone(a.Header)
	h.Del("Date")
	h.Del("X-Request-Id")
	var b strings.Builder
	fmt.Fprintln(&b, a.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fmt.Fprintln(&b, name, h[name])
	}
	return b.String() + regexp.MustCompile(`req_[0-9a-f]{32}`).ReplaceAllString(string(a.Bytes), "req_")
}

// bodies are valid requests of the routes inside a workspace that take one.
var bodies = map[string]any{
	"PATCH /api/v1/workspaces/:ws":                        map[string]any{"name": "Mine now"},
	"POST /api/v1/workspaces/:ws/members":                 map[string]any{"email": "bob@example.com", "role": "owner"},
	"PATCH /api/v1/workspaces/:ws/members/:account":       map[string]any{"role": "owner"},
	"POST /api/v1/workspaces/:ws/installations":           map[string]any{"plugin": "crm", "grants": []any{map[string]any{"capability": "data"}}},
	"POST /api/v1/workspaces/:ws/installations/preview":   map[string]any{"plugin": "crm"},
	"PATCH /api/v1/workspaces/:ws/installations/:plugin":  map[string]any{"state": "disabled"},
	"PUT /api/v1/workspaces/:ws/plan":                     map[string]any{"plan": "starter"},
	"POST /api/v1/workspaces/:ws/deliveries/:id/redrive":  map[string]any{},
	"DELETE /api/v1/workspaces/:ws":                       nil,
	"DELETE /api/v1/workspaces/:ws/members/:account":      nil,
	"DELETE /api/v1/workspaces/:ws/installations/:plugin": nil,
	"GET /api/v1/workspaces/:ws/members":                  nil,
	"GET /api/v1/workspaces/:ws":                          nil,
	"GET /api/v1/workspaces/:ws/installations":            nil,
	"GET /api/v1/workspaces/:ws/installations/:plugin":    nil,
	"GET /api/v1/workspaces/:ws/plan":                     nil,
	"GET /api/v1/workspaces/:ws/usage":                    nil,
	"GET /api/v1/workspaces/:ws/audit":                    nil,
	"GET /api/v1/workspaces/:ws/events":                   nil,
	"GET /api/v1/workspaces/:ws/invocations":              nil,
	"GET /api/v1/workspaces/:ws/invocations/:id":          nil,
	"GET /api/v1/workspaces/:ws/deliveries/:id":           nil,
	"GET /api/v1/workspaces/:ws/openapi.json":             nil,
}

func TestAttack01_AForeignWorkspaceLooksExactlyLikeAMissingOne(t *testing.T) {
	s := newSite(t)
	ada, bob := s.person("ada"), s.person("bob")
	s.publish(crm())
	ada.workspace("acme")
	ada.install("acme")
	var acme struct{ ID string }
	ada.do("GET", "/api/v1/workspaces/acme", nil).want(200).into(&acme)

	walked := 0
	for _, route := range s.server.Routes() {
		name := route.Method + " " + route.Path
		if !strings.Contains(route.Path, "/api/v1/workspaces/:ws") {
			continue
		}
		body, ok := bodies[name]
		if !ok {
			t.Fatalf("%s has no case", name)
		}
		walked++
		path := func(ws string) string {
			p := strings.NewReplacer(":ws", ws, ":plugin", "crm", ":account", ada.ID, ":id", "inv_01890a5d-ac96-774b-bcce-b302099a8057").Replace(route.Path)
			switch name {
			case "DELETE /api/v1/workspaces/:ws":
				p += "?slug=acme"
			case "DELETE /api/v1/workspaces/:ws/installations/:plugin":
				p += "?data=erase"
			}
			return p
		}
		missing := form(bob.do(route.Method, path("acne"), body).want(404))
		for _, foreign := range []string{"acme", acme.ID} {
			if got := form(bob.do(route.Method, path(foreign), body).want(404)); got != missing {
				t.Errorf("%s\nforeign: %s\nmissing: %s", name, got, missing)
			}
		}
	}
	if walked != len(bodies) {
		t.Errorf("%d cases for %d routes", len(bodies), walked)
	}
	ada.do("GET", "/api/v1/workspaces/acme/installations/crm", nil).want(200)

	// A token bound to one workspace is a stranger in another of its own account.
	ada.workspace("other")
	var bound struct{ Secret string }
	ada.do("POST", "/api/v1/tokens", map[string]any{"name": "bound", "workspace": "other"}).want(201).into(&bound)
	narrow := &person{site: s, Token: bound.Secret}
	narrow.do("GET", "/api/v1/workspaces/other", nil).want(200)
	if foreign, missing := form(narrow.do("GET", "/api/v1/workspaces/acme", nil)), form(narrow.do("GET", "/api/v1/workspaces/acne", nil).want(404)); foreign != missing {
		t.Errorf("foreign: %s\nmissing: %s", foreign, missing)
	}
	narrow.do("POST", "/api/v1/workspaces", map[string]any{"name": "x"}).want(403).refused(core.Denied)
	narrow.do("GET", "/api/v1/tokens", nil).want(403).refused(core.Denied)
}

func TestAttack08_ThousandParallelRequestsNeverMix(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	// Each request waits in its handler until many are under way, so that a
	// string that is recycled with its request has time to be overwritten.
	arrived, release := make(chan struct{}, 1000), make(chan struct{})
	s.plugin.plays(func(r dispatch.Request) (dispatch.Answer, error) {
		arrived <- struct{}{}
		<-release
		return echo(r)
	})
	const parallel, requests = 100, 1000
	go func() {
		for range parallel {
			<-arrived
		}
		close(release)
	}()
	transport := &http.Transport{MaxConnsPerHost: parallel, MaxIdleConnsPerHost: parallel}
	defer transport.CloseIdleConnections()
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range requests {
		g.Go(func() error {
			canary := fmt.Sprintf("canary%04d%s", i, strings.Repeat("x", i%97))
			body, err := json.Marshal(map[string]string{"c": canary})
			if err != nil {
				return err
			}
			req, err := http.NewRequest("POST", s.url+"/w/acme/crm/"+canary+"?c="+canary+"&filter[c]="+canary, bytes.NewReader(body))
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"Authorization": "Bearer " + ada.Token, "User-Agent": canary, "Webhook-Signature": canary, "Idempotency-Key": canary} {
				req.Header.Set(name, value)
			}
			res, err := transport.RoundTrip(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			var got echoed
			if err := json.Unmarshal(answer, &got); err != nil {
				return fmt.Errorf("%w in %s", err, answer)
			}
			want := echoed{Workspace: "acme", Alias: "crm", Actor: got.Actor, Key: canary, HTTP: abi.Request{
				Method: "POST", Path: "/" + canary, Query: map[string]string{"c": canary, "filter[c]": canary}, Raw: body,
				Headers: map[string]string{"user-agent": canary, "webhook-signature": canary},
			}}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			if !bytes.Equal(a, b) {
				return fmt.Errorf("got %s\nwant %s", a, b)
			}
			return nil
		})
	}
	check(t, g.Wait())
}

func TestAttack11_LogsHoldOnlyWhoAskedForWhat(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	s.plugin.plays(func(dispatch.Request) (dispatch.Answer, error) {
		return dispatch.Answer{}, core.E("crm.create", core.Invalid, "the contact canary-contact@example.com is wrong")
	})
	ada.do("POST", "/w/acme/crm/contacts?filter[email]=canary-query@example.com", map[string]any{"email": "canary-body@example.com"}, "User-Agent", "canary-agent").want(400)
	if logs := s.logs.String(); strings.Contains(logs, "canary") || !strings.Contains(logs, `"path":"/w/acme/crm/contacts"`) {
		t.Errorf("the log: %s", logs)
	}
}

func TestAttack45_EveryChangeRefusesOtherSites(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	walked := 0
	for _, route := range s.server.Routes() {
		if route.Method == "GET" || route.Method == "OPTIONS" {
			continue
		}
		walked++
		path := strings.NewReplacer(":ws", "acme", ":plugin", "crm", "*", "contacts", ":id", "x", ":account", "x", ":digest", "x").Replace(route.Path)
		for name, header := range map[string]map[string]string{
			"cross-site":     {"Sec-Fetch-Site": "cross-site", "Origin": s.url},
			"same-site":      {"Sec-Fetch-Site": "same-site"},
			"rubbish":        {"Sec-Fetch-Site": "same-origin, cross-site"},
			"another origin": {"Origin": "http://evil.example"},
			"another port":   {"Origin": "http://127.0.0.1:1"},
			"null origin":    {"Origin": "null"},
			"says nothing":   {},
		} {
			header["Cookie"] = ada.Cookie
			s.do(request{Method: route.Method, Path: path, Header: header}).want(403).refused(core.Denied)
			delete(header, "Cookie")
			if name != "says nothing" { // signing somebody in to another account is an attack too
				s.do(request{Method: route.Method, Path: path, Header: header}).want(403).refused(core.Denied)
			}
		}
	}
	if walked < 15 {
		t.Errorf("only %d routes change something", walked)
	}
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "same-origin"}, {"Origin": s.url}} {
		header["Cookie"] = ada.Cookie
		s.do(request{Method: "PATCH", Path: "/api/v1/workspaces/acme", Body: map[string]any{"name": "Acme"}, Header: header}).want(200)
	}
}

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

func TestAttack48_AnswersOfPluginsCannotRedirectOrRunInABrowser(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	s.plugin.plays(func(dispatch.Request) (dispatch.Answer, error) {
		return dispatch.Answer{Response: abi.Response{Status: 200, Raw: []byte("<script>alert(1)</script>"), Headers: map[string]string{
			"content-type": "text/html", "content-disposition": `inline; filename="../x.html"`, "x-frame-options": "ALLOWALL",
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

// TestFault17_ACutUploadIsNoRelease: the server waits for the length it was
// told, and a module that never arrives whole is never published.
func TestFault17_ACutUploadIsNoRelease(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	wasm := module(crm())
	head := "POST /api/v1/releases HTTP/1.1\r\nHost: " + s.addr + "\r\nAuthorization: Bearer " + ada.Token + "\r\nContent-Type: application/wasm\r\n"
	for cut := 0; cut < len(wasm); cut += len(wasm)/16 + 1 {
		whole := fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, len(wasm))
		if answer := s.talk(whole + string(wasm[:cut])); strings.HasPrefix(answer, "HTTP/1.1 2") {
			t.Errorf("cut at %d: %s", cut, answer)
		}
		chunk := fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", head, cut, wasm[:cut])
		if answer := s.talk(chunk); cut > 0 && strings.HasPrefix(answer, "HTTP/1.1 2") {
			t.Errorf("chunks cut at %d: %s", cut, answer)
		}
	}
	var market struct{ Data []any }
	ada.do("GET", "/api/v1/marketplace", nil).want(200).into(&market)
	if len(market.Data) != 0 {
		t.Errorf("published: %v", market.Data)
	}
	// What arrives whole but is not what was sent is refused by its digest.
	ada.do("POST", "/api/v1/releases", wasm, "Content-Type", "application/wasm", "X-Carrel-Digest", "sha256:"+strings.Repeat("0", 64)).want(400).refused(core.Invalid)
	ada.do("POST", "/api/v1/releases", wasm, "Content-Type", "application/wasm").want(201)
}

func TestAttack51_NoSecretInLogsURLsOrAnswers(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	_, cookie, _ := strings.Cut(ada.Cookie, "=")
	secrets := map[string]string{"password": "correct horse ada", "cookie": cookie, "token": ada.Token, "set-up token": s.setup}
	s.plugin.plays(func(dispatch.Request) (dispatch.Answer, error) { panic("a bug") })
	s.do(request{Method: "GET", Path: "/w/acme/crm/x?token=" + ada.Token + "&setup=" + s.setup, Header: map[string]string{"Cookie": ada.Cookie}}).want(500).refused(core.Internal)
	ada.do("GET", "/w/acme/crm/x", nil, "Referer", "https://x.example/?t="+ada.Token, "X-Api-Key", ada.Token).want(500)
	s.do(request{Method: "GET", Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer " + ada.Token + "x"}}).want(401).refused(core.Unauthenticated)
	s.do(request{Method: "GET", Path: "/api/v1/me", Header: map[string]string{"Authorization": "Basic " + ada.Token}}).want(401).refused(core.Unauthenticated)
	s.talk("GET /api/v1/me HTTP/1.1\r\nAuthorization: Bearer " + ada.Token + "\r\nbad header " + ada.Token + "\r\n\r\n")
	logs := s.logs.String()
	for what, secret := range secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("the %s is in the log", what)
		}
	}
	if !strings.Contains(logs, "a bug") {
		t.Error("the cause of a 500 is not in the log")
	}

	var seen *abi.Request
	s.plugin.plays(func(r dispatch.Request) (dispatch.Answer, error) { seen = &r.HTTP; return echo(r) })
	ada.do("GET", "/w/acme/crm/x", nil, "Cookie", ada.Cookie, "Proxy-Authorization", "Basic "+ada.Token, "X-Forwarded-For", "1.2.3.4", "Referer", s.url+"/?"+ada.Token).want(200)
	if raw, _ := json.Marshal(seen); bytes.Contains(raw, []byte(ada.Token)) || bytes.Contains(raw, []byte(cookie)) || bytes.Contains(raw, []byte("1.2.3.4")) {
		t.Errorf("the guest sees %s", raw)
	}
	for path, method := range map[string]string{"/api/v1/me": "GET", "/api/v1/tokens": "GET", "/api/v1/workspaces": "GET"} {
		a := ada.do(method, path, nil).want(200)
		for what, secret := range secrets {
			if bytes.Contains(a.Bytes, []byte(secret)) {
				t.Errorf("%s answers the %s", path, what)
			}
		}
		if got := a.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", path, got)
		}
	}
	ada.do("DELETE", "/api/v1/sessions/current", nil, "Cookie", ada.Cookie).want(204)
	s.do(request{Method: "GET", Path: "/api/v1/me", Header: map[string]string{"Cookie": ada.Cookie}}).want(401)
}
