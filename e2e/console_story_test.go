package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/carrel-dev/carrel/core/abi"
)

// key presses a key, wherever the focus is.
func (b *browser) key(key string) {
	b.Helper()
	run(b, chromedp.KeyEvent(key))
}

// TestAnOwnerLooksAfterAPlugin goes through what an owner does besides using
// plugins: settings with a mistake and a secret, work that was set aside, the
// data behind it, people and tokens.
func TestAnOwnerLooksAfterAPlugin(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	m := As(w.root).In(As(w.root).Workspace("Acme", "enterprise"))
	m.API("POST", "/installations", body{"plugin": "probe", "grants": m.asked("probe")}).want(201)
	m.Call("probe", "POST /notes", body{"title": "A note to find"}).want(201)
	aside := m.Call("probe", "POST /ask", body{"op": abi.OpJobsSchedule, "request": body{"handler": "note", "payload": body{"title": ""}}}).want(200).
		object()["response"].(map[string]any)["id"].(string)
	b := newBrowser(t, w.url)
	b.signIn(w.root)

	// Settings: what is wrong is said at the field, with what was typed; a secret
	// is set and not shown.
	b.open("/console/w/acme/installations/probe")
	b.sees("not set")
	b.fill("setting.color", "green")
	b.fill("setting.key", "a secret to keep")
	b.fill("setting.smtp.fromAddress", "not an address")
	run(b, chromedp.Evaluate[bool](`document.querySelectorAll("form").forEach(f => f.noValidate = true), true`)) // as a browser that checks nothing
	b.press("Save settings")
	b.until("the fault is not at its field", `(() => {
		const field = document.querySelector("[name='setting.smtp.fromAddress'][aria-invalid=true]");
		return field?.value === "not an address" && document.getElementById(field.getAttribute("aria-describedby"))?.innerText.length > 3;
	})()`)
	if shown := run(b, chromedp.Evaluate[string](`document.querySelector("[name='setting.key']").value + document.documentElement.outerHTML`)); strings.Contains(shown, "a secret to keep") {
		t.Error("a secret that was refused comes back")
	}
	b.fill("setting.key", "a secret to keep")
	b.fill("setting.smtp.fromAddress", "desk@example.com")
	b.press("Save settings")
	b.sees("Saved.")
	b.until("the secret is not set", `document.querySelector("[name='setting.key']").closest("label").innerText.includes("Nobody can read it")`)
	if got := m.API("GET", "/installations/probe", nil).object(); fmt.Sprint(got["secrets"]) != "[key]" || strings.Contains(fmt.Sprint(got), "a secret to keep") {
		t.Errorf("the installation is %v", got)
	}

	// Off and on again.
	b.press("Disable")
	b.sees("Disabled. Its data is kept.")
	b.press("Enable")
	b.sees("Enabled.")

	// The data behind it.
	b.press("Look at its data")
	b.sees("1 document")
	b.open("/console/w/acme/installations/probe/data/notes")
	b.press("A note to find")
	b.sees("What it is about")

	// Work that was set aside is noticed, looked at, and tried again.
	b.open("/console/w/acme")
	b.press("1 delivery was set aside.")
	b.press("Probe: note")
	b.sees("The document doesn't fit the table notes.")
	b.press("Try again now")
	b.sees("It is due again now")
	if a := m.API("GET", "/audit", nil).want(200); !strings.Contains(string(a.raw), aside) {
		t.Error("who tried it again is not in the audit log")
	}

	// People.
	b.open("/console/w/acme/members")
	b.fill("email", "nobody@example.com")
	b.press("Add to the workspace")
	b.sees("Nobody has an account with the email address nobody@example.com")
	bob := w.SignUp("bob")
	b.fill("email", bob.email)
	b.press("Add to the workspace")
	b.sees("Added.")
	b.press("bob")
	b.press("Remove bob")
	b.sees("Removed.")

	// A token is shown once.
	b.open("/console/tokens")
	b.fill("name", "for a script")
	b.press("Make token")
	b.sees("Your new token")
	secret := run(b, chromedp.Evaluate[string](`document.querySelector("code.secret").innerText`))
	(&person{w: w, token: secret}).send("GET", "/api/v1/me", nil).want(200)
	b.open("/console/tokens")
	b.sees("for a script")
	if b.count("code.secret") != 0 {
		t.Error("the token is shown again")
	}
	b.until("it can't be revoked", `(() => {
		const found = [...document.querySelectorAll("button")].find(e => e.textContent.includes("Revoke for a script"));
		found?.click();
		return !!found;
	})()`)
	b.sees("Revoked.")
	(&person{w: w, token: secret}).send("GET", "/api/v1/me", nil).want(401)
}

// TestTheConsoleByKeyboard reaches the content in two keys, and opens and leaves
// the menu of a narrow window without a mouse.
func TestTheConsoleByKeyboard(t *testing.T) {
	w := newWorld(t)
	As(w.root).Workspace("Acme", "enterprise")
	b := newBrowser(t, w.url)
	b.signIn(w.root)
	b.open("/console/w/acme/members")
	b.key(kb.Tab)
	b.until("the first stop is not the skip link", `document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`)
	b.key(kb.Enter)
	b.until("the skip link does not lead to the content", `document.activeElement.id === "main"`)
	b.key(kb.Tab)
	b.until("the next stop is not in the content", `document.querySelector("main").contains(document.activeElement) && document.activeElement.matches(":focus-visible")`)
	if style := run(b, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outlineStyle`)); style != "solid" {
		t.Errorf("the focus is not seen: outline %s", style)
	}

	b.as(look{360, "light"})
	b.open("/console/w/acme/members")
	b.until("the menu is open", `!document.querySelector("#nav").checkVisibility()`)
	run(b, chromedp.Evaluate[bool](`document.querySelector("button.menu").focus(), true`))
	b.key(kb.Enter)
	b.until("the menu stays shut", `document.querySelector("#nav").checkVisibility() && document.querySelector("#nav a[aria-current=page]").innerText === "Members"`)
	b.key(kb.Escape)
	b.until("the menu stays open", `!document.querySelector("#nav").checkVisibility() && document.activeElement.matches("button.menu")`)
}

// TestAMemberSeesWhatIsTheirs shows a member, who manages nothing, the pages they
// may open and no others, and says why the others are shut.
func TestAMemberSeesWhatIsTheirs(t *testing.T) {
	w := newWorld(t, "crm")
	m := As(w.root).In(As(w.root).Workspace("Acme", "enterprise"))
	m.Install("crm")
	bob := w.SignUp("bob")
	m.API("POST", "/members", body{"email": bob.email, "role": "member"}).want(201)
	b := newBrowser(t, w.url)
	b.signIn(bob)
	b.open("/console/w/acme")
	b.sees("Contacts")
	links := run(b, chromedp.Evaluate[string](`[...document.querySelectorAll("#nav a")].map(a => a.innerText).join()`))
	for _, shut := range []string{"Events", "Deliveries", "Invocations", "Plan", "Settings"} {
		if strings.Contains(links, shut) {
			t.Errorf("a member is shown the way to %s: %s", shut, links)
		}
	}
	cookie := append(bob.browse(), header{"Authorization", ""})
	for _, path := range []string{"/events", "/deliveries", "/invocations", "/plan", "/settings", "/installations/crm", "/installations/crm/data", "/installations/crm/data/contacts"} {
		a := bob.send("GET", "/console/w/acme"+path, nil, cookie...).want(403)
		if !strings.Contains(string(a.raw), "Your role in this workspace is member") {
			t.Errorf("%s does not say why: %.2000s", path, a.raw)
		}
	}
	for _, path := range []string{"", "/members", "/marketplace", "/marketplace/crm", "/p/crm/contacts"} {
		bob.send("GET", "/console/w/acme"+path, nil, cookie...).want(200)
	}
}
