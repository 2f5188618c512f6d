package e2e

import (
	"fmt"
	"mime"
	"net/url"
	"strings"
	"testing"
)

// TestAContactIsWelcomed: a contact created in the CRM gets the plugin's mail,
// one whose address is suppressed doesn't, and one whose address there is not is
// not written to again.
func TestAContactIsWelcomed(t *testing.T) {
	w := newWorld(t, "crm", "email")
	box := newMailbox(t, "gone@example.com")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("crm")
	acme.InstallWith("email", box.settings())
	contact := func(email, name string) {
		acme.Call("crm", "POST /contacts", body{"email": email, "name": name}).want(201)
	}
	status := func(to, want string) map[string]any {
		t.Helper()
		return w.eventually(acme, "email", "/messages?filter[to]="+url.QueryEscape(to)+"&filter[status]="+want, 1)[0]
	}

	contact("Bob@Example.com", "Bob <b>\u00fc")
	got := box.to("bob@example.com", 1)
	subject, err := new(mime.WordDecoder).DecodeHeader(got.header.Get("Subject"))
	if err != nil || subject != "Welcome, Bob <b>\u00fc" || !strings.Contains(got.text, "Hello Bob &lt;b&gt;\u00fc,") || !strings.Contains(got.text, "Hello Bob <b>\u00fc,") {
		t.Errorf("subject %q, %v, text %s", subject, err, got.text)
	}
	if from := got.header.Get("From"); !strings.Contains(from, "office@acme.example") || got.header.Get("List-Unsubscribe") != "" || got.header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("head: %v", got.header)
	}
	message := status("bob@example.com", "sent")
	if message["providerId"] != got.messageID || message["attempts"] != 1.0 {
		t.Errorf("the outbox has %v, the mail %s", message, got.messageID)
	}
	if sent := acme.count("email.sent", "to"); sent["bob@example.com"] != 1 || len(sent) != 1 {
		t.Errorf("told of %v", sent)
	}

	bob := acme.Call("crm", "GET /contacts", nil).want(200).list("data")[0].(map[string]any)["id"]
	w.eventually(acme, "crm", fmt.Sprint("/contacts/", bob, "/timeline"), 1)
	if timeline := string(acme.Call("crm", fmt.Sprint("GET /contacts/", bob, "/timeline"), nil).want(200).raw); strings.Count(timeline, "Mail sent: Welcome, Bob") != 1 {
		t.Errorf("the timeline of bob: %s", timeline)
	}

	acme.Call("email", "POST /suppressions", body{"email": "Carol@example.com", "reason": "manual"}).want(201)
	contact("carol@example.com", "Carol")
	status("carol@example.com", "suppressed")

	contact("gone@example.com", "Gone")
	bounced := status("gone@example.com", "bounced")
	if !strings.Contains(fmt.Sprint(bounced["reason"]), "550") {
		t.Errorf("why it bounced: %v", bounced["reason"])
	}
	if told := acme.count("email.bounced", "email"); told["gone@example.com"] != 1 {
		t.Errorf("told of bounces: %v", told)
	}
	acme.Call("email", "POST /messages", body{"to": "gone@example.com", "templateKey": "welcome"}).want(202)
	status("gone@example.com", "suppressed")
	for to, mails := range box.all() {
		if to != "bob@example.com" || len(mails) != 1 {
			t.Errorf("%s got %d mails", to, len(mails))
		}
	}

	// A client's own key sends one mail.
	one := acme.Call("email", "POST /messages", body{"to": "dan@example.com", "templateKey": "welcome", "dedupeKey": "hello"}).want(202)
	box.to("dan@example.com", 1)
	again := acme.Call("email", "POST /messages", body{"to": "dan@example.com", "templateKey": "welcome", "dedupeKey": "hello"}).want(202)
	if one.text("id") != again.text("id") {
		t.Error("the same dedupeKey made another message")
	}
}

// TestATagPutsAContactOnAList: as far as its owner agrees.
func TestATagPutsAContactOnAList(t *testing.T) {
	w := newWorld(t, "crm", "email")
	box := newMailbox(t)
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("crm")
	acme.InstallWith("email", box.settings())
	automation := acme.Call("email", "GET /automations", nil).want(200).list("data")[0].(map[string]any)["id"]
	acme.Call("email", fmt.Sprint("PATCH /automations/", automation), body{"enabled": false}).want(200)
	for _, list := range []body{{"name": "Customers", "slug": "customers", "optin": "single", "tag": "customer"}, {"name": "Tips", "slug": "tips", "tag": "customer"}} {
		acme.Call("email", "POST /lists", list).want(201)
	}
	contact := acme.Call("crm", "POST /contacts", body{"email": "Bob@example.com", "name": "Bob"}).want(201).text("id")
	acme.Call("crm", "POST /contacts/"+contact+"/tags", body{"tag": "other"}).want(201)
	acme.Call("crm", "POST /contacts/"+contact+"/tags", body{"tag": "customer"}).want(201)
	w.eventually(acme, "email", "/memberships?filter[status]=confirmed", 1)
	link := box.to("bob@example.com", 1).link(t, "/email/confirm/")
	w.stranger().follow("POST", link, nil).want(200)
	w.eventually(acme, "email", "/memberships?filter[status]=confirmed", 2)
	if subscriber := acme.all("email", "/subscribers"); len(subscriber) != 1 || subscriber[0]["contactRef"] != contact || subscriber[0]["name"] != "Bob" {
		t.Errorf("subscribers: %v", subscriber)
	}
	if came := box.all(); len(came) != 1 || len(came["bob@example.com"]) != 1 {
		t.Errorf("mail: %v", came)
	}
}

// TestPeopleSubscribeAndLeave: the public form asks by mail, links that are only
// looked at change nothing, and one click ends it, in a browser and by a mail
// program.
func TestPeopleSubscribeAndLeave(t *testing.T) {
	w := newWorld(t, "crm", "email")
	box := newMailbox(t)
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.InstallWith("email", box.settings())
	form := header{"Content-Type", "application/x-www-form-urlencoded"}
	anybody := w.stranger()
	is := func(status string, n int) {
		t.Helper()
		if found := acme.all("email", "/memberships?filter[status]="+status); len(found) != n {
			t.Errorf("%d are %s, want %d", len(found), status, n)
		}
	}

	// Somebody signs bea up, twice. She is asked once, and only her answer counts.
	first := anybody.send("POST", "/w/acme/email/subscribe/newsletter", []byte("email=Bea%40example.com&name=Bea"), form).want(200)
	second := anybody.send("POST", "/w/acme/email/subscribe/newsletter", []byte("email=bea%40example.com&name=X"), form).want(200)
	if string(first.raw) != string(second.raw) {
		t.Errorf("the second answer differs:\n%s\n%s", first.raw, second.raw)
	}
	link := box.to("bea@example.com", 1).link(t, "/email/confirm/")
	for range 2 {
		anybody.follow("GET", link, nil).want(200)
	}
	is("unconfirmed", 1)
	anybody.follow("GET", link[:len(link)-4]+"AAAA", nil).want(404)
	anybody.follow("POST", link[:len(link)-4]+"AAAA", nil).want(404)
	anybody.follow("POST", strings.Replace(link, "/confirm/", "/u/", 1), nil).want(404) // for another purpose
	is("unconfirmed", 1)

	// She confirms in a browser in which she is signed in to the console, too.
	b := newBrowser(t, w.url)
	b.signIn(alice)
	b.open(strings.TrimPrefix(link, w.url))
	b.sees("Subscribe to Newsletter?")
	b.picture("confirm")
	b.press("Confirm")
	b.sees("You are subscribed")
	is("confirmed", 1)

	list := acme.Call("email", "GET /lists", nil).want(200).list("data")[0].(map[string]any)["id"]
	for _, email := range []string{"ann@example.com", "cy@example.com"} {
		acme.Call("email", "POST /memberships", body{"listId": list, "email": email, "name": "Somebody", "confirmed": true}).want(201)
	}
	campaign := func() string {
		template := acme.Call("email", "POST /templates", body{"key": "news-" + unique(), "subject": "s", "html": "<p>News for {{name}}</p>", "text": "News for {{name}}", "category": "marketing"}).want(201).text("id")
		id := acme.Call("email", "POST /campaigns", body{"subject": "News, {{name}}", "templateId": template, "listIds": []any{list}}).want(201).text("id")
		acme.Call("email", "POST /campaigns/"+id+"/schedule", body{}).want(200)
		return id
	}
	campaign()
	for _, to := range []string{"ann@example.com", "cy@example.com"} {
		box.to(to, 1)
	}
	news := box.to("bea@example.com", 2)
	leave := strings.Trim(news.header.Get("List-Unsubscribe"), "<>")
	if news.header.Get("Subject") != "News, Bea" || news.header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" || leave != news.link(t, "/email/u/") {
		t.Errorf("head %v, text %s", news.header, news.text)
	}

	// Looking is not leaving.
	for range 2 {
		anybody.follow("GET", leave, nil).want(200)
	}
	b.open(strings.TrimPrefix(leave, w.url))
	b.sees("Unsubscribe?")
	is("confirmed", 3)
	b.picture("unsubscribe")
	b.press("Unsubscribe")
	b.sees("You are unsubscribed")
	is("confirmed", 2)
	anybody.follow("POST", leave, nil).want(200) // once more does nothing
	// A mail program's one click, and one without a body.
	anybody.follow("POST", strings.Trim(box.to("ann@example.com", 1).header.Get("List-Unsubscribe"), "<>"), []byte("List-Unsubscribe=One-Click"), form).want(200)
	is("unsubscribed", 2)
	anybody.follow("POST", strings.Trim(box.to("cy@example.com", 1).header.Get("List-Unsubscribe"), "<>"), nil).want(200)
	is("unsubscribed", 3)
	told := acme.count("email.unsubscribed", "email")
	for _, email := range []string{"ann@example.com", "bea@example.com", "cy@example.com"} {
		if told[email] != 1 {
			t.Errorf("told %d times that %s left", told[email], email)
		}
	}

	// The link she confirmed with brings nobody back, nor does the workspace.
	anybody.follow("POST", link, nil).want(404)
	acme.Call("email", "POST /memberships", body{"listId": list, "email": "bea@example.com", "confirmed": true}).want(400)
	id := campaign()
	w.eventually(acme, "email", "/campaigns?filter[status]=finished", 2)
	if report := acme.Call("email", "GET /campaigns/"+id+"/report", nil).want(200); report.number("written") != 0 {
		t.Errorf("the second campaign: %s", report.raw)
	}
	// What somebody waits for still comes.
	acme.Call("email", "POST /messages", body{"to": "bea@example.com", "templateKey": "welcome"}).want(202)
	box.to("bea@example.com", 3)

	// To an address that the owner lists comes nothing at all.
	b.open("/console/w/acme/p/email/suppressions")
	b.sees("Everybody gets mail")
	b.fill("email", "Dan@example.com")
	b.press("Save")
	b.sees("Allow mail") // it is on the list
	acme.Call("email", "POST /messages", body{"to": "dan@example.com", "templateKey": "welcome"}).want(202)
	w.eventually(acme, "email", "/messages?filter[status]=suppressed", 1)
	b.open("/console/w/acme/p/email/outbox?status=suppressed")
	b.sees("dan@example.com")
	if came := box.all()["dan@example.com"]; len(came) != 0 {
		t.Errorf("an address that gets no mail got %d", len(came))
	}
}

// TestAPublicFormIsNoMailCannon: a form that anybody can send asks a few hundred
// addresses in an hour, and no more.
func TestAPublicFormIsNoMailCannon(t *testing.T) {
	w := newWorld(t, "email")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("email")
	anybody := w.stranger()
	asked := 0
	for n := range 320 {
		answer := anybody.send("POST", "/w/acme/email/subscribe/newsletter", []byte(fmt.Sprintf("email=a%d%%40example.com", n)),
			header{"Content-Type", "application/x-www-form-urlencoded"})
		if answer.status == 200 {
			asked++
		} else {
			answer.want(429)
		}
	}
	if memberships := acme.all("email", "/memberships"); asked != 300 || len(memberships) != 300 {
		t.Errorf("%d were asked, and there are %d memberships", asked, len(memberships))
	}
}
