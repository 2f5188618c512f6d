package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestAnOwnerWorksThroughTheWholeAPI(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	var me struct {
		Email    string
		Operator bool
	}
	ada.do("GET", "/api/v1/me", nil).want(200).into(&me)
	if me.Email != "ada@example.com" || !me.Operator {
		t.Fatalf("the first account is its server's operator: %+v", me)
	}

	ada.workspace("acme")
	var workspaces struct {
		Data []struct{ Slug, Role string }
	}
	ada.do("GET", "/api/v1/workspaces", nil).want(200).into(&workspaces)
	if len(workspaces.Data) != 1 || workspaces.Data[0].Slug != "acme" || workspaces.Data[0].Role != "owner" {
		t.Fatalf("%+v", workspaces)
	}
	ada.do("PATCH", "/api/v1/workspaces/acme", map[string]any{"name": "Acme Inc"}).want(200)

	bob := s.person("bob")
	ada.do("POST", "/api/v1/workspaces/acme/members", map[string]any{"email": "bob@example.com", "role": "member"}).want(201)
	ada.do("PATCH", "/api/v1/workspaces/acme/members/"+bob.ID, map[string]any{"role": "admin"}).want(200)
	ada.do("DELETE", "/api/v1/workspaces/acme/members/"+bob.ID, nil).want(204)
	ada.do("POST", "/api/v1/workspaces/acme/members", map[string]any{"email": "nobody@example.com", "role": "member"}).
		want(400).refused(core.Invalid).at(t, "body.email", "sign up")

	wasm := module(crm())
	release := ada.do("POST", "/api/v1/releases", wasm, "Content-Type", "application/wasm").want(201)
	var published struct{ Digest, Version string }
	release.into(&published)
	bob.do("POST", "/api/v1/releases", wasm, "Content-Type", "application/wasm").want(403).refused(core.Denied)
	bob.do("GET", "/api/v1/releases/"+published.Digest, nil).want(200)
	bob.do("GET", "/api/v1/marketplace", nil).want(200)
	bob.do("GET", "/api/v1/marketplace/crm", nil).want(200)
	bob.do("GET", "/api/v1/marketplace/crm/1.0.0", nil).want(200)

	at := "/api/v1/workspaces/acme/installations"
	var preview struct {
		Capabilities []struct{ Name, Reason string }
		Problems     []struct{ Kind string }
	}
	ada.do("POST", at+"/preview", map[string]any{"plugin": "crm"}).want(200).into(&preview)
	if len(preview.Capabilities) != 1 || len(preview.Problems) != 1 {
		t.Fatalf("without consent there is one problem: %+v", preview)
	}
	ada.do("POST", at, map[string]any{"plugin": "crm"}).want(400).refused(core.Invalid).at(t, "body.grants.data", "Keeps your contacts")
	ada.do("POST", at, map[string]any{"plugin": "nope"}).want(400).refused(core.Invalid).at(t, "body.plugin", "no plugin nope")
	ada.install("acme")

	got := ada.do("GET", at+"/crm", nil).want(200)
	if got.Header.Get("ETag") != `"1"` {
		t.Fatalf("ETag %q", got.Header.Get("ETag"))
	}
	ada.do("PATCH", at+"/crm", map[string]any{"state": "disabled"}, "If-Match", `"7"`).want(412).refused(core.Stale)
	ada.do("PATCH", at+"/crm", map[string]any{"state": "disabled"}, "If-Match", `W/7`).want(400).refused(core.Invalid).at(t, "header.If-Match", "ETag")
	if got := ada.do("PATCH", at+"/crm", map[string]any{"state": "disabled"}, "If-Match", `"1"`).want(200); got.Header.Get("ETag") != `"2"` {
		t.Fatalf("ETag %q after a change", got.Header.Get("ETag"))
	}
	ada.do("DELETE", at+"/crm", nil).want(400).refused(core.Invalid).at(t, "query.data", "")
	ada.do("DELETE", at+"/crm?data=shred", nil).want(400).refused(core.Invalid).at(t, "query.data", "")
	var receipt struct{ Plugin, Data string }
	ada.do("DELETE", at+"/crm?data=erase", nil).want(200).into(&receipt)
	if receipt.Plugin != "carrel/crm" || receipt.Data != "erase" {
		t.Fatalf("%+v", receipt)
	}

	ada.do("GET", "/api/v1/plans", nil).want(200)
	ada.do("PUT", "/api/v1/workspaces/acme/plan", map[string]any{"plan": "gold"}).want(400).refused(core.Invalid).at(t, "body.plan", "choose one of")
	ada.do("PUT", "/api/v1/workspaces/acme/plan", map[string]any{"plan": "starter"}).want(200)
	ada.do("GET", "/api/v1/workspaces/acme/plan", nil).want(200)
	ada.do("GET", "/api/v1/workspaces/acme/usage", nil).want(200)

	ada.do("POST", "/api/v1/releases/"+published.Digest+"/yank", map[string]any{"yanked": true}).want(200)
	ada.do("DELETE", "/api/v1/workspaces/acme?slug=other", nil).want(400).refused(core.Invalid).at(t, "query.slug", "acme")
	ada.do("DELETE", "/api/v1/workspaces/acme?slug=acme", nil).want(204)
	ada.do("GET", "/api/v1/workspaces/acme", nil).want(404).refused(core.NotFound)
}

func TestListsGoOnWhereThePageBeforeEnded(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	for range 5 {
		ada.do("PATCH", "/api/v1/workspaces/acme", map[string]any{"name": "Acme"}).want(200)
	}
	var w struct{ ID core.WorkspaceID }
	ada.do("GET", "/api/v1/workspaces/acme", nil).want(200).into(&w)
	for range 5 {
		s.history.events = append(s.history.events, core.Event{ID: core.NewEventID(), Workspace: w.ID, Type: "crm.x", Data: json.RawMessage(`{}`)})
		s.history.invocations = append(s.history.invocations, core.InvocationRecord{ID: core.NewInvocationID(), Workspace: w.ID})
	}
	for list, total := range map[string]int{"audit": 6, "events": 5, "invocations": 5} {
		path, seen, pages := "/api/v1/workspaces/acme/"+list, map[string]bool{}, 0
		for cursor := ""; ; pages++ {
			var page struct {
				Data       []json.RawMessage
				NextCursor string
			}
			ada.do("GET", path+"?limit=2&cursor="+cursor, nil).want(200).into(&page)
			for _, one := range page.Data {
				seen[string(one)] = true
			}
			if cursor = page.NextCursor; cursor == "" || pages > 5 {
				break
			}
		}
		if list != "audit" && len(seen) != total { // lines of the audit log can be equal
			t.Errorf("%s: %d of %d seen", list, len(seen), total)
		}
		if pages < 2 {
			t.Errorf("%s: ended after %d pages", list, pages)
		}
		for _, cursor := range []string{"x", "!!", "YXVkaXQ6LTE", "ZXZ0X25vcGU", strings.Repeat("A", 150)} {
			ada.do("GET", path+"?cursor="+cursor, nil).want(400).refused(core.Invalid).at(t, "query.cursor", "nextCursor")
		}
		ada.do("GET", path+"?limit=0", nil).want(400).refused(core.Invalid).at(t, "query.limit", "")
		ada.do("GET", path+"?limit=many", nil).want(400).refused(core.Invalid).at(t, "query.limit", "integer")
		ada.do("GET", path+"?limit=1&limit=2", nil).want(400).refused(core.Invalid).at(t, "query.limit", "2 times")
		ada.do("GET", path+"?colour=red", nil).want(400).refused(core.Invalid).at(t, "query.colour", "unknown")
	}
}

func TestBadInputIsRefusedWithItsPlace(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	for _, c := range []struct {
		name, path, body, location, says string
	}{
		{"malformed", "/workspaces", `{"name": "x",,}`, "body", "byte 14"},
		{"a member twice", "/workspaces", `{"name": "x", "name": "y"}`, "body", "name is given twice"},
		{"half a character", "/workspaces", `{"name": "x\ud800"}`, "body", "half of a character"},
		{"cut", "/workspaces", `{"name": "x"`, "body", "byte 12"},
		{"two values", "/workspaces", `{"name":"x"} {}`, "body", "byte 14"},
		{"not UTF-8", "/workspaces", "{\"name\":\"\xff\"}", "body", "UTF-8"},
		{"unknown member", "/workspaces", `{"name":"x","colour":"red"}`, "body.colour", "unexpected"},
		{"another case", "/workspaces", `{"Name":"x"}`, "body.Name", "unexpected"},
		{"wrong type", "/workspaces", `{"name":7}`, "body.name", "string"},
		{"not an object", "/workspaces", `[]`, "body", "object"},
		{"missing member", "/workspaces", `{}`, "body", "name"},
		{"a service's rule", "/workspaces", `{"name":"x","slug":"API"}`, "body.slug", "lower-case"},
		{"nothing", "/workspaces", ``, "body", "required"},
		{"nested", "/workspaces/acme/installations", `{"plugin":"crm","grants":[{"capability":"data"},{"capability":7}]}`, "body.grants[1].capability", "string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ada.do("POST", "/api/v1"+c.path, []byte(c.body), "Content-Type", "application/json").
				want(400).refused(core.Invalid).at(t, c.location, c.says)
		})
	}
	ada.do("POST", "/api/v1/workspaces", []byte("name=x"), "Content-Type", "text/plain").want(415).refused("media_type")
}

func TestARefusalNeverRepeatsWhatWasSent(t *testing.T) {
	s := newSite(t)
	secret := "hunter2-canary"
	for _, body := range []string{
		`{"email":"a@example.com","password":"` + secret + `","x":1}`,
		`{"email":"a@example.com","password":"` + secret + `"`,
		`{"email":7,"password":["` + secret + `"]}`,
	} {
		a := s.do(request{Method: "POST", Path: "/api/v1/sessions", Body: []byte(body), Header: map[string]string{"Content-Type": "application/json"}}).want(400)
		if strings.Contains(string(a.Bytes), secret) {
			t.Errorf("the answer repeats the password: %s", a.Bytes)
		}
	}
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	for _, path := range []string{"/", "/nope", "/api", "/api/v1", "/api/v1/nope", "/api/v1/workspaces/", "/w", "/w/acme", "/w/acme/crm", "/w/acme/crm/-/files", "/API/v1/me"} {
		ada.do("GET", path, nil).want(404).refused(core.NotFound)
	}
	a := ada.do("PUT", "/api/v1/workspaces", map[string]any{}).want(405)
	a.refused("method_not_allowed")
	if allow := a.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow is %q", allow)
	}
	s.do(request{Method: "BREW", Path: "/api/v1/me"}).want(400).refused(core.Invalid)
	s.do(request{Method: "GET", Path: "/healthz"}).want(200)
	s.do(request{Method: "GET", Path: "/readyz"}).want(200)
}

func TestSizesAreBounded(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	large := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	const mib = 1 << 20
	ada.do("POST", "/api/v1/workspaces", large(mib+1), "Content-Type", "application/json").want(413).refused(core.TooLarge)
	ada.do("POST", "/w/acme/crm/import", large(2*mib)).want(200)
	ada.do("POST", "/w/acme/crm/import", large(16*mib+1)).want(413).refused(core.TooLarge)
	ada.do("POST", "/api/v1/releases", large(17*mib), "Content-Type", "application/wasm").want(400).refused(core.Invalid)
	ada.do("POST", "/api/v1/releases", large(32*mib+1), "Content-Type", "application/wasm").want(413).refused(core.TooLarge)
	s.do(request{Method: "POST", Path: "/api/v1/releases", Body: large(2 * mib)}).want(413).refused(core.TooLarge)
	s.do(request{Method: "POST", Path: "/w/acme/crm/form", Body: large(2 * mib)}).want(413).refused(core.TooLarge)
	ada.do("GET", "/api/v1/me", nil, "X-Long", string(large(20<<10))).want(431).refused("headers_too_large")
}
