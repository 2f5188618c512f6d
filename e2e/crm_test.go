package e2e

import "testing"

func TestAWorkspaceInstallsCRM(t *testing.T) {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	acme := As(alice).Workspace("Acme", "starter")
	As(alice).In(acme).Install("crm")

	made := As(alice).In(acme).Call("crm", "POST /contacts", body{"email": "Bob@Example.com", "name": "Bob"}).want(201)
	if got := made.text("email"); got != "bob@example.com" {
		t.Errorf("email is %q", got)
	}
	list := As(alice).In(acme).Call("crm", "GET /contacts", nil).want(200)
	if n := len(list.list("data")); n != 1 {
		t.Errorf("%d contacts", n)
	}
}
