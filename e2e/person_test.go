package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// person is somebody with an account and an API token.
type person struct {
	w     *world
	name  string
	email string
	token string
}

const password = "correct horse battery staple"

// SignUp makes an account and an API token for it.
func (w *world) SignUp(name string) *person {
	w.Helper()
	return w.join(name, "")
}

func (w *world) join(name, setupToken string) *person {
	w.Helper()
	p := &person{w: w, name: name, email: name + "@example.com"}
	account := body{"email": p.email, "name": name, "password": password}
	if setupToken != "" {
		account["setupToken"] = setupToken
	}
	p.send("POST", "/api/v1/accounts", account).want(201)
	in := p.send("POST", "/api/v1/sessions", body{"email": p.email, "password": password}).want(201)
	made := p.send("POST", "/api/v1/tokens", body{"name": "e2e"},
		header{"Cookie", strings.Split(in.header.Get("Set-Cookie"), ";")[0]}, header{"Origin", w.url}).want(201)
	p.token = made.text("secret")
	return p
}

// actor is a person doing something outside of a workspace.
type actor struct{ *person }

// As begins a sentence of a story.
func As(p *person) actor { return actor{p} }

// Publish puts a module into the marketplace.
func (a actor) Publish(module []byte) {
	a.w.Helper()
	a.send("POST", "/api/v1/releases", module, header{"Content-Type", "application/wasm"}).want(201)
}

// Workspace makes a workspace on a plan and returns its slug.
func (a actor) Workspace(name, plan string) string {
	a.w.Helper()
	return a.send("POST", "/api/v1/workspaces", body{"name": name, "slug": strings.ToLower(name), "plan": plan}).want(201).text("slug")
}

// In goes on with the sentence, inside a workspace.
func (a actor) In(workspace string) member { return member{a, workspace} }

// member is a person doing something in a workspace.
type member struct {
	actor
	workspace string
}

// API asks the platform's API, below the workspace.
func (m member) API(method, path string, in any, headers ...header) answer {
	m.w.Helper()
	return m.send(method, "/api/v1/workspaces/"+m.workspace+path, in, headers...)
}

// Call asks a plugin: "POST /contacts" of "crm".
func (m member) Call(plugin, route string, in any, headers ...header) answer {
	m.w.Helper()
	method, path, _ := strings.Cut(route, " ")
	return m.send(method, "/w/"+m.workspace+"/"+plugin+path, in, headers...)
}

// Install installs a plugin, consenting to all it asks for.
func (m member) Install(plugin string) {
	m.w.Helper()
	m.API("POST", "/installations", body{"plugin": plugin, "grants": m.asked(plugin)}).want(201)
}

// asked lists the grants a plugin's manifest asks for.
func (m member) asked(plugin string) []any {
	m.w.Helper()
	preview := m.API("POST", "/installations/preview", body{"plugin": plugin}).want(200)
	var grants []any
	for _, asked := range preview.list("capabilities") {
		grant := body{"capability": asked.(map[string]any)["name"]}
		for _, reach := range []string{"hosts", "events", "domains"} {
			if names, ok := asked.(map[string]any)[reach]; ok {
				grant[reach] = names
			}
		}
		grants = append(grants, grant)
	}
	return grants
}

// body is a JSON object.
type body = map[string]any

type header struct{ name, value string }

var client = &http.Client{
	Timeout:       60 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send makes a request as the person: in is JSON, or bytes as they are, or nil.
func (p *person) send(method, path string, in any, headers ...header) answer {
	p.w.Helper()
	a, err := p.try(method, path, in, headers...)
	if err != nil {
		p.w.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is send for a server that may be killed meanwhile.
func (p *person) try(method, path string, in any, headers ...header) (answer, error) {
	var sent io.Reader
	kind := ""
	switch in := in.(type) {
	case nil:
	case []byte:
		sent = bytes.NewReader(in)
	default:
		encoded, err := json.Marshal(in)
		if err != nil {
			return answer{}, err
		}
		sent, kind = bytes.NewReader(encoded), "application/json"
	}
	r, err := http.NewRequest(method, p.w.url+path, sent)
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for _, h := range headers {
		r.Header.Set(h.name, h.value)
	}
	response, err := cmp.Or(p.w.client, client).Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := whole(response)
	return answer{t: p.w.T, request: method + " " + path, status: response.StatusCode, header: response.Header, raw: raw}, err
}

// whole is an answer's body; of a stream of events, which has no end, what comes
// before the first empty line.
func whole(response *http.Response) ([]byte, error) {
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return io.ReadAll(response.Body)
	}
	var first []byte
	for lines := bufio.NewReader(response.Body); !bytes.HasSuffix(first, []byte("\n\n")); {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		first = append(first, line...)
	}
	return first, nil
}

// answer is what the server said.
type answer struct {
	t       *testing.T
	request string
	status  int
	header  http.Header
	raw     []byte
}

// want ends the test unless the answer has this status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: got %d, want %d: %.600s", a.request, a.status, status, a.raw)
	}
	return a
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.raw, &object); err != nil {
		a.t.Fatalf("%s: not a JSON object: %v: %.300s", a.request, err, a.raw)
	}
	return object
}

// text, number and list pick a member of the answer.
func (a answer) text(name string) string {
	a.t.Helper()
	value, ok := a.object()[name].(string)
	if !ok {
		a.t.Fatalf("%s: no text %q in %.300s", a.request, name, a.raw)
	}
	return value
}

func (a answer) number(name string) int {
	a.t.Helper()
	value, ok := a.object()[name].(float64)
	if !ok {
		a.t.Fatalf("%s: no number %q in %.300s", a.request, name, a.raw)
	}
	return int(value)
}

func (a answer) list(name string) []any {
	a.t.Helper()
	value, _ := a.object()[name].([]any)
	return value
}
