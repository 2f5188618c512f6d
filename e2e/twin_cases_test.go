package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// routeCase says how the owner of something uses an address. Each function
// makes the call afresh, on something that is there: it will be made several
// times, and may remove what it names.
type routeCase struct {
	open  string // why nothing of a workspace is behind it: then anybody may
	root  bool   // anybody, that is, who is the server's operator
	calls func(s *twins) []func() call
}

// one is a case of one call.
func one(make func(s *twins) call) routeCase {
	return routeCase{calls: func(s *twins) []func() call { return []func() call{func() call { return make(s) }} }}
}

// below is a case of one call to an address of acme's.
func below(prefix, method, path string, in func(s *twins) any) routeCase {
	return one(func(s *twins) call {
		c := call{method: method, path: prefix + s.acme + s.expand(path)}
		if in != nil {
			c.in = in(s)
		}
		return c
	})
}

// api is a case of the platform's API, below acme.
func api(method, path string, in func(s *twins) any) routeCase {
	return below("/api/v1/workspaces/", method, path, in)
}

// page is a case of a console page of acme.
func page(path string) routeCase { return form(path, nil) }

// form is a case of a console form of acme, or of a page when it has no fields.
func form(path string, fields url.Values) routeCase {
	return one(func(s *twins) call {
		c := call{method: "GET", path: "/console/w/" + s.acme + s.expand(path), console: true}
		if fields != nil {
			c.method, c.in = "POST", []byte(fields.Encode())
			c.headers = []header{{"Content-Type", "application/x-www-form-urlencoded"}}
		}
		return c
	})
}

// open is a case of an address with nothing of a workspace behind it.
func open(why string, make func(s *twins) call) routeCase {
	c := one(make)
	c.open = why
	return c
}

// expand puts ids of acme in the place of their names.
func (s *twins) expand(path string) string {
	for name, id := range map[string]func() string{
		"{event}": func() string { return s.event }, "{invocation}": func() string { return s.invocation },
		"{delivery}": func() string { return s.delivery },
		"{contact}":  func() string { return s.contact },
		"{asided}":   func() string { id := s.schedule(); s.setAside(id); return id },
		"{member}":   s.newMember,
		"{installation}": func() string {
			return s.ofAlice().API("GET", "/installations/probe", nil).want(200).text("id")
		},
	} {
		if strings.Contains(path, name) {
			path = strings.ReplaceAll(path, name, id())
		}
	}
	return path
}

// newMember makes somebody a member of acme and returns their account's id.
func (s *twins) newMember() string {
	carol := s.SignUp(s.name())
	return s.ofAlice().API("POST", "/members", body{"email": carol.email, "role": "member"}).want(201).text("account")
}

func with(in any) func(*twins) any { return func(*twins) any { return in } }

func get(path string) func(*twins) call {
	return func(*twins) call { return call{method: "GET", path: path} }
}

// routeCases has a case for every address of the server.
func routeCases() map[string]routeCase {
	const ws = "/api/v1/workspaces/:ws"
	fresh := func(s *twins) string { // a workspace of alice's, to lose
		return As(s.alice).Workspace(s.name(), "starter")
	}
	release := func(s *twins) (digest string) {
		return s.root.send("GET", "/api/v1/marketplace/probe/1.0.0", nil).want(200).text("digest")
	}
	asRoot := func(c routeCase) routeCase { c.root = true; return c }
	return map[string]routeCase{
		"GET /healthz": open("says that the process answers", get("/healthz")),
		"GET /readyz":  open("says which parts of the server are ready", get("/readyz")),

		"GET /api/v1/openapi.json":        open("describes the platform", get("/api/v1/openapi.json")),
		"GET /api/v1/plans":               open("the server's plans", get("/api/v1/plans")),
		"GET /api/v1/marketplace":         open("the server's plugins", get("/api/v1/marketplace")),
		"GET /api/v1/marketplace/:plugin": open("the server's plugins", get("/api/v1/marketplace/crm")),
		"GET /api/v1/marketplace/:plugin/:version": open("the server's plugins", func(s *twins) call {
			return call{method: "GET", path: "/api/v1/marketplace/crm/" + s.version("crm")}
		}),
		"POST /api/v1/releases": asRoot(open("the server's plugins, for its operator", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/releases", in: module(s.T, "crm"), headers: []header{{"Content-Type", "application/wasm"}}}
		})),
		"GET /api/v1/releases/:digest": open("the server's plugins", func(s *twins) call {
			return call{method: "GET", path: "/api/v1/releases/" + release(s)}
		}),
		"POST /api/v1/releases/:digest/yank": asRoot(open("the server's plugins, for its operator", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/releases/" + release(s) + "/yank", in: body{"yanked": false}}
		})),
		"POST /api/v1/accounts": open("makes an account", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/accounts", in: body{"email": "x" + unique() + "@example.com", "name": "x", "password": password}}
		}),
		"POST /api/v1/sessions": open("the caller's own", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/sessions", in: body{"email": s.bob.email, "password": password}}
		}),
		"DELETE /api/v1/sessions/current": open("the caller's own", func(s *twins) call {
			return call{method: "DELETE", path: "/api/v1/sessions/current", console: true}
		}),
		"GET /api/v1/me":     open("the caller's own", get("/api/v1/me")),
		"GET /api/v1/tokens": open("the caller's own", get("/api/v1/tokens")),
		"POST /api/v1/tokens": open("the caller's own", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/tokens", in: body{"name": "another"}}
		}),
		"DELETE /api/v1/tokens/:id": one(func(s *twins) call {
			return call{method: "DELETE", path: "/api/v1/tokens/" + s.newToken()}
		}),
		"GET /api/v1/workspaces": open("the caller's own", get("/api/v1/workspaces")),
		"POST /api/v1/workspaces": open("makes a workspace", func(s *twins) call {
			return call{method: "POST", path: "/api/v1/workspaces", in: body{"name": "w" + unique()}}
		}),

		"GET " + ws:   api("GET", "", nil),
		"PATCH " + ws: api("PATCH", "", with(body{"timeZone": "Europe/Paris"})),
		"DELETE " + ws: one(func(s *twins) call {
			slug := fresh(s)
			return call{method: "DELETE", path: "/api/v1/workspaces/" + slug + "?slug=" + slug, slug: slug}
		}),
		"GET " + ws + "/audit":                   api("GET", "/audit", nil),
		"GET " + ws + "/events":                  api("GET", "/events", nil),
		"GET " + ws + "/events/:id":              api("GET", "/events/{event}", nil),
		"GET " + ws + "/deliveries":              api("GET", "/deliveries", nil),
		"GET " + ws + "/invocations":             api("GET", "/invocations", nil),
		"GET " + ws + "/invocations/:id":         api("GET", "/invocations/{invocation}", nil),
		"GET " + ws + "/deliveries/:id":          api("GET", "/deliveries/{delivery}", nil),
		"POST " + ws + "/deliveries/:id/redrive": api("POST", "/deliveries/{asided}/redrive", nil),
		"GET " + ws + "/openapi.json":            api("GET", "/openapi.json", nil),
		"GET " + ws + "/plan":                    api("GET", "/plan", nil),
		"PUT " + ws + "/plan":                    api("PUT", "/plan", with(body{"plan": "enterprise"})),
		"GET " + ws + "/usage":                   api("GET", "/usage", nil),
		"GET " + ws + "/members":                 api("GET", "/members", nil),
		"POST " + ws + "/members":                api("POST", "/members", func(s *twins) any { return body{"email": s.SignUp(s.name()).email, "role": "member"} }),
		"PATCH " + ws + "/members/:account":      api("PATCH", "/members/{member}", with(body{"role": "admin"})),
		"DELETE " + ws + "/members/:account":     api("DELETE", "/members/{member}", nil),
		"GET " + ws + "/installations":           api("GET", "/installations", nil),
		"POST " + ws + "/installations/preview":  api("POST", "/installations/preview", with(body{"plugin": "crm"})),
		"GET " + ws + "/installations/:plugin":   api("GET", "/installations/{installation}", nil),
		"PATCH " + ws + "/installations/:plugin": api("PATCH", "/installations/{installation}", with(body{"settings": body{"color": "blue"}})),
		"POST " + ws + "/installations": one(func(s *twins) call {
			slug := fresh(s)
			in := body{"plugin": "crm", "grants": s.ofAlice().asked("crm")}
			return call{method: "POST", path: "/api/v1/workspaces/" + slug + "/installations", in: in, slug: slug}
		}),
		"DELETE " + ws + "/installations/:plugin": one(func(s *twins) call {
			slug := fresh(s)
			As(s.alice).In(slug).Install("crm")
			return call{method: "DELETE", path: "/api/v1/workspaces/" + slug + "/installations/crm?data=erase", slug: slug}
		}),

		"GET /w/:ws/:plugin/*":    gateway("GET"),
		"POST /w/:ws/:plugin/*":   gateway("POST"),
		"PUT /w/:ws/:plugin/*":    gateway("PUT"),
		"PATCH /w/:ws/:plugin/*":  gateway("PATCH"),
		"DELETE /w/:ws/:plugin/*": gateway("DELETE"),

		"GET /console/":         open("leads to the caller's workspaces", get("/console/")),
		"GET /console/setup":    open("a form", get("/console/setup")),
		"POST /console/setup":   {open: "makes the first account only; nothing to walk once there is one", calls: func(*twins) []func() call { return nil }},
		"GET /console/sign-in":  open("a form", get("/console/sign-in")),
		"POST /console/sign-in": open("the caller's own", signInForm),
		"GET /console/sign-up":  open("a form", get("/console/sign-up")),
		"POST /console/sign-up": open("makes an account", func(s *twins) call {
			fields := url.Values{"email": {"y" + unique() + "@example.com"}, "name": {"y"}, "password": {password}}
			return call{method: "POST", path: "/console/sign-up", in: []byte(fields.Encode()), headers: formHeaders(s)}
		}),
		"POST /console/sign-out": open("the caller's own", func(s *twins) call {
			return call{method: "POST", path: "/console/sign-out", console: true}
		}),
		"GET /console/workspaces": open("the caller's own", func(s *twins) call {
			return call{method: "GET", path: "/console/workspaces", console: true}
		}),
		"POST /console/workspaces": open("makes a workspace", func(s *twins) call {
			return call{method: "POST", path: "/console/workspaces", console: true, in: []byte("name=w" + unique()),
				headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"GET /console/tokens": open("the caller's own", func(s *twins) call {
			return call{method: "GET", path: "/console/tokens", console: true}
		}),
		"POST /console/tokens": open("the caller's own", func(s *twins) call {
			return call{method: "POST", path: "/console/tokens", console: true, in: []byte("name=another"),
				headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"POST /console/tokens/:id/revoke": one(func(s *twins) call {
			return call{method: "POST", path: "/console/tokens/" + s.newToken() + "/revoke", console: true}
		}),
		"GET /console/w/:ws/live":                     page("/live"),
		"GET /console/w/:ws/settings":                 page("/settings"),
		"POST /console/w/:ws/settings":                form("/settings", url.Values{"name": {"acme-" + canary}, "slug": {"acme-" + canary}, "timeZone": {"UTC"}}),
		"GET /console/w/:ws/plan":                     page("/plan"),
		"GET /console/w/:ws/members":                  page("/members"),
		"GET /console/w/:ws/members/:account":         page("/members/{member}"),
		"POST /console/w/:ws/members/:account":        form("/members/{member}", url.Values{"role": {"admin"}}),
		"POST /console/w/:ws/members/:account/remove": form("/members/{member}/remove", url.Values{}),
		"GET /console/w/:ws/events":                   page("/events"),
		"GET /console/w/:ws/events/:id":               page("/events/{event}"),
		"GET /console/w/:ws/deliveries":               page("/deliveries"),
		"GET /console/w/:ws/deliveries/:id":           page("/deliveries/{delivery}"),
		"POST /console/w/:ws/deliveries/:id/redrive":  form("/deliveries/{asided}/redrive", url.Values{}),
		"GET /console/w/:ws/invocations":              page("/invocations"),
		"GET /console/w/:ws/invocations/:id":          page("/invocations/{invocation}"),
		"POST /console/w/:ws/members": one(func(s *twins) call {
			fields := url.Values{"email": {s.SignUp(s.name()).email}, "role": {"member"}}
			return call{method: "POST", path: "/console/w/" + s.acme + "/members", console: true, in: []byte(fields.Encode()),
				headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"GET /console/w/:ws":                             page(""),
		"POST /console/w/:ws/plan":                       form("/plan", url.Values{"plan": {"enterprise"}}),
		"GET /console/w/:ws/marketplace":                 page("/marketplace"),
		"GET /console/w/:ws/marketplace/:plugin":         page("/marketplace/crm"),
		"GET /console/w/:ws/marketplace/:plugin/install": page("/marketplace/crm/install"),
		"GET /console/w/:ws/installations/:plugin":       page("/installations/crm"),
		"POST /console/w/:ws/installations/:plugin/settings": one(func(s *twins) call {
			revision := s.ofAlice().API("GET", "/installations/probe", nil).want(200).number("revision")
			fields := url.Values{"revision": {strconv.Itoa(revision)}, "setting.color": {"red-" + canary}}
			return call{method: "POST", path: "/console/w/" + s.acme + "/installations/probe/settings", console: true, in: []byte(fields.Encode()),
				headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"GET /console/w/:ws/installations/:plugin/data":            page("/installations/crm/data"),
		"GET /console/w/:ws/installations/:plugin/data/:table":     page("/installations/crm/data/contacts"),
		"GET /console/w/:ws/installations/:plugin/data/:table/:id": page("/installations/crm/data/contacts/{contact}"),
		"POST /console/w/:ws/installations/:plugin":                form("/installations/probe", url.Values{"do": {"enable"}}),
		"GET /console/w/:ws/installations/:plugin/uninstall":       page("/installations/crm/uninstall"),
		"GET /console/w/:ws/p/:plugin/*": {calls: func(s *twins) []func() call {
			return slices.Concat(page("/p/crm/contacts").calls(s), page("/p/probe/notes/"+s.note+"?tab=edit").calls(s))
		}},
		"POST /console/w/:ws/marketplace/:plugin/install": one(func(s *twins) call {
			slug := fresh(s)
			fields := url.Values{"version": {s.version("crm")}, "grant": {"data", "events", "billing", "jobs"}}
			return call{method: "POST", path: "/console/w/" + slug + "/marketplace/crm/install", slug: slug, console: true,
				in: []byte(fields.Encode()), headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"POST /console/w/:ws/installations/:plugin/uninstall": one(func(s *twins) call {
			slug := fresh(s)
			As(s.alice).In(slug).Install("crm")
			return call{method: "POST", path: "/console/w/" + slug + "/installations/crm/uninstall", slug: slug, console: true,
				in: []byte("data=keep"), headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
		}),
		"POST /console/w/:ws/p/:plugin/*": {calls: func(s *twins) []func() call {
			return []func() call{func() call { return uploaded(s) }, func() call { return typed(s) }, func() call { return edited(s) }}
		}},
	}
}

// uploaded is a file sent by the upload of a plugin's page.
func uploaded(s *twins) call {
	var sent bytes.Buffer
	form := multipart.NewWriter(&sent)
	form.WriteField("-call", `{"method":"POST","path":"/contacts/import","then":"/imports"}`)
	file, _ := form.CreateFormFile("file", "contacts.csv")
	file.Write([]byte("email,name\n" + unique() + "@example.com," + canary + "\n"))
	form.Close()
	return call{method: "POST", path: "/console/w/" + s.acme + "/p/crm/imports", console: true,
		in: sent.Bytes(), headers: []header{{"Content-Type", form.FormDataContentType()}}}
}

// typed is what a form of a plugin's page sends.
func typed(s *twins) call {
	fields := url.Values{
		"-call": {`{"method":"POST","path":"/contacts","form":"form-1","inputs":[["email","email"],["name",""]]}`},
		"email": {unique() + "@" + canary + ".com"}, "name": {canary},
	}
	return call{method: "POST", path: "/console/w/" + s.acme + "/p/crm/contacts", console: true,
		in: []byte(fields.Encode()), headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
}

// edited is what a form of a plugin's page about one note sends.
func edited(s *twins) call {
	fields := url.Values{"-call": {`{"method":"PATCH","path":"/notes/` + s.note + `","form":"form-1","inputs":[["title",""]]}`}, "title": {canary}}
	return call{method: "POST", path: "/console/w/" + s.acme + "/p/probe/notes/" + s.note + "?tab=edit", console: true,
		in: []byte(fields.Encode()), headers: []header{{"Content-Type", "application/x-www-form-urlencoded"}}}
}

func formHeaders(s *twins) []header {
	return []header{{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", s.url}, {"Authorization", ""}}
}

func signInForm(s *twins) call {
	fields := url.Values{"email": {s.bob.email}, "password": {password}}
	return call{method: "POST", path: "/console/sign-in", in: []byte(fields.Encode()), headers: formHeaders(s)}
}

// gateway is a case of all routes of the installed plugins that have a method.
// They come from the manifests: a route without a case in pluginCases fails.
func gateway(method string) routeCase {
	return routeCase{calls: func(s *twins) (calls []func() call) {
		cases := pluginCases()
		for _, plugin := range []string{"crm", "probe"} {
			found := s.root.send("GET", "/api/v1/marketplace/"+plugin+"/"+s.version(plugin), nil).want(200)
			var release struct {
				Manifest abi.Manifest `json:"manifest"`
			}
			if err := json.Unmarshal(found.raw, &release); err != nil {
				s.Fatal(err)
			}
			for _, route := range release.Manifest.Routes {
				if route.Method != method {
					continue
				}
				name := plugin + " " + route.Method + " " + route.Path
				make, ok := cases[name]
				if !ok {
					s.Errorf("%s: no case: say in pluginCases how its owner uses it", name)
					continue
				}
				calls = append(calls, func() call {
					path, in := make(s)
					return call{method: method, path: "/w/" + s.acme + "/" + plugin + path, in: in}
				})
			}
		}
		return calls
	}}
}

// pluginCases has, for every route of the plugins, the path and the body its
// owner sends.
func pluginCases() map[string]func(s *twins) (path string, in any) {
	list := func(path string) func(*twins) (string, any) {
		return func(*twins) (string, any) { return path, nil }
	}
	newContact := func(s *twins) string {
		return s.ofAlice().Call("crm", "POST /contacts", body{"email": unique() + "@" + canary + ".com", "name": canary}).want(201).text("id")
	}
	newCompany := func(s *twins) string {
		return s.ofAlice().Call("crm", "POST /companies", body{"name": canary + unique()}).want(201).text("id")
	}
	cases := map[string]func(s *twins) (string, any){
		"crm GET /contacts": list("/contacts"),
		"crm POST /contacts": func(s *twins) (string, any) {
			return "/contacts", body{"email": unique() + "@example.com", "name": "n"}
		},
		"crm GET /contacts/:id":    func(s *twins) (string, any) { return "/contacts/" + s.contact, nil },
		"crm PATCH /contacts/:id":  func(s *twins) (string, any) { return "/contacts/" + s.contact, body{"phone": "1"} },
		"crm DELETE /contacts/:id": func(s *twins) (string, any) { return "/contacts/" + newContact(s), nil },
		"crm POST /contacts/import": func(s *twins) (string, any) {
			return "/contacts/import", []byte("email,name\n" + unique() + "@example.com,n\n")
		},
		"crm GET /imports":            list("/imports"),
		"crm GET /imports/:id":        func(s *twins) (string, any) { return "/imports/" + s.imported, nil },
		"crm GET /imports/:id/errors": func(s *twins) (string, any) { return "/imports/" + s.imported + "/errors", nil },
		"crm GET /companies":          list("/companies"),
		"crm POST /companies":         func(s *twins) (string, any) { return "/companies", body{"name": "n" + unique()} },
		"crm GET /companies/:id":      func(s *twins) (string, any) { return "/companies/" + s.company, nil },
		"crm PATCH /companies/:id":    func(s *twins) (string, any) { return "/companies/" + s.company, body{"name": canary + unique()} },
		"crm DELETE /companies/:id":   func(s *twins) (string, any) { return "/companies/" + newCompany(s), nil },
		"crm GET /pipelines":          list("/pipelines"),
		"crm GET /pipelines/:id":      func(s *twins) (string, any) { return "/pipelines/" + s.pipeline, nil },
		"crm POST /pipelines":         func(s *twins) (string, any) { return "/pipelines", body{"name": unique(), "stages": stages} },
		"crm PATCH /pipelines/:id":    func(s *twins) (string, any) { return "/pipelines/" + s.pipeline, body{"name": canary + unique()} },
		"probe GET /notes":            list("/notes"),
		"probe POST /notes":           func(s *twins) (string, any) { return "/notes", body{"title": "t", "label": unique()} },
		"probe GET /heard":            list("/heard"),
		"probe GET /notes/:id":        func(s *twins) (string, any) { return "/notes/" + s.note, nil },
		"probe PATCH /notes/:id":      func(s *twins) (string, any) { return "/notes/" + s.note, body{"count": 2} },
		"probe DELETE /notes/:id":     func(s *twins) (string, any) { return "/notes/" + s.newNote(), nil },
		"probe POST /notes/:id/move": func(s *twins) (string, any) {
			return "/notes/" + s.newNote() + "/move", body{"to": unique(), "position": 0}
		},
		"probe POST /notes/:id/increment": func(s *twins) (string, any) { return "/notes/" + s.note + "/increment", nil },
		"probe POST /notes/:id/slowly":    func(s *twins) (string, any) { return "/notes/" + s.note + "/slowly", body{"rounds": 1} },
		"probe POST /pictures":            func(s *twins) (string, any) { return "/pictures?title=" + unique(), []byte(unique()) },
		"probe GET /pictures/:digest":     func(s *twins) (string, any) { return "/pictures/" + s.picture, nil },
		"probe POST /ask": func(s *twins) (string, any) {
			return "/ask", body{"op": abi.OpDataGet, "request": body{"table": "notes", "id": s.note}}
		},
		"probe POST /act": func(s *twins) (string, any) { return "/act", body{"op": abi.OpSettingsGet, "request": body{}} },
	}
	maps.Copy(cases, crmCases())
	return cases
}

var stages = []any{body{"key": "one", "name": "One", "probability": 10, "kind": "open"}}

// operationCases has, for every operation of the host, what its owner asks.
func operationCases() map[string]func(s *twins) any {
	return map[string]func(s *twins) any{
		"data.insert":  func(s *twins) any { return body{"table": "notes", "body": body{"title": "t", "label": unique()}} },
		"data.get":     func(s *twins) any { return body{"table": "notes", "id": s.note} },
		"data.patch":   func(s *twins) any { return body{"table": "notes", "id": s.note, "body": body{"count": 7}} },
		"data.replace": func(s *twins) any { return body{"table": "notes", "id": s.note, "body": body{"title": canary}} },
		"data.delete":  func(s *twins) any { return body{"table": "notes", "id": s.newNote()} },
		"data.query":   func(s *twins) any { return body{"table": "notes"} },
		"data.count":   func(s *twins) any { return body{"table": "notes"} },
		"events.emit":  func(s *twins) any { return body{"type": "probe.noted", "version": 1, "data": body{"title": "t"}} },
		"jobs.schedule": func(s *twins) any {
			return body{"handler": "note", "payload": body{"title": "t"}, "delayMs": 3_600_000}
		},
		"jobs.cancel":      func(s *twins) any { return body{"id": s.schedule()} },
		"billing.entitled": func(s *twins) any { return body{"meter": "effects", "quantity": 1} },
		"billing.record":   func(s *twins) any { return body{"meter": "effects", "quantity": 1} },
		"billing.plan":     func(s *twins) any { return body{} },
		"access.grant":     func(s *twins) any { return body{"role": "member", "scopes": []string{"probe.notes.read"}} },
		"access.check":     func(s *twins) any { return body{"scope": "probe.notes.read"} },
		"settings.get":     func(s *twins) any { return body{} },
		"log.write":        func(s *twins) any { return body{"level": "info", "message": "hello"} },
		"http.fetch":       func(s *twins) any { return body{"method": "GET", "url": "http://127.0.0.1:1/"} },
		"mail.send": func(s *twins) any {
			return body{"key": "k", "to": "ada@example.org", "subject": "hello", "text": "hello"}
		},
		"crypto.verify": func(s *twins) any { // signed with acme's secret
			mac := hmac.New(sha256.New, []byte("key-"+s.acme))
			mac.Write([]byte("m"))
			return abi.VerifyRequest{Secret: "key", Message: []byte("m"), MACs: [][]byte{mac.Sum(nil)}}
		},
		"blob.put": func(s *twins) any { return body{"data": []byte(canary + unique()), "type": "text/plain"} },
		"blob.get": func(s *twins) any { return body{"digest": s.picture} },
		"mutate":   func(s *twins) any { return body{"handler": "note", "payload": body{"title": unique()}} },
	}
}
