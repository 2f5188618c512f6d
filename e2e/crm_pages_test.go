package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestPagesOfTheCRM opens each page of the plugin, and works with a deal in a
// browser: a contact is added, a deal of theirs moved on the board and won.
func TestPagesOfTheCRM(t *testing.T) {
	s := &twins{world: newWorld(t, "crm")}
	alice := s.SignUp("alice")
	crm := As(alice).In(As(alice).Workspace("Acme", "starter"))
	crm.Install("crm")
	company := crm.make("/companies", body{"name": "Difference Ltd", "domain": "difference.example"})
	ada := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada Lovelace", "companyId": company, "lifecycle": "customer"})
	bob := crm.make("/contacts", body{"email": "bob@example.com", "name": "Bob"})
	gone := crm.make("/contacts", body{"email": "gone@example.com", "name": "A. Lovelace"})
	crm.Call("crm", "POST /contacts/"+ada+"/merge", body{"loserId": gone}).want(200)
	crm.Call("crm", "POST /contacts/"+ada+"/tags", body{"tag": "vip"}).want(201)
	crm.make("/activities", body{"contactId": ada, "type": "call", "body": "She wants two engines"})
	crm.make("/tasks", body{"contactId": ada, "title": "Send the plans", "dueAt": "2026-12-24T10:00:00Z"})
	deal := crm.make("/deals", body{"title": "Two engines", "contactId": ada, "amount": 12_345_600, "currency": "EUR"})
	crm.make("/activities", body{"dealId": deal, "body": "Asked for a discount"})
	lost := crm.make("/deals", body{"title": "A boiler", "contactId": bob, "amount": 500, "currency": "JPY"})
	crm.Call("crm", "POST /deals/"+lost+"/lose", body{"reason": "too small"}).want(200)
	s.imports(crm, crm.Call("crm", "POST /contacts/import?dryRun=true", []byte("email,name,shoe\nx@example.com,X,38\n")).want(202).text("id"))
	cookie := s.cookie(alice)
	for path, says := range map[string][]string{
		"contacts":                           {"Ada Lovelace", "Bob", "Add a contact", "Customer"},
		"contacts?name=Ada&sort=name":        {"Ada Lovelace"},
		"contacts?lifecycle=churned":         {"No contacts here"},
		"contacts?lifecycle=lead&sort=-name": {"Bob"},
		"contacts/new":                       {"New contact", "Difference Ltd"},
		"contacts/" + ada: {"She wants two engines", "Call", "Task: Send the plans", "Deal: Two engines",
			"Asked for a discount", "Make me the owner"},
		"contacts/" + ada + "?tab=tasks": {"Send the plans", "New task"},
		"contacts/" + ada + "?tab=deals": {"Two engines", "123,456.00", "New deal"},
		"contacts/" + ada + "?tab=tags":  {"vip", "Remove", "New tag"},
		"contacts?tag=VIP":               {"Ada Lovelace"},
		"contacts?tag=nobody":            {"No contacts here"},
		"contacts/" + ada + "?tab=edit":  {"Difference Ltd", "Merge another contact into this one"},
		"contacts/" + gone:               {"was merged into another one", "Go to that contact"},
		"companies":                      {"Difference Ltd", "New company"},
		"companies?name=X":               {"No companies here"},
		"companies/" + company:           {"Ada Lovelace", "Edit"},
		"deals":                          {"Lead", "Contacted", "Qualified", "Closed", "Two engines", "New deal", "Bob"},
		"deals/" + deal:                  {"Two engines", "Asked for a discount", "Won", "It came to nothing"},
		"deals/" + lost:                  {"too small", "Lost because"},
		"tasks":                          {"Send the plans", "Ada Lovelace", "New task"},
		"tasks?status=done":              {"Nothing to do"},
		"reports":                        {"Deals that came as far as a stage", "EUR", "Expected"},
		"reports?owner=acc_nobody":       {"No deals here"},
		"imports":                        {"Import contacts", "Last check", "Nothing was changed", "not understood: shoe"},
	} {
		text := string(alice.send("GET", "/console/w/acme/p/crm/"+path, nil, cookie...).want(200).raw)
		for _, words := range says {
			if !strings.Contains(text, words) {
				t.Errorf("the page %s doesn't say %q", path, words)
			}
		}
		if strings.Contains(text, "cannot show") {
			t.Errorf("the page %s has something the console cannot show", path)
		}
	}
	list := string(alice.send("GET", "/console/w/acme/p/crm/contacts", nil, cookie...).want(200).raw)
	if strings.Contains(list, "A. Lovelace") {
		t.Error("the list shows a contact that was merged")
	}

	b := newBrowser(t, s.url)
	b.signIn(alice)
	b.open("/console/w/acme/p/crm/contacts/new")
	b.fill("name", "Grace Hopper")
	b.fill("email", "Grace@Example.com")
	b.press("Save")
	b.sees("grace@example.com")
	b.picture("contact")
	// A form keeps what its reader could not have chosen.
	rare := crm.make("/deals", body{"title": "Rare", "amount": 5, "currency": "HUF", "ownerId": "acc_somebody"})
	b.open("/console/w/acme/p/crm/deals/" + rare)
	b.sees("Somebody else")
	b.fill("title", "Rarer")
	b.press("Save")
	b.sees("Rarer")
	kept := crm.Call("crm", "GET /deals/"+rare, nil).want(200)
	if kept.text("title") != "Rarer" || kept.text("currency") != "HUF" || kept.number("amount") != 5 || kept.text("ownerId") != "acc_somebody" {
		t.Errorf("the deal after its form: %s", kept.raw)
	}
	crm.Call("crm", "DELETE /deals/"+rare, nil).want(204)
	b.open("/console/w/acme/p/crm/deals")
	b.sees("Two engines")
	b.until("no card can be moved", `(() => {
		const menu = document.querySelector("details.moves");
		if (menu) menu.open = true;
		return !!menu;
	})()`)
	b.press("To Qualified")
	b.sees("Done.")
	if got := crm.Call("crm", "GET /deals/"+deal, nil).want(200); got.text("stageKey") != "qualified" {
		t.Errorf("the deal after its card was moved: %s", got.raw)
	}
	b.picture("board")
	b.open(fmt.Sprint("/console/w/acme/p/crm/contacts/", ada))
	b.sees("She wants two engines")
	b.picture("timeline")
	b.open(fmt.Sprint("/console/w/acme/p/crm/deals/", deal))
	b.press("Won")
	b.sees("Closed") // the name of the stage
	b.picture("deal")
	b.open("/console/w/acme/p/crm/reports")
	b.sees("Deals that came as far as a stage")
	b.picture("reports")
	if got := crm.Call("crm", "GET /deals/"+deal, nil).want(200); got.text("status") != "won" {
		t.Errorf("the deal: %s", got.raw)
	}
}
