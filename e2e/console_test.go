package e2e

import (
	"strings"
	"testing"
)

// TestTheStoryInABrowser goes the whole way in a real browser: set-up link,
// workspace, marketplace, consent, an import with bad rows, and the list.
func TestTheStoryInABrowser(t *testing.T) {
	p := newProcess(t, "crm", "hostile/probe")
	b := newBrowser(t, p.url)

	b.open("/console/setup#" + p.setup)
	b.fill("name", "Ada Lovelace")
	b.fill("email", "ada@example.com")
	b.fill("password", password)
	b.picture("setup")
	b.press("Create account")
	b.sees("Your workspaces")
	if strings.Contains(b.address(), p.setup) {
		t.Errorf("the set-up token is in the address: %s", b.address())
	}

	b.newWorkspace("Acme")
	b.press("Browse the marketplace")
	b.sees("Plugins this server offers.")
	b.picture("marketplace")

	// A plugin outside of the plan says why, and what to do.
	b.press("Probe")
	b.sees("Probe is not part of this workspace's plan. These plans include it: ")
	b.sees("Change the plan")

	b.install("CRM", nil)
	b.picture("home")

	b.press("Contacts")
	b.sees("No contacts here")
	b.upload([]byte(contactsCSV(0, 1000)))
	b.sees("1000 of 1000") // the page follows the import by itself
	b.sees("Line")
	b.picture("imports")
	if refused := b.count("section.card table tbody tr"); refused < 20 {
		t.Errorf("%d refused rows are listed, want 20 and the import", refused)
	}

	b.press("Contacts")
	b.sees("Person, number 998") // the last good row of the file: the newest first
	b.picture("contacts")
	if seen, pages := b.leaf(); seen != 980 || pages != 20 {
		t.Errorf("%d contacts on %d pages, want 980 on 20", seen, pages)
	}

	b.press("Sign out")
	b.sees("Sign in to Carrel")
	b.open("/console/w/acme")
	b.sees("Sign in to Carrel")
	b.fill("email", "ada@example.com")
	b.fill("password", "not the password")
	b.press("Sign in")
	b.sees("The email address or the password is wrong.")
	b.picture("sign-in")
}
