package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestPagesOfEmail opens each page of the plugin, and edits a template in a
// browser.
func TestPagesOfEmail(t *testing.T) {
	s := &twins{world: newWorld(t, "email")}
	alice := s.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("email")
	list := acme.Call("email", "GET /lists", nil).want(200).list("data")[0].(map[string]any)["id"]
	acme.Call("email", "POST /memberships", body{"listId": list, "email": "bea@example.com", "name": "Bea", "confirmed": true}).want(201)
	acme.Call("email", "POST /suppressions", body{"email": "no@example.com", "reason": "complaint"}).want(201)
	template := acme.Call("email", "POST /templates", body{"key": "news", "subject": "s", "text": "t", "category": "marketing"}).want(201).text("id")
	campaign := acme.Call("email", "POST /campaigns", body{"subject": "News of March", "templateId": template, "listIds": []any{list}}).want(201).text("id")
	message := acme.Call("email", "POST /messages", body{"to": "bea@example.com", "templateKey": "welcome", "values": body{"name": "Bea"}}).want(202).text("id")
	automation := s.first(acme.Call("email", "GET /automations", nil))
	cookie := s.cookie(alice)
	for path, says := range map[string][]string{
		"outbox":                    {"There is no mail server yet", "Welcome, Bea", "bea@example.com"},
		"outbox?status=sent":        {"Nothing was sent yet"},
		"messages/" + message:       {"we are glad that you are here"},
		"templates":                 {"confirm-subscription", "New template"},
		"templates/" + template:     {"Preview", "Send a test"},
		"lists":                     {"Newsletter", "New list"},
		"lists/" + fmt.Sprint(list): {"bea@example.com", "/w/acme/email/subscribe/newsletter"},
		"lists/" + fmt.Sprint(list) + "?status=unconfirmed": {"Nobody is on it"},
		"campaigns":                 {"News of March", "New campaign"},
		"campaigns/" + campaign:     {"Draft", "Send", "Edit"},
		"automations":               {"Welcome new contacts", "Switch off"},
		"automations/" + automation: {"crm.contact.created"},
		"suppressions":              {"no@example.com", "Called a mail spam"},
	} {
		text := string(alice.send("GET", "/console/w/acme/p/email/"+path, nil, cookie...).want(200).raw)
		for _, words := range says {
			if !strings.Contains(text, words) {
				t.Errorf("the page %s doesn't say %q", path, words)
			}
		}
		if strings.Contains(text, "cannot show") {
			t.Errorf("the page %s has something the console cannot show", path)
		}
	}
	acme.Call("email", "POST /campaigns/"+campaign+"/schedule", body{}).want(200)
	s.eventually(acme, "email", "/campaigns?filter[status]=finished", 1)
	if text := string(alice.send("GET", "/console/w/acme/p/email/campaigns/"+campaign, nil, cookie...).want(200).raw); !strings.Contains(text, "What became of its mails") {
		t.Error("a campaign that was sent has no chart")
	}

	b := newBrowser(t, s.url)
	b.signIn(alice)
	b.open("/console/w/acme/p/email/templates")
	b.press("receipt")
	b.sees("25.90 EUR")
	b.picture("template")
	b.fill("subject", "Paid: {{number}}, {{nothing}}")
	b.press("Save")
	b.sees("Paid: 1001")
	b.sees("The sample has no value for: nothing")
	b.fill("subject", "Paid: {{number")
	b.press("Save")
	b.sees("{{ is never closed")
	b.picture("refused")
}
