package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestBadInput sends what nobody should: each answer is a problem with a 4xx
// status that names the place, and nothing is changed.
func TestBadInput(t *testing.T) {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	m := As(alice).In(acme)
	m.Install("crm")
	good := m.Call("crm", "POST /contacts", body{"email": "a@example.com", "name": "A"}).want(201).text("id")
	before := m.Call("crm", "GET /contacts", nil).want(200).raw

	json := header{"Content-Type", "application/json"}
	for _, bad := range []struct {
		name, route string
		in          any
		status      int
		place       string // in the answer
	}{
		{"malformed JSON", "POST /contacts", []byte(`{"email": "b@example.com",`), 400, "body"},
		{"not an object", "POST /contacts", []byte(`[]`), 400, "body"},
		{"two values", "POST /contacts", []byte(`{"email":"b@example.com","name":"B"}{}`), 400, "body"},
		{"a member twice", "POST /contacts", []byte(`{"email":"b@example.com","name":"B","name":"C"}`), 400, "body.name"},
		{"a member twice, spelled differently", "POST /contacts", []byte(`{"email":"b@example.com","name":"B","\u006eame":"C"}`), 400, "body.name"},
		{"half of a character", "POST /contacts", []byte(`{"email":"b@example.com","name":"B\ud800"}`), 400, "body.name"},
		{"not a character to store", "POST /contacts", []byte(`{"email":"b@example.com","name":"B\u0000"}`), 400, "body.name"},
		{"not UTF-8", "POST /contacts", []byte("{\"email\":\"b@example.com\",\"name\":\"\xff\"}"), 400, "body"},
		{"wrong type", "POST /contacts", body{"email": 7, "name": "B"}, 400, "body.email"},
		{"unknown field", "POST /contacts", body{"email": "b@example.com", "name": "B", "nmae": "B"}, 400, "body.nmae"},
		{"host's own field", "POST /contacts", body{"id": "doc_1", "email": "b@example.com", "name": "B"}, 400, "body.id"},
		{"workspace", "POST /contacts", body{"workspace": "other", "email": "b@example.com", "name": "B"}, 400, "body.workspace"},
		{"missing field", "POST /contacts", body{"email": "b@example.com"}, 400, "body.name"},
		{"empty field", "POST /contacts", body{"email": "b@example.com", "name": ""}, 400, "body.name"},
		{"bad email", "POST /contacts", body{"email": "b", "name": "B"}, 400, "body.email"},
		{"bad choice", "POST /contacts", body{"email": "b@example.com", "name": "B", "lifecycle": "friend"}, 400, "body.lifecycle"},
		{"too long", "POST /contacts", body{"email": "b@example.com", "name": strings.Repeat("b", 201)}, 400, "body.name"},
		{"taken", "POST /contacts", body{"email": "A@example.com", "name": "B"}, 409, "body.email"},
		{"reference to nothing", "POST /contacts", body{"email": "b@example.com", "name": "B", "companyId": "doc_01900000-0000-7000-8000-000000000000"}, 400, "body.companyId"},
		{"unknown id", "GET /contacts/doc_01900000-0000-7000-8000-000000000000", nil, 404, ""},
		{"not an id", "GET /contacts/7", nil, 404, ""},
		{"an id of another kind", "GET /contacts/ws_01900000-0000-7000-8000-000000000000", nil, 404, ""},
		{"an id of another table", "GET /companies/" + good, nil, 404, ""},
		{"unknown path", "GET /nothing", nil, 404, ""},
		{"unknown method", "PUT /contacts", body{}, 405, ""},
		{"bad cursor", "GET /contacts?cursor=rubbish", nil, 400, "query.cursor"},
		{"bad limit", "GET /contacts?limit=many", nil, 400, "query.limit"},
		{"large limit", "GET /contacts?limit=100000", nil, 400, "query.limit"},
		{"unknown filter", "GET /contacts?filter[nmae]=x", nil, 400, "nmae"},
		{"unknown sort", "GET /contacts?sort=phone", nil, 400, "sort"},
		{"large body", "POST /contacts", body{"email": "b@example.com", "name": strings.Repeat("b", 17<<20)}, 413, ""},
		{"empty file", "POST /contacts/import", []byte(""), 400, "body"},
		{"not a file of contacts", "POST /contacts/import", []byte("a;b\n1;2\n"), 400, "body"},
		{"not text", "POST /contacts/import", []byte("email,name\n\xff\xfe,x\n"), 400, "body"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			var a answer
			if raw, ok := bad.in.([]byte); ok && !strings.Contains(bad.route, "import") {
				a = m.Call("crm", bad.route, raw, json)
			} else {
				a = m.Call("crm", bad.route, bad.in)
			}
			if a.status != bad.status {
				t.Fatalf("got %d %.400s", a.status, a.raw)
			}
			problem := a.object()
			if a.header.Get("Content-Type") != "application/problem+json" || problem["requestId"] != a.header.Get("X-Request-Id") {
				t.Errorf("not a problem with its request's id: %s", a.raw)
			}
			if text := fmt.Sprint(problem["errors"], problem["detail"]); !strings.Contains(text, bad.place) {
				t.Errorf("it doesn't name %s: %s", bad.place, a.raw)
			}
		})
	}
	if after := m.Call("crm", "GET /contacts", nil).want(200).raw; string(after) != string(before) {
		t.Errorf("the list was %s and is %s", before, after)
	}
}
