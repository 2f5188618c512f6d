package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/store/sqlite"
	"github.com/carrel-dev/carrel/web"
	"github.com/carrel-dev/carrel/web/api"
	"github.com/carrel-dev/carrel/web/gateway"
	"github.com/carrel-dev/carrel/web/session"
)

// site is a server on a port of this machine, over a database and a registry of
// its own. Only what runs plugins is played.
type site struct {
	t        testing.TB
	url      string
	addr     string
	server   *web.Server
	accounts *account.Service
	registry *registry.Registry
	history  *history
	plugin   *player
	logs     *lines
	setup    string

	registryIs func(context.Context) error // ready
}

func newSite(t testing.TB) *site {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.Open(ctx, t.TempDir())
	check(t, err)
	t.Cleanup(func() { db.Close() })
	releases, err := registry.Open(ctx, t.TempDir(), registry.Config{Checker: sections{}, Logger: slog.New(slog.DiscardHandler)})
	check(t, err)
	t.Cleanup(func() { releases.Close() })
	accounts, err := account.New(ctx, account.Config{Store: db, SignUp: true, Hashing: account.Hashing{Memory: 8, Time: 1, Threads: 1, Waiting: 100}})
	check(t, err)
	setup, _, err := accounts.SetupToken(ctx)
	check(t, err)
	plans := billing.DefaultPlans()
	workspaces := workspace.New(workspace.Config{Store: db, Plans: plans, Home: "here"})

	s := &site{t: t, accounts: accounts, registry: releases, history: &history{}, plugin: &player{}, logs: &lines{}, setup: setup, registryIs: releases.Ready}
	guard := session.NewGuard(accounts, false)
	s.server = web.New(web.Config{
		Guard: guard,
		API: api.Config{
			Version: "test", Accounts: accounts, Workspaces: workspaces, Plans: plans, Registry: releases, History: s.history,
			Billing: billing.New(billing.Config{Store: db, Plans: plans}),
			Installations: workspace.NewInstallations(workspace.InstallationsConfig{
				Store: db, Plans: plans, Catalog: releases, Schemas: anySettings{}, Hooks: hooks{db},
			}),
		},
		Gateway: gateway.Config{Dispatcher: s.plugin, Workspaces: workspaces},
		Ready:   []web.Part{{Name: "database", Ready: db.Ping}, {Name: "registry", Ready: func(ctx context.Context) error { return s.registryIs(ctx) }}},
		Logger:  slog.New(slog.NewJSONHandler(s.logs, nil)),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s.addr = listener.Addr().String()
	s.url = "http://" + s.addr
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(listener) }()
	t.Cleanup(func() {
		if err := s.server.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// person is somebody with a session and an unlimited token.
type person struct {
	*site
	ID     string
	Cookie string
	Token  string
}

// person signs somebody up: the first one with the set-up token.
func (s *site) person(name string) *person {
	s.t.Helper()
	email, password := name+"@example.com", "correct horse "+name
	var who struct{ ID string }
	s.post("/api/v1/accounts", map[string]any{"email": email, "name": name, "password": password, "setupToken": s.setup}).want(201).into(&who)
	in := s.post("/api/v1/sessions", map[string]any{"email": email, "password": password}).want(201)
	cookie, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	p := &person{site: s, ID: who.ID, Cookie: cookie}
	var token struct{ Secret string }
	s.do(request{Method: "POST", Path: "/api/v1/tokens", Body: map[string]any{"name": "all"}, Header: map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}}).want(201).into(&token)
	p.Token = token.Secret
	return p
}

func (p *person) do(method, path string, body any, header ...string) *answer {
	p.t.Helper()
	h := map[string]string{"Authorization": "Bearer " + p.Token}
	for i := 0; i < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	return p.site.do(request{Method: method, Path: path, Body: body, Header: h})
}

// workspace makes a workspace on the plan that has every plugin.
func (p *person) workspace(slug string) {
	p.t.Helper()
	p.do("POST", "/api/v1/workspaces", map[string]any{"name": slug, "slug": slug, "plan": "enterprise"}).want(201)
}

type request struct {
	Method, Path string
	Body         any // marshalled, unless it is []byte
	Header       map[string]string
}

type answer struct {
	t testing.TB
	*http.Response
	Bytes []byte
}

// client never follows redirects and keeps no cookies.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (s *site) do(r request) *answer {
	s.t.Helper()
	var body io.Reader
	raw, isRaw := r.Body.([]byte)
	switch {
	case isRaw:
		body = bytes.NewReader(raw)
	case r.Body != nil:
		encoded, err := json.Marshal(r.Body)
		check(s.t, err)
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), r.Method, s.url+r.Path, body)
	check(s.t, err)
	if body != nil && !isRaw {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	check(s.t, err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	check(s.t, err)
	return &answer{s.t, res, all}
}

func (s *site) post(path string, body any) *answer {
	s.t.Helper()
	return s.do(request{Method: "POST", Path: path, Body: body})
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.Bytes)
	}
	return a
}

func (a *answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Bytes, v); err != nil {
		a.t.Fatalf("%v in %s", err, a.Bytes)
	}
}

// problem is a problem document as clients read it.
type problem struct {
	Type, Title, Kind, Detail, RequestID string
	Status                               int
	Errors                               []struct{ Location, Message string }
}

// refused checks that the answer is a problem of a kind, complete in form.
func (a *answer) refused(kind core.Kind) (p problem) {
	a.t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Fatalf("%s %s: content type %q of %d %s", a.Request.Method, a.Request.URL.Path, got, a.StatusCode, a.Bytes)
	}
	a.into(&p)
	if p.Kind != string(kind) || p.Type != "urn:carrel:problem:"+string(kind) || p.Status != a.StatusCode || p.Title == "" || p.Detail == "" {
		a.t.Fatalf("%s %s: want kind %s, got %d %s", a.Request.Method, a.Request.URL.Path, kind, a.StatusCode, a.Bytes)
	}
	if p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		a.t.Fatalf("request id %q in the body, %q in the header", p.RequestID, a.Header.Get("X-Request-Id"))
	}
	return p
}

// at checks that the problem names a place.
func (p problem) at(t testing.TB, location, says string) {
	t.Helper()
	for _, e := range p.Errors {
		if e.Location == location && strings.Contains(e.Message, says) {
			return
		}
	}
	t.Fatalf("want %q at %s, got %+v", says, location, p.Errors)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// sections believes the manifest a module carries.
type sections struct{}

func (sections) Check(_ context.Context, module []byte) (m abi.Manifest, err error) {
	_, rest, ok := bytes.Cut(module, []byte(abi.ManifestSection))
	if !ok {
		return m, core.E("sections", core.Invalid, "There is no manifest.")
	}
	return m, json.Unmarshal(rest, &m)
}

// module is the smallest module that declares this manifest.
func module(m abi.Manifest) []byte {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	name := append(leb(len(abi.ManifestSection)), abi.ManifestSection...)
	content := append(name, raw...)
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00\x00"), leb(len(content)), content)
}

func leb(n int) (out []byte) {
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// crm is the manifest the tests install.
func crm() abi.Manifest {
	return abi.Manifest{
		ABI: abi.Version, Name: "crm", Publisher: "carrel", Version: "1.0.0", Title: "CRM", Summary: "People you know", License: "Apache-2.0",
		Permissions:  []abi.Permission{{Name: "crm.contacts.read", Doc: "See contacts", Roles: []string{"member"}}},
		Capabilities: []abi.CapabilityRequest{{Name: abi.CapabilityData, Reason: "Keeps your contacts."}},
		Tables:       []abi.Table{{Name: "contacts", Fields: []abi.Field{{Name: "email", Type: abi.TypeEmail}}}},
		Docs:         abi.Docs{API: "How to use the contacts."},
		Routes: []abi.Route{
			{Method: "GET", Path: "/contacts", Kind: abi.KindQuery, Handler: "list", Permission: "crm.contacts.read", Doc: "List contacts",
				Query: []abi.Parameter{{Name: "limit", Doc: "How many"}}, Response: json.RawMessage(`{"type":"object"}`)},
			{Method: "POST", Path: "/contacts", Kind: abi.KindMutation, Handler: "create", Permission: "crm.contacts.read",
				Request: json.RawMessage(`{"type":"object","properties":{"email":{"type":"string"}}}`)},
			{Method: "GET", Path: "/contacts/:id", Kind: abi.KindQuery, Handler: "get", Permission: "crm.contacts.read"},
			{Method: "POST", Path: "/form", Kind: abi.KindMutation, Handler: "form", Public: true},
			{Method: "POST", Path: "/import", Kind: abi.KindMutation, Handler: "import", Raw: true, Permission: "crm.contacts.read"},
		},
	}
}

// publish publishes a manifest as a release.
func (s *site) publish(m abi.Manifest) core.Release {
	s.t.Helper()
	release, err := s.registry.Publish(s.t.Context(), registry.Publication{Module: module(m)})
	check(s.t, err)
	return release
}

// install installs crm in a workspace of a person.
func (p *person) install(ws string) {
	p.t.Helper()
	p.do("POST", "/api/v1/workspaces/"+ws+"/installations", map[string]any{
		"plugin": "crm", "grants": []map[string]any{{"capability": "data"}},
	}).want(201)
}
