package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// newNeighbours is a workspace that has the CRM and understudies of plugins it
// listens to.
func newNeighbours(t *testing.T, plugins ...string) member {
	crm := newCRM(t)
	emits := map[string][]string{
		"user": {"user.created"}, "shop": {"order.paid", "subscription.created", "subscription.canceled"},
		"support": {"support.ticket.created"}, "lms": {"lms.course.completed"},
		"email": {"email.sent", "email.bounced", "email.complained", "email.unsubscribed", "email.inbound.received"},
	}
	for _, name := range plugins {
		As(crm.w.root).Publish(understudy(t, name, emits[name]...))
		crm.Install(name)
	}
	return crm
}

// contact finds a contact by a field.
func (m member) contact(field, value string) map[string]any {
	m.w.Helper()
	found := m.Call("crm", "GET /contacts?filter["+field+"]="+value, nil).want(200).list("data")
	if len(found) != 1 {
		m.w.Fatalf("%d contacts have the %s %s", len(found), field, value)
	}
	return found[0].(map[string]any)
}

// says lists what the activities of a contact say, the latest first.
func (m member) says(contact any) (bodies []string) {
	m.w.Helper()
	for _, entry := range m.Call("crm", fmt.Sprintf("GET /contacts/%s/timeline", contact), nil).want(200).list("data") {
		bodies = append(bodies, entry.(map[string]any)["document"].(map[string]any)["body"].(string))
	}
	return bodies
}

// TestTheCRMHearsOfAPerson follows one person through the plugins of a
// workspace: all of it is one contact, and each event one activity, also when it
// is told of again.
func TestTheCRMHearsOfAPerson(t *testing.T) {
	crm := newNeighbours(t, "user", "shop", "support", "lms", "email")
	crm.tells("user", "user.created", body{"userId": "cus_1", "email": "Ada@Example.com", "name": "Ada"})
	crm.settled()
	crm.tells("shop", "order.paid", body{"orderId": "o1", "number": "1042", "email": "ada@example.com", "userId": "cus_1",
		"total": 4900, "currency": "EUR", "items": []any{}})
	crm.settled()
	ada := crm.contact("email", "ada@example.com")
	if ada["userId"] != "cus_1" || ada["name"] != "Ada" || ada["source"] != "user" ||
		ada["lifecycle"] != "customer" || ada["lastActivityAt"] == nil {
		t.Errorf("the contact: %v", ada)
	}
	crm.tells("lms", "lms.course.completed", body{"courseTitle": "Engines", "userId": "cus_1", "userName": "Countess"}) // no address
	crm.settled()
	crm.tells("email", "email.sent", body{"messageId": "m1", "to": "ada@example.com", "subject": "Your certificate"})
	crm.settled()
	crm.tells("support", "support.ticket.created", body{"number": "7", "email": "ada@example.com", "subject": "It is wrong"})
	crm.settled()
	crm.tells("shop", "subscription.canceled", body{"plan": "Gold", "email": "ada@example.com"})
	if aside := crm.settled(); len(aside) != 0 {
		t.Errorf("set aside: %v", aside)
	}
	want := []string{"Subscription ended: Gold", "Asked for help, ticket 7: It is wrong", "Mail sent: Your certificate",
		"Completed a course: Engines", "Paid order 1042: 49.00 EUR", "Signed up"}
	if got := crm.says(ada["id"]); !slices.Equal(got, want) {
		t.Errorf("the timeline: %q, want %q", got, want)
	}
	if ada = crm.contact("userId", "cus_1"); ada["lifecycle"] != "churned" || ada["name"] != "Ada" {
		t.Errorf("the contact: %v", ada)
	}
	for _, delivery := range crm.all("", "/deliveries") { // told of again, all of it
		if delivery["event"] != nil {
			crm.API("POST", fmt.Sprint("/deliveries/", delivery["id"], "/redrive"), nil)
		}
	}
	crm.settled()
	if got := crm.says(ada["id"]); !slices.Equal(got, want) {
		t.Errorf("the timeline after everything was told of again: %q", got)
	}
	if made := crm.events("crm.contact.created"); len(made) != 1 {
		t.Errorf("told of contacts: %v", made)
	}
}

// TestMailMakesNoContacts: mail to or from an address nobody knows leaves
// nothing, however much of it there is; a mail that comes back flags the contact
// whose address it was.
func TestMailMakesNoContacts(t *testing.T) {
	crm := newNeighbours(t, "email")
	for i := range 5 {
		crm.tells("email", "email.sent", body{"messageId": "m", "to": fmt.Sprint("n", i, "@example.com")})
	}
	crm.tells("email", "email.inbound.received", body{"from": "spam@example.com", "to": "help@example.com", "subject": "Buy"})
	ada := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada"})
	crm.tells("email", "email.bounced", body{"email": "ada@example.com", "kind": "soft"})
	crm.settled()
	if got := crm.contact("email", "ada@example.com"); got["emailStatus"] != nil {
		t.Errorf("a soft bounce flags the contact: %v", got)
	}
	crm.tells("email", "email.bounced", body{"email": "ada@example.com", "kind": "hard", "reason": "550"})
	if aside := crm.settled(); len(aside) != 0 {
		t.Errorf("set aside: %v", aside)
	}
	if got := crm.contact("email", "ada@example.com"); got["emailStatus"] != "bounced" || got["lastActivityAt"] != nil {
		t.Errorf("the contact whose mail came back: %v", got)
	}
	if got := crm.all("crm", "/contacts?filter[emailStatus]=bounced"); len(got) != 1 {
		t.Errorf("contacts whose mail came back: %v", got)
	}
	if all := crm.all("crm", "/contacts"); len(all) != 1 || len(crm.all("crm", "/activities")) != 2 {
		t.Errorf("contacts: %v", all)
	}
	// A new address has done nothing wrong.
	if got := crm.Call("crm", "PATCH /contacts/"+ada, body{"email": "countess@example.com"}).want(200); got.object()["emailStatus"] != nil {
		t.Errorf("a new address: %s", got.raw)
	}
}

// TestEventsOfOnePersonAtOnce tells of many events of a person nobody knows at
// once: they become one contact.
func TestEventsOfOnePersonAtOnce(t *testing.T) {
	const clients = 12
	crm := newNeighbours(t, "shop")
	together(clients, func(i int) {
		crm.succeeds("POST", "/w/"+crm.workspace+"/shop/tell", body{"type": "order.paid", "version": 1,
			"data": body{"number": fmt.Sprint(i), "email": "ada@example.com", "userId": "cus_1"}})
	})
	if aside := crm.settled(); len(aside) != 0 {
		t.Errorf("set aside: %v", aside)
	}
	ada := crm.contact("userId", "cus_1")
	got := crm.says(ada["id"])
	slices.Sort(got)
	if len(slices.Compact(got)) != clients || len(crm.events("crm.contact.created")) != 1 || crm.meter("crm.contacts") != 1 {
		t.Errorf("the timeline: %q", got)
	}
	if !strings.HasPrefix(fmt.Sprint(ada["name"]), "ada") {
		t.Errorf("a person of no name is called %v", ada["name"])
	}
}

// TestABouncedMailFlagsItsContact: a new contact is welcomed by the email plugin,
// the address doesn't exist, and the contact says so.
func TestABouncedMailFlagsItsContact(t *testing.T) {
	w := newWorld(t, "crm", "email")
	box := newMailbox(t, "gone@example.com")
	alice := w.SignUp("alice")
	crm := As(alice).In(As(alice).Workspace("Acme", "starter"))
	crm.Install("crm")
	crm.InstallWith("email", box.settings())
	gone := crm.make("/contacts", body{"email": "gone@example.com", "name": "Gone"})
	there := crm.make("/contacts", body{"email": "there@example.com", "name": "There"})
	box.to("there@example.com", 1)
	w.until("the mail did not come back", func() bool {
		return crm.Call("crm", "GET /contacts/"+gone, nil).want(200).object()["emailStatus"] == "bounced"
	})
	crm.settled()
	if got := crm.says(there); len(got) != 1 || got[0] != "Mail sent: Welcome, There" {
		t.Errorf("the timeline of who was welcomed: %q", got)
	}
	if got := crm.says(gone); len(got) != 1 || !strings.HasPrefix(got[0], "Mail came back: ") {
		t.Errorf("the timeline of who wasn't: %q", got)
	}
}

// TestContactsAreCountedByThePlan fills a plan of two contacts: a third is
// refused, whoever it comes from, and a merge makes room for it.
func TestContactsAreCountedByThePlan(t *testing.T) {
	crm := newNeighbours(t, "shop")
	crm.API("PUT", "/plan", body{"plan": "tiny"}).want(200)
	ada := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada"})
	double := crm.make("/contacts", body{"email": "double@example.com", "name": "Ada again"})
	crm.Call("crm", "POST /contacts", body{"email": "bob@example.com", "name": "Bob"}).want(429)
	order := func(email string) {
		crm.tells("shop", "order.paid", body{"number": "1", "email": email})
		if aside := crm.settled(); len(aside) != 0 {
			t.Errorf("set aside: %v", aside)
		}
	}
	order("bob@example.com") // leaves nothing
	order("ada@example.com") // is somebody who is there
	if got := len(crm.all("crm", "/contacts")); got != 2 || len(crm.says(ada)) != 1 {
		t.Errorf("%d contacts, and of Ada %q", got, crm.says(ada))
	}
	crm.Call("crm", "POST /contacts/"+ada+"/merge", body{"loserEmail": "Double@example.com"}).want(200)
	crm.heritage(ada, double)
	order("bob@example.com")
	if bob := crm.contact("email", "bob@example.com"); bob["lifecycle"] != "customer" {
		t.Errorf("who came when there was room: %v", bob)
	}
}
