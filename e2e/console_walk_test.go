package e2e

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/carrel-dev/carrel/core/abi"
)

// stroll is a workspace in which everything the console can show has happened,
// and another in which nothing has.
type stroll struct {
	*world
	full, hollow                       string
	event, delivery, aside, invocation string
	account                            string
	contact                            string
}

func newStroll(t *testing.T) *stroll {
	s := &stroll{world: newWorld(t, "crm", "hostile/probe")}
	s.full, s.hollow = As(s.root).Workspace("Harbour", "enterprise"), As(s.root).Workspace("Hollow", "starter")
	m := As(s.root).In(s.full)
	m.API("PATCH", "", body{"timeZone": "Europe/Paris"}).want(200)
	m.Install("crm")
	m.API("POST", "/installations", body{"plugin": "probe", "grants": m.asked("probe"), "settings": body{"color": "green", "key": "a secret"}}).want(201)
	As(s.root).Publish(newer(module(t, "hostile/probe")))
	for i := range 8 {
		s.contact = m.Call("crm", "POST /contacts", body{"email": fmt.Sprintf("person%d@example.com", i), "name": fmt.Sprintf("Person %d", i)}).want(201).text("id")
	}
	grace := s.SignUp("grace")
	s.account = m.API("POST", "/members", body{"email": grace.email, "role": "admin"}).want(201).text("account")
	ask := func(op abi.Op, request any) answer {
		return m.Call("probe", "POST /ask", body{"op": op, "request": request}).want(200)
	}
	ask(abi.OpLogWrite, body{"level": "warn", "message": "The tide is low.", "fields": body{"depth": 2.4}})
	s.delivery = ask(abi.OpJobsSchedule, body{"handler": "note", "payload": body{"title": "Later"}, "delayMs": 3_600_000}).object()["response"].(map[string]any)["id"].(string)
	s.aside = ask(abi.OpJobsSchedule, body{"handler": "note", "payload": body{"title": ""}}).object()["response"].(map[string]any)["id"].(string)
	s.until(m, "/deliveries/"+s.aside, func(a answer) bool { return a.text("state") == "set_aside" && len(a.list("attempts")) > 0 })
	s.event = m.API("GET", "/events", nil).want(200).list("data")[0].(map[string]any)["id"].(string)
	s.invocation = m.API("GET", "/deliveries/"+s.aside, nil).want(200).list("attempts")[0].(map[string]any)["invocation"].(string)
	return s
}

// newer is the probe's next release: it talks to another server. In the module as
// in its manifest, texts of one length take each other's place.
func newer(probe []byte) []byte {
	next := bytes.ReplaceAll(probe, []byte("1.0.0"), []byte("1.0.1"))
	return bytes.ReplaceAll(next, []byte("api.example.com"), []byte("api.example.org"))
}

// until asks the API until what it answers is right, for at most a minute.
func (s *stroll) until(m member, path string, right func(answer) bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if right(m.API("GET", path, nil).want(200)) {
			return
		}
	}
	s.Fatalf("%s never became what it should be: %s", path, m.API("GET", path, nil).raw)
}

// walks has, for every page of the console, the addresses to look at: as they
// are when a lot has happened, and when nothing has.
func (s *stroll) walks() map[string][]string {
	full, hollow := "/console/w/"+s.full, "/console/w/"+s.hollow
	return map[string][]string{
		"/console/":                       nil, // leads to the workspaces
		"/console/setup":                  {"/console/setup"},
		"/console/sign-in":                {"/console/sign-in"},
		"/console/sign-up":                {"/console/sign-up"},
		"/console/workspaces":             {"/console/workspaces"},
		"/console/tokens":                 {"/console/tokens"},
		"/console/w/:ws":                  {full, hollow},
		"/console/w/:ws/live":             nil, // a stream
		"/console/w/:ws/settings":         {full + "/settings"},
		"/console/w/:ws/plan":             {full + "/plan", hollow + "/plan"},
		"/console/w/:ws/members":          {full + "/members"},
		"/console/w/:ws/members/:account": {full + "/members/" + s.account},
		"/console/w/:ws/marketplace":      {full + "/marketplace"},
		"/console/w/:ws/marketplace/:plugin": {
			full + "/marketplace/crm", hollow + "/marketplace/probe", full + "/marketplace/probe", full + "/marketplace/crm?tab=api", full + "/marketplace/crm?tab=events",
		},
		"/console/w/:ws/marketplace/:plugin/install": {hollow + "/marketplace/crm/install", hollow + "/marketplace/probe/install"},
		"/console/w/:ws/installations/:plugin":       {full + "/installations/probe", full + "/installations/crm"},
		"/console/w/:ws/installations/:plugin/data":  {full + "/installations/crm/data"},
		"/console/w/:ws/installations/:plugin/data/:table": {
			full + "/installations/crm/data/contacts", full + "/installations/crm/data/companies", full + "/installations/crm/data/pipelines",
		},
		"/console/w/:ws/installations/:plugin/data/:table/:id": {full + "/installations/crm/data/contacts/" + s.contact},
		"/console/w/:ws/installations/:plugin/uninstall":       {full + "/installations/probe/uninstall"},
		"/console/w/:ws/events":                                {full + "/events", full + "/events?type=probe.noted", hollow + "/events"},
		"/console/w/:ws/events/:id":                            {full + "/events/" + s.event},
		"/console/w/:ws/deliveries":                            {full + "/deliveries", full + "/deliveries?state=set_aside", hollow + "/deliveries"},
		"/console/w/:ws/deliveries/:id":                        {full + "/deliveries/" + s.delivery, full + "/deliveries/" + s.aside},
		"/console/w/:ws/invocations":                           {full + "/invocations", hollow + "/invocations"},
		"/console/w/:ws/invocations/:id":                       {full + "/invocations/" + s.invocation},
		"/console/w/:ws/p/:plugin/*": {
			full + "/p/crm/contacts", full + "/p/crm/imports", full + "/p/probe/notes", full + "/p/probe/gallery", full + "/p/probe/board",
			full + "/p/crm/contacts/" + s.contact,
		},
	}
}

// TestEveryPageOfTheConsole looks at each page the server registers, wide and
// narrow, light and dark: it fits, axe finds nothing serious, and a picture of
// it is left in build/screenshots. A page without a walk fails.
func TestEveryPageOfTheConsole(t *testing.T) {
	source := axe(t)
	s := newStroll(t)
	b := newBrowser(t, s.url)
	b.signIn(s.root)

	walks := s.walks()
	for _, route := range s.app.Routes() {
		if route.Method != "GET" || !strings.HasPrefix(route.Path, "/console/") {
			continue
		}
		paths, ok := walks[route.Path]
		if !ok {
			t.Errorf("%s: no walk: say in walks where to look at it", route.Path)
		}
		delete(walks, route.Path)
		for i, path := range paths {
			name := strings.Trim(strings.NewReplacer("/console", "", "/w/:ws", "/ws", "/", "-", ":", "", "*", "page").Replace(route.Path), "-")
			if i > 0 {
				name = fmt.Sprintf("%s-%d", name, i+1)
			}
			t.Run(name, func(t *testing.T) { b.on(t).lookAt(name, path, source) })
		}
	}
	for path := range walks {
		t.Errorf("%s: a walk to a page the server doesn't have", path)
	}
}

// on is the same browser, reporting to a subtest.
func (b *browser) on(t *testing.T) *browser { return &browser{t, b.ctx, b.url} }

func (b *browser) lookAt(name, path, source string) {
	for _, l := range looks {
		b.as(l)
		b.open(path)
		if at, err := url.Parse(b.address()); err != nil || at.RequestURI() != path {
			b.Fatalf("%s leads to %s (%v)", path, b.address(), err)
		}
		if status := run(b, chromedp.Evaluate[int](`performance.getEntriesByType("navigation")[0].responseStatus`)); status != 200 {
			b.Fatalf("%s answers %d\n%s", path, status, b.picture("failed"))
		}
		for what, n := range map[string]int{"main": 1, "main h1": 1, "head title": 1, "a.skip[href='#main']": 1} {
			if got := b.count(what); got != n {
				b.Errorf("the page has %d of %s, want %d", got, what, n)
			}
		}
		if strings.HasPrefix(path, "/console/w/") && b.count("nav[aria-label=Workspace] a") < 3 {
			b.Errorf("the page has no navigation")
		}
		b.keep(name + "-" + l.String())
		b.fits()
		b.accessible(source)
	}
}
