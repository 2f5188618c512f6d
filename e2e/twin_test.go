package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/adapters/smtp/smtptest"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// canary is in everything of acme that has a text. It must be in no byte that
// anybody of beta gets.
const canary = "canary-7f3a"

// twins are two workspaces with the same plugins: acme of alice, whose texts
// all hold the canary, and beta of bob. Neither is in the other's.
type twins struct {
	*world
	alice, bob *person
	acme, beta string

	note, contact, company, pipeline, imported string // documents of acme
	event, invocation, delivery, token         string
	picture                                    string // the digest of a blob of acme's

	mails map[string]*smtptest.Server // by workspace
	ids   []string                    // of alice, acme and its contract
}

func newTwins(t *testing.T) *twins {
	s := &twins{world: newWorldWith(t, withMetrics, "crm", "hostile/probe")}
	s.alice, s.bob = s.SignUp("alice-"+canary), s.SignUp("bob")
	s.acme = As(s.alice).Workspace("acme-"+canary, "enterprise")
	s.beta = As(s.bob).Workspace("beta", "enterprise")
	s.mails = map[string]*smtptest.Server{}
	for _, m := range []member{s.ofAlice(), s.ofBob()} {
		m.Install("crm")
		s.mails[m.workspace] = smtptest.Start(t, smtptest.Options{})
		m.API("POST", "/installations", body{"plugin": "probe", "grants": m.asked("probe"),
			"settings": body{"color": "red-" + m.workspace, "key": "key-" + m.workspace, "smtp": body{
				"host": smtptest.Host, "port": s.mails[m.workspace].Port, "security": "none", "fromAddress": "office@" + m.workspace + ".example",
			}}}).want(201)
	}
	s.note = s.newNote()
	s.contact = s.ofAlice().Call("crm", "POST /contacts", body{"email": "c@" + canary + ".com", "name": canary}).want(201).text("id")
	s.company = s.ofAlice().Call("crm", "POST /companies", body{"name": canary}).want(201).text("id")
	s.pipeline = s.ofAlice().Call("crm", "GET /pipelines", nil).want(200).list("data")[0].(map[string]any)["id"].(string)
	s.imported = s.ofAlice().Call("crm", "POST /contacts/import", []byte("email,name\nd@"+canary+".com,"+canary+"\nbad,"+canary+"\n")).want(202).text("id")
	s.imports(s.ofAlice(), s.imported)
	s.picture = s.ofAlice().Call("probe", "POST /pictures?title="+canary, []byte(canary)).want(200).text("digest")
	s.ask(s.ofAlice(), abi.OpEventsEmit, body{"type": "probe.noted", "version": 1, "data": body{"title": canary}})
	s.event = s.first(s.ofAlice().API("GET", "/events", nil))
	s.restart() // what the log of invocations has in memory is on disk after it
	s.invocation = s.first(s.ofAlice().API("GET", "/invocations", nil))
	contracts := s.ofAlice().API("GET", "/plan", nil).want(200).list("contracts")
	s.ids = []string{
		s.alice.send("GET", "/api/v1/me", nil).want(200).text("id"), s.ofAlice().API("GET", "", nil).want(200).text("id"),
		contracts[0].(map[string]any)["id"].(string),
	}
	s.delivery = s.schedule()
	s.token = s.newToken()
	return s
}

func (s *twins) ofAlice() member { return As(s.alice).In(s.acme) }
func (s *twins) ofBob() member   { return As(s.bob).In(s.beta) }

func (s *twins) first(list answer) string {
	return list.want(200).list("data")[0].(map[string]any)["id"].(string)
}

// unique is a word that was never used before; name is one with the canary.
func unique() string { return fmt.Sprintf("u%d", uniques.Add(1)) }

var uniques atomic.Int64

func (s *twins) name() string { return canary + "-" + unique() }

func (s *twins) newNote() string {
	name := s.name()
	return s.ofAlice().Call("probe", "POST /notes", body{"title": name, "label": name}).want(201).text("id")
}

func (s *twins) newToken() string {
	return s.alice.send("POST", "/api/v1/tokens", body{"name": canary}, s.cookie(s.alice)...).want(201).text("id")
}

// schedule makes a delivery of acme that will not be due while the test runs.
func (s *twins) schedule() string {
	told := s.ask(s.ofAlice(), abi.OpJobsSchedule, body{"handler": "note", "payload": body{"title": canary}, "delayMs": 3_600_000})
	return told["response"].(map[string]any)["id"].(string)
}

// setAside makes a delivery look as if all its attempts had failed.
func (s *twins) setAside(id string) {
	s.exec("UPDATE deliveries SET state = 'set_aside', due = NULL WHERE id = ?", id)
}

// ask has the probe of somebody's workspace ask the host for an operation.
func (s *twins) ask(m member, op abi.Op, request any) map[string]any {
	s.Helper()
	route := "POST /ask"
	if op == abi.OpHTTPFetch || op == abi.OpMutate || op == abi.OpMailSend {
		route = "POST /act"
	}
	return m.Call("probe", route, body{"op": op, "request": request}).want(200).object()
}

// cookie signs somebody in, as a browser does.
func (s *twins) cookie(p *person) []header {
	in := p.send("POST", "/api/v1/sessions", body{"email": p.email, "password": password}).want(201)
	return []header{
		{"Cookie", strings.Split(in.header.Get("Set-Cookie"), ";")[0]},
		{"Origin", s.url}, {"Authorization", ""},
	}
}

// call is a request that both will make.
type call struct {
	method, path string
	in           any
	headers      []header
	console      bool   // a page: the visitor is a browser with a cookie
	slug         string // of the workspace of alice's it is about; empty: acme
}

func (c call) by(s *twins, p *person) answer {
	headers := c.headers
	if c.console {
		headers = append(slices.Clone(headers), s.cookie(p)...)
	}
	return p.send(c.method, c.path, c.in, headers...)
}

// TestAttack01_TwinWorkspaces walks every address of the server. Each request
// first gives its owner what they asked for; then the other workspace's
// credentials get, to the byte, what they get for something that isn't there.
func TestAttack01_TwinWorkspaces(t *testing.T) {
	s := newTwins(t)
	cases := routeCases()
	for _, route := range s.app.Routes() {
		name := route.Method + " " + route.Path
		c, ok := cases[name]
		if !ok {
			t.Errorf("%s: no case: say in routeCases how its owner uses it, or why nothing of a workspace is behind it", name)
			continue
		}
		delete(cases, name)
		t.Run(strings.NewReplacer("/", " ", "*", "any").Replace(name), func(t *testing.T) {
			s := s.within(t)
			if c.open != "" {
				s.checkOpen(c)
				return
			}
			for _, one := range c.calls(s) {
				s.checkForeign(one)
			}
		})
	}
	for name := range cases {
		t.Errorf("%s: a case for an address the server doesn't have", name)
	}
	s.nobodyIn(s.scrape())
}

// within is the same twins, reporting to a subtest.
func (s *twins) within(t *testing.T) *twins {
	w := *s.world
	w.T = t
	inner := *s
	inner.world = &w
	at := func(p *person) *person {
		moved := *p
		moved.w = &w
		return &moved
	}
	inner.alice, inner.bob, w.root = at(s.alice), at(s.bob), at(s.root)
	return &inner
}

// checkForeign makes a call as its owner and then as the other, who must see
// what they see where there is nothing: in a workspace that doesn't exist, and
// in their own workspace under ids that don't.
func (s *twins) checkForeign(make func() call) {
	s.Helper()
	own := make()
	if a := own.by(s, s.alice); a.status >= 400 {
		s.Errorf("the owner's %s: %d %.300s", a.request, a.status, a.raw)
		return
	}
	c := make()
	slug := cmp.Or(c.slug, s.acme)
	foreign := c.by(s, s.bob)
	nowhere := c
	nowhere.path = strings.ReplaceAll(c.path, slug, strings.Repeat("x", len(slug)))
	if nowhere.path == c.path { // of no workspace: it names something by its id
		nowhere.path = idPattern.ReplaceAllStringFunc(c.path, unknownID)
	}
	s.same(foreign, nowhere.by(s, s.bob))

	inside, missing := make(), make()
	inside.path = strings.Replace(inside.path, cmp.Or(inside.slug, s.acme), s.beta, 1)
	missing.path = idPattern.ReplaceAllStringFunc(inside.path, unknownID)
	if missing.path == inside.path { // it names nothing below the workspace
		if inside.method == "GET" { // a list of the other workspace holds what is its own
			s.clean(inside.by(s, s.bob))
		}
		return
	}
	s.same(inside.by(s, s.bob), missing.by(s, s.bob))
}

var idPattern = regexp.MustCompile(`\b((doc|evt|inv|dlv|ins|acc|tok)_[0-9a-f-]{36}|sha256:[0-9a-f]{64})`)

// unknownID is an id of the same kind that was never given out, or the digest of
// nothing.
func unknownID(id string) string {
	if strings.HasPrefix(id, "sha256:") {
		return "sha256:" + strings.Repeat("0", 64)
	}
	return id[:strings.IndexByte(id, '_')+1] + "01900000-0000-7000-8000-000000000000"
}

var requestID = regexp.MustCompile(`req_[0-9a-f]{32}`)

// same compares two refusals to the byte, but for the request's own id.
func (s *twins) same(foreign, missing answer) {
	s.Helper()
	s.clean(foreign)
	plain := func(a answer) string {
		var b strings.Builder
		fmt.Fprintln(&b, a.status)
		for _, name := range slices.Sorted(maps.Keys(a.header)) {
			if name != "Date" {
				fmt.Fprintln(&b, name, a.header[name])
			}
		}
		b.Write(a.raw)
		return requestID.ReplaceAllString(b.String(), "req_")
	}
	if foreign.status < 400 {
		s.Errorf("%s by the other workspace: %d %.300s", foreign.request, foreign.status, foreign.raw)
	}
	if got, want := plain(foreign), plain(missing); got != want {
		s.Errorf("%s by the other workspace, and where there is nothing (%s):\n%s\n---\n%s", foreign.request, missing.request, got, want)
	}
}

// clean finds what is acme's in what the other workspace got: the canary, and
// the ids of what has no text to hold one.
func (s *twins) clean(a answer) {
	s.Helper()
	text := fmt.Sprint(a.header) + string(a.raw)
	for _, mark := range append(s.ids, canary) {
		if strings.Contains(text, mark) {
			s.Errorf("%s: the other workspace's canary is in the answer: %s in %.600s", a.request, mark, text)
		}
	}
}

// checkOpen makes a call that has nothing to do with a workspace: it works for
// anybody it is for, and shows nothing of acme.
func (s *twins) checkOpen(c routeCase) {
	s.Helper()
	by := s.bob
	if c.root {
		by = s.root
	}
	for _, make := range c.calls(s) {
		a := make().by(s, by)
		if a.status >= 400 {
			s.Errorf("%s: %d %.300s", a.request, a.status, a.raw)
		}
		s.clean(a)
	}
}

// TestAttack01_TwinHostFunctions asks for every host function in acme, and then
// from beta with the very same request. What names a document of acme finds
// nothing, what lists shows beta's own, and what writes leaves acme as it was.
func TestAttack01_TwinHostFunctions(t *testing.T) {
	s := newTwins(t)
	cases := operationCases()
	for _, o := range hostfuncs.Ops() {
		make, ok := cases[o.Name]
		if !ok {
			t.Errorf("%s: no case: say in operationCases how its owner asks for it", o.Name)
			continue
		}
		delete(cases, o.Name)
		t.Run(o.Name, func(t *testing.T) {
			s := s.within(t)
			if told := s.ask(s.ofAlice(), o.Op, make(s)); told["status"] != 0.0 && o.Op != abi.OpHTTPFetch {
				t.Fatalf("the owner is told %v", told)
			}
			request := make(s)
			before := s.portrait()
			told := s.ask(s.ofBob(), o.Op, request)
			encoded, _ := json.Marshal(told)
			ids := idPattern.FindString(fmt.Sprint(request))
			if ids != "" {
				raw, _ := json.Marshal(request)
				var unknown any
				_ = json.Unmarshal([]byte(idPattern.ReplaceAllStringFunc(string(raw), unknownID)), &unknown)
				missing, _ := json.Marshal(s.ask(s.ofBob(), o.Op, unknown))
				if string(encoded) != string(missing) {
					t.Errorf("about acme's, beta is told %s, about nothing %s", encoded, missing)
				}
			}
			if echo, _ := json.Marshal(request); strings.Contains(string(encoded), canary) && !strings.Contains(string(echo), canary) {
				t.Errorf("beta is told %s", encoded)
			}
			if o.Op == abi.OpCryptoVerify && fmt.Sprint(told["response"]) != "map[valid:false]" {
				t.Errorf("what acme's secret signed, beta is told %v", told)
			}
			if o.Op == abi.OpMailSend { // each has gone where its own settings say
				mine, theirs := s.mails[s.acme].Next(t), s.mails[s.beta].Next(t)
				if mine.From != "office@"+s.acme+".example" || theirs.From != "office@"+s.beta+".example" {
					t.Errorf("alice's mail is from %s, bob's from %s", mine.From, theirs.From)
				}
				s.mails[s.acme].None(t)
			}
			if after := s.portrait(); after != before {
				t.Errorf("acme was\n%s\nand is\n%s", before, after)
			}
		})
	}
	for name := range cases {
		t.Errorf("%s: a case for an operation the host doesn't have", name)
	}
	s.nobodyIn(s.scrape())
}

// portrait is acme as alice sees it.
func (s *twins) portrait() string {
	var b strings.Builder
	for _, a := range []answer{
		s.ofAlice().Call("probe", "GET /notes", nil), s.ofAlice().Call("crm", "GET /contacts", nil),
		s.ofAlice().API("GET", "/events", nil), s.ofAlice().API("GET", "/usage", nil),
		s.ofAlice().API("GET", "/installations", nil), s.ofAlice().API("GET", "/members", nil),
		s.ofAlice().API("GET", "/audit", nil), s.ofAlice().API("GET", "/deliveries/"+s.delivery, nil),
	} {
		b.Write(a.want(200).raw)
	}
	return b.String()
}
