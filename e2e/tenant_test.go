package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A tenant's workspace is exported while the server runs, erased with a receipt, and
// comes back from what its tenant was given.
func TestATenantTakesItsDataAndComesBack(t *testing.T) {
	p := newProcess(t, "crm")
	alice := p.world().join("alice", p.setup)
	slug := As(alice).Workspace("Acme", "enterprise")
	As(alice).In(slug).Install("crm")
	made := As(alice).In(slug).Call("crm", "POST /contacts", body{"email": "ann@example.com", "name": "Ann"}).want(201)
	file := filepath.Join(t.TempDir(), "acme.tar")
	if out, err := p.run("export", slug, "-o", file); err != nil || !strings.Contains(out, "1 member") {
		t.Fatalf("export: %v\n%s", err, out)
	}
	if !strings.Contains(contentOf(t, file), `{"id":"`+made.text("id")+`","version":1,`) {
		t.Error("people can't read the contact in it")
	}
	p.kill()
	if out, err := p.run("admin", "workspace", "delete", slug, "--confirm", "yes"); err == nil || !strings.Contains(out, "--confirm "+slug) {
		t.Errorf("erased without its address: %v\n%s", err, out)
	}
	if out, err := p.run("admin", "workspace", "delete", slug, "--confirm", slug); err != nil || !strings.Contains(out, "2  documents\n") || !strings.Contains(out, " 0  left\n") {
		t.Errorf("erase: %v\n%s", err, out)
	}
	p.start()
	alice = alice.at(p.world())
	As(alice).In(slug).Call("crm", "GET /contacts", nil).want(404)
	p.kill()
	if out, err := p.run("restore", file, "--workspace", slug); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	p.start()
	alice = alice.at(p.world())
	if back := As(alice).In(slug).Call("crm", "GET /contacts/"+made.text("id"), nil).want(200); back.text("email") != "ann@example.com" {
		t.Errorf("back came %s", back.raw)
	}
	As(alice).In(slug).Call("crm", "POST /contacts", body{"email": "ann@example.com", "name": "Ann"}).want(409)
	As(alice).In(slug).Call("crm", "POST /contacts", body{"email": "bob@example.com", "name": "Bob"}).want(201)
}
