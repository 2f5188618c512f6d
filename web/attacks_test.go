package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
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
	"GET /api/v1/workspaces/:ws/deliveries":               nil,
	"GET /api/v1/workspaces/:ws/events/:id":               nil,
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
	// Many requests are in their handlers at once, and the dispatcher keeps each
	// one after its handler returned, as receipts and jobs do: memory that is
	// recycled with its request is overwritten by the next ones.
	arrived, release := make(chan struct{}, 1000), make(chan struct{})
	var mu sync.Mutex
	kept := map[string]dispatch.Request{} // by what it was when it came
	s.plugin.plays(func(r dispatch.Request) (dispatch.Answer, error) {
		arrived <- struct{}{}
		<-release
		answer, err := echo(r)
		mu.Lock()
		defer mu.Unlock()
		kept[string(answer.Response.Body)] = r
		return answer, err
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
	if len(kept) != requests {
		t.Errorf("%d different requests were seen, not %d", len(kept), requests)
	}
	for was, r := range kept {
		if is, err := echo(r); err != nil || string(is.Response.Body) != was {
			t.Fatalf("a kept request became another (%v)\nwas %s\nis  %s", err, was, is.Response.Body)
		}
	}
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
			switch {
			case route.Path == "/w/:ws/:plugin/*": // nobody's: the plugin's public routes are for all sites
				s.plugin.plays(func(r dispatch.Request) (dispatch.Answer, error) {
					if r.Actor.Type != core.ActorAnonymous {
						t.Errorf("%s %s is made as %+v", name, route.Method, r.Actor)
					}
					return dispatch.Answer{Response: abi.Response{Status: 204}}, nil
				})
				s.do(request{Method: route.Method, Path: path, Header: header}).want(204)
			case name != "says nothing": // signing somebody in to another account is an attack too
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

// TestAttack43_ALimitThatIsNullIsNotNone: a token's limits are there or are
// left out. A null is neither, and the document says so.
func TestAttack43_ALimitThatIsNullIsNotNone(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	count := func() int {
		var list struct{ Data []any }
		ada.do("GET", "/api/v1/tokens", nil).want(200).into(&list)
		return len(list.Data)
	}
	before := count()
	for place, body := range map[string]string{
		"body.scopes":    `{"name": "x", "scopes": null}`,
		"body.scopes ":   `{"name": "x", "scopes": []}`,
		"body.scopes[0]": `{"name": "x", "scopes": [null]}`,
		"body.workspace": `{"name": "x", "workspace": null}`,
		"body.expiresAt": `{"name": "x", "expiresAt": null}`,
	} {
		p := ada.do("POST", "/api/v1/tokens", []byte(body), "Content-Type", "application/json").want(400).refused(core.Invalid)
		if len(p.Errors) != 1 || p.Errors[0].Location != strings.TrimSpace(place) {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if n := count(); n != before {
		t.Errorf("%d tokens were made", n-before)
	}
	ada.do("POST", "/api/v1/tokens", map[string]any{"name": "x"}).want(201)

	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type     any
					MinItems int
				}
			}
		}
	}
	ada.do("GET", "/api/v1/openapi.json", nil).want(200).into(&d)
	name := path.Base(d.Paths["/tokens"]["post"].RequestBody.Content["application/json"].Schema.Ref)
	request := d.Components.Schemas[name].Properties
	if scopes := request["scopes"]; scopes.Type != "array" || scopes.MinItems != 1 || request["workspace"].Type != "string" || request["expiresAt"].Type != "string" {
		t.Errorf("the document says of %s: %+v", name, request)
	}
}
