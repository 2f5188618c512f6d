package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// findings is a script that lists what a plugin made of a page besides text.
const findings = `(() => {
	const found = window.owned === undefined ? [] : ["a script ran"];
	const ours = ["/console/static/htmx.min.js", "/console/static/console.js", "/console/static/tree.js"];
	const foreign = ["style", "link", "meta", "base", "iframe", "object", "embed", "img", "image", "use", "foreignObject", "video", "audio", "source"];
	const live = ["style", "srcdoc", "formaction", "xlink:href"];
	for (const e of document.querySelectorAll("*")) {
		const name = e.localName, at = e.outerHTML.slice(0, 120);
		if (name === "script" && (!ours.includes(e.getAttribute("src")) || e.textContent.trim())) found.push("script: " + at);
		if (e.closest("main") && foreign.includes(name)) found.push(at);
		for (const a of e.attributes) {
			if (a.name.startsWith("on") || live.includes(a.name)) found.push(a.name + ": " + at);
			if ((a.name.startsWith("hx-") || a.name === "data-live") && e.closest("main") && e.id !== "tree") found.push(a.name + ": " + at);
			if (a.name === "action" || a.name === "href" || a.name === "src") {
				const to = new URL(a.value, location.href);
				const written = e.closest(".prose") && a.name === "href" && to.protocol === "https:" && e.rel.includes("noreferrer");
				const plugin = to.origin === location.origin && (to.pathname.startsWith("/console/w/acme/p/poster/") || !document.querySelector("#tree"));
				const mail = name === "a" && to.protocol === "mailto:";
				if (e.closest("main") && !written && !mail && !plugin && a.name !== "src") found.push(a.name + ": " + at);
			}
		}
	}
	if (document.querySelectorAll("#calls").length > 1 || document.querySelectorAll("#tree").length > 1) found.push("an element of ours is there twice");
	return found;
})()`

// touch does to everything on a page what a person and their mouse may do, but
// follow a link and send a form.
const touch = `(() => {
	const types = ["mouseover", "mouseenter", "pointerdown", "focus", "input", "load", "error", "toggle"];
	document.querySelectorAll("main details").forEach(d => d.open = true);
	for (const e of document.querySelectorAll("main, main *")) {
		e.focus?.();
		for (const type of types) e.dispatchEvent(new Event(type, {bubbles: true}));
	}
	return document.querySelectorAll("main *").length;
})()`

// TestAttack46_AHostilePageIsText has a plugin put scripts, markup and addresses
// into every member of every component, into a page's address and into its
// refusals. In a real browser nothing of it runs, no request leaves for anywhere
// else, and the page holds no script, handler, style or frame of the plugin's.
// The browser's own complaints about the content security policy fail it, too:
// nothing may even try.
func TestAttack46_AHostilePageIsText(t *testing.T) {
	w := newWorld(t, "hostile/poster")
	alice := w.SignUp("alice")
	As(alice).In(As(alice).Workspace("acme", "enterprise")).Install("poster")
	b := newBrowser(t, w.url)
	var mu sync.Mutex
	var requests []string
	sent := chromedp.Events(b.ctx, network.RequestWillBeSent)
	go func() {
		for event, err := range sent {
			if err == nil {
				mu.Lock()
				requests = append(requests, event.Request.URL)
				mu.Unlock()
			}
		}
	}()

	b.signIn(alice)

	inspect := func(step string, least int) {
		t.Helper()
		if touched := run(b, chromedp.Evaluate[int](touch)); touched < least {
			t.Errorf("%s: only %d elements, the page is not what it was", step, touched)
		}
		for _, found := range run(b, chromedp.Evaluate[[]string](findings)) {
			t.Errorf("%s: %s", step, found)
		}
	}
	const wall = "/console/w/acme/p/poster/wall"
	b.open(wall)
	b.sees("window.owned=1")
	inspect("the page", 2000)
	b.open(wall + "/x?q=%3Cscript%3Ewindow.owned=1%3C/script%3E&tab=%22%3E%3Cimg%20src=/owned%3E" +
		"&sort=javascript:window.owned=1&cursor=%27%20onload=window.owned=1")
	b.sees("window.owned=1")
	inspect("an address", 2000)

	// What the plugin's route says is shown beside what was typed.
	sends := func(step, script, sign string) {
		t.Helper()
		b.open(wall)
		b.until(step+" is not on the page", script)
		b.until(step+" shows no refusal", `document.readyState === "complete" && document.querySelector(`+"`"+sign+"`"+`) !== null`)
		inspect(step, 2000)
	}
	sends("a form", `(() => {
		const form = document.querySelector("form[method=post] input[name=line]")?.form;
		if (form) { form.noValidate = true; form.requestSubmit(); }
		return Boolean(form);
	})()`, "form [aria-invalid]")
	sends("a button", `(() => {
		const question = document.querySelector("details.confirm");
		if (question) { question.open = true; question.querySelector("button").click(); }
		return Boolean(question);
	})()`, "main > .notice.bad")

	// Names it cannot choose at all.
	b.open("/console/w/acme/p/poster/names")
	b.sees("a name is letters, digits and underscores")
	inspect("names", 3)

	// Another page of ours: when its request was seen, so were all before it.
	b.open("/console/workspaces?last")
	seen := func() (all []string) {
		mu.Lock()
		defer mu.Unlock()
		return append(all, requests...)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && !strings.Contains(strings.Join(seen(), " "), "?last"); {
		run(b, chromedp.Evaluate[bool]("true")) // a round trip: events come before its answer
	}
	posts := 0
	for _, url := range seen() {
		own := strings.HasPrefix(url, "data:image/svg+xml;base64,") // the calendar the browser draws into a date's input
		if !own && !strings.HasPrefix(url, w.url+"/console/") {
			t.Errorf("the browser asked for %s", url)
		}
		if strings.HasSuffix(url, wall) {
			posts++
		}
	}
	if posts < 5 {
		t.Errorf("only %d requests for the page were seen: the test sees nothing", posts)
	}
}
