package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestAttack34_StrangersForms: anybody can send the form of a list in anybody's
// name. It brings nobody back who left, and says nothing to them in a stranger's
// words.
func TestAttack34_StrangersForms(t *testing.T) {
	w := newWorld(t, "email")
	box := newMailbox(t)
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.InstallWith("email", box.settings())
	single := acme.Call("email", "POST /lists", body{"name": "Open", "slug": "open", "optin": "single"}).want(201).text("id")
	form := header{"Content-Type", "application/x-www-form-urlencoded"}
	stranger := w.stranger()
	subscribe := func(slug, fields string) answer {
		t.Helper()
		return stranger.send("POST", "/w/acme/email/subscribe/"+slug, []byte(fields), form)
	}

	acme.Call("email", "POST /memberships", body{"listId": single, "email": "ann@example.com"}).want(201)
	ann := acme.all("email", "/subscribers")[0]["id"]
	acme.Call("email", fmt.Sprint("PATCH /subscribers/", ann), body{"status": "unsubscribed"}).want(200)
	fresh := subscribe("open", "email=new@example.com").want(200)
	for range 3 {
		if again := subscribe("open", "email=ann@example.com").want(200); string(again.raw) != string(fresh.raw) {
			t.Errorf("who left is answered\n%s\nnot\n%s", again.raw, fresh.raw)
		}
		if left := acme.all("email", "/subscribers?filter[status]=unsubscribed"); len(left) != 1 {
			t.Fatalf("a stranger brought back who had unsubscribed: %v", left)
		}
	}
	link := box.to("ann@example.com", 1).link(t, "/email/confirm/")
	stranger.follow("POST", link, nil).want(200) // she herself may
	if left := acme.all("email", "/subscribers?filter[status]=unsubscribed"); len(left) != 0 {
		t.Errorf("she has confirmed, and is not back: %v", left)
	}

	subscribe("newsletter", "email=bob@example.com&name=Free+pills%2C+https%3A%2F%2Fevil.example").want(200)
	if mail := box.to("bob@example.com", 1); strings.Contains(fmt.Sprint(mail.header, mail.text), "evil") {
		t.Errorf("bob reads what a stranger wrote: %v\n%s", mail.header, mail.text)
	}

	// Nor does a template's test reach an address that gets no mail.
	acme.Call("email", "POST /suppressions", body{"email": "carol@example.com"}).want(201)
	template := acme.Call("email", "GET /templates", nil).want(200).list("data")[0].(map[string]any)["id"]
	acme.Call("email", fmt.Sprint("POST /templates/", template, "/test"), body{"to": "Carol@Example.com"}).want(202)
	w.eventually(acme, "email", "/messages?filter[status]=suppressed", 1)
	// Who may write templates may not send what they like to whom they like.
	bob := w.SignUp("bob")
	acme.API("POST", "/members", body{"email": bob.email, "role": "member"}).want(201)
	member := As(bob).In(acme.workspace)
	member.Call("email", fmt.Sprint("PATCH /templates/", template), body{"text": "Pay here"}).want(200)
	member.Call("email", fmt.Sprint("POST /templates/", template, "/test"), body{"to": "dan@example.com"}).want(403)

	if all := box.all(); len(all["ann@example.com"]) != 1 || len(all["bob@example.com"]) != 1 || len(all["carol@example.com"]) != 0 {
		t.Errorf("mail: %v", all)
	}
}
