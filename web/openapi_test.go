package web_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// document is the part of an OpenAPI document the tests read.
type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Servers []struct{ URL string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Security    *[]map[string][]string
		Parameters  []struct{ Name, In string }
		RequestBody *struct{ Content map[string]any }
		Responses   map[string]any
	}
	Components struct{ Schemas map[string]json.RawMessage }
}

var ref = regexp.MustCompile(`"#/components/schemas/([^"]+)"`)

// complete checks what every document must have.
func (d document) complete(t *testing.T, raw []byte) {
	t.Helper()
	if d.OpenAPI != "3.1.0" || d.Info.Title == "" || d.Info.Version == "" || len(d.Servers) != 1 {
		t.Errorf("%+v", d)
	}
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, does := range methods {
			name := strings.ToUpper(method) + " " + path
			if does.OperationID == "" || ids[does.OperationID] || does.Summary == "" || len(does.Responses) < 2 || does.Security == nil {
				t.Errorf("%s: %+v", name, does)
			}
			ids[does.OperationID] = true
			for _, match := range regexp.MustCompile(`{([^}]+)}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(does.Parameters, func(p struct{ Name, In string }) bool { return p.In == "path" && p.Name == match[1] }) {
					t.Errorf("%s does not describe %s", name, match[1])
				}
			}
		}
	}
	for _, match := range ref.FindAllSubmatch(raw, -1) {
		if _, ok := d.Components.Schemas[string(match[1])]; !ok {
			t.Errorf("refers to a schema %s that is not there", match[1])
		}
	}
}

func TestTheDocumentAndTheRoutesAgree(t *testing.T) {
	s := newSite(t)
	a := s.do(request{Method: "GET", Path: "/api/v1/openapi.json"}).want(200)
	if got := a.Header.Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("Content-Type %q", got)
	}
	var d document
	a.into(&d)
	d.complete(t, a.Bytes)

	var documented, served []string
	for path, methods := range d.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	for _, route := range s.server.Routes() {
		if path, ok := strings.CutPrefix(route.Path, "/api/v1"); ok && path != "/openapi.json" {
			served = append(served, route.Method+" "+regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(path, "{$1}"))
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented: %s\nserved: %s", documented, served)
	}
	// Whoever has no account can sign up, sign in and out, and nothing else.
	var open []string
	for path, methods := range d.Paths {
		for method, does := range methods {
			if does.Security != nil && len(*does.Security) == 0 {
				open = append(open, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(open)
	if want := []string{"DELETE /sessions/current", "POST /accounts", "POST /sessions"}; !slices.Equal(open, want) {
		t.Errorf("open without an account: %s, want %s", open, want)
	}
	for _, name := range served {
		if slices.Contains(open, name) {
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		a := s.do(request{Method: method, Path: "/api/v1" + strings.NewReplacer("{", "", "}", "").Replace(path)}).want(401)
		a.refused(core.Unauthenticated)
		if a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", name)
		}
	}
}

func TestTheDocumentOfAWorkspaceListsOnlyWhatItHas(t *testing.T) {
	s := newSite(t)
	ada := s.person("ada")
	ada.workspace("acme")
	s.publish(crm())
	s.publish(abi.Manifest{ABI: abi.Version, Name: "ecommerce", Publisher: "carrel", Version: "1.0.0", Title: "Shop", Summary: "Sells", Routes: []abi.Route{
		{Method: "GET", Path: "/orders", Kind: abi.KindQuery, Handler: "orders"},
	}})
	at := "/api/v1/workspaces/acme/openapi.json"
	read := func() (d document, raw string) {
		a := ada.do("GET", at, nil).want(200)
		a.into(&d)
		d.complete(t, a.Bytes)
		return d, string(a.Bytes)
	}
	if d, _ := read(); len(d.Paths) != 0 {
		t.Errorf("nothing is installed, but there is %+v", d.Paths)
	}
	ada.install("acme")
	d, raw := read()
	if d.Servers[0].URL != "/w/acme" || len(d.Paths) != 4 || strings.Contains(raw, "ecommerce") {
		t.Errorf("%s", raw)
	}
	list, create := d.Paths["/crm/contacts"]["get"], d.Paths["/crm/contacts"]["post"]
	if list.Summary != "List contacts" || len(list.Parameters) != 1 || create.RequestBody.Content["application/json"] == nil {
		t.Errorf("%+v\n%+v", list, create)
	}
	if form := d.Paths["/crm/form"]["post"]; form.Security == nil || len(*form.Security) != 0 {
		t.Errorf("the public form asks for %+v", form.Security)
	}
	if get := d.Paths["/crm/contacts/{id}"]["get"]; get.Parameters[0].Name != "id" {
		t.Errorf("%+v", get)
	}
	ada.do("PATCH", "/api/v1/workspaces/acme/installations/crm", map[string]any{"state": "disabled"}).want(200)
	if d, _ := read(); len(d.Paths) != 0 {
		t.Errorf("what is disabled is still listed: %+v", d.Paths)
	}
	ada.do("PATCH", "/api/v1/workspaces/acme/installations/crm", map[string]any{"state": "enabled"}).want(200)
	ada.do("POST", "/api/v1/workspaces/acme/installations", map[string]any{"plugin": "ecommerce"}).want(201)
	if d, _ := read(); d.Paths["/ecommerce/orders"] == nil {
		t.Errorf("the shop is not listed: %+v", d.Paths)
	}
	ada.do("PUT", "/api/v1/workspaces/acme/plan", map[string]any{"plan": "starter"}).want(200)
	if d, _ := read(); d.Paths["/ecommerce/orders"] != nil || d.Paths["/crm/contacts"] == nil {
		t.Errorf("a plan with contacts and without a shop lists %+v", d.Paths)
	}
}

// TestAttemptsAreOfDeliveries: the word is used for the tries of a delivery alone.
// What a call does again after a conflict are its runs.
func TestAttemptsAreOfDeliveries(t *testing.T) {
	var d document
	newSite(t).do(request{Method: "GET", Path: "/api/v1/openapi.json"}).want(200).into(&d)
	having := map[string][]string{}
	for object, raw := range d.Components.Schemas {
		var schema struct{ Properties map[string]any }
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		for name := range schema.Properties {
			having[name] = append(having[name], object)
		}
	}
	for name, want := range map[string]string{"attempts": "[Delivery]", "runs": "[Invocation]"} {
		if got := fmt.Sprint(having[name]); got != want {
			t.Errorf("%s is a member of %s, want %s", name, got, want)
		}
	}
}
