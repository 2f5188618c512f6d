package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var formType = header{"Content-Type", "application/x-www-form-urlencoded"}

// onPages is a person in front of a browser, in a workspace with the probe.
func onPages(t *testing.T) (member, *browser) {
	w := newWorld(t, "hostile/probe")
	alice := w.SignUp("alice")
	m := As(alice).In(As(alice).Workspace("acme", "enterprise"))
	m.Install("probe")
	b := newBrowser(t, w.url)
	b.signIn(alice)
	return m, b
}

// TestAFormOfAPluginsPage goes the way of a form and its buttons in a browser:
// refused with what was typed kept, sent, changed, sorted, filtered, deleted
// after a question: with our scripts, and without any.
func TestAFormOfAPluginsPage(t *testing.T) {
	for _, off := range []bool{false, true} {
		t.Run(fmt.Sprintf("scripts off is %t", off), func(t *testing.T) {
			m, b := onPages(t)
			run(b, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				params := emulation.SetScriptExecutionDisabledParams{Value: off}
				_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, params)
				return err
			}))
			b.open("/console/w/acme/p/probe/notes")
			if loaded := run(b, chromedp.Evaluate[bool](`typeof htmx !== "undefined"`)); loaded == off {
				t.Fatalf("the page's scripts ran: %t", loaded)
			}
			useForm(m, b)
		})
	}
}

func useForm(m member, b *browser) {
	t := b.T
	b.sees("No notes")
	field := func(name string) string { return "form[method=post] [name=" + name + "]" }
	fill := func(name, text string) {
		t.Helper()
		run(b, chromedp.SetValue(chromedp.CSS(field(name)), text))
	}
	fill("title", "First")
	fill("count", "some")
	b.press("Save")
	b.sees("must be a number, such as 12 or 12.5")
	if kept := run(b, chromedp.Value(chromedp.CSS(field("count")))); kept != "some" {
		t.Errorf("what was typed became %q", kept)
	}
	b.until("the fault is not at its input, which the summary links to", `(() => {
		const input = document.querySelector("[name=count][aria-invalid=true]");
		const fault = document.getElementById(input.getAttribute("aria-describedby").split(" ").pop());
		return fault.innerText.includes("must be a number") && document.querySelector("[role=alert] a[href='#" + input.id + "']") !== null &&
			document.activeElement.matches("[role=alert]");
	})()`)
	b.picture("refused")
	fill("count", "1")
	b.press("Save")
	b.sees("Done.")
	b.sees("All notes") // the page of the note, which the form names with the answer's id
	if !strings.Contains(b.address(), "/probe/notes/doc_") {
		t.Errorf("a form that was sent leads to %s", b.address())
	}

	b.press("Edit")
	b.until("the form does not have the note's values",
		`document.querySelector("[name=title]")?.value === "First" && document.querySelector("[name=count]").value === "1"`)
	fill("label", "same")
	b.press("Save")
	b.sees("Done.")
	if kept := run(b, chromedp.Value(chromedp.CSS(field("label")))); kept != "same" {
		t.Errorf("the label is %q", kept)
	}

	// What the route refuses is at the input, too.
	b.open("/console/w/acme/p/probe/notes")
	fill("title", "Second")
	fill("label", "same")
	b.press("Save")
	b.until("a label that is taken is not refused", `document.querySelector("[role=alert]") !== null`)
	fill("label", "other")
	b.press("Save")
	b.sees("All notes")
	if notes := m.all("probe", "/notes"); len(notes) != 2 {
		t.Errorf("the notes are %v", notes)
	}

	b.open("/console/w/acme/p/probe/notes")
	first := func() string {
		return run(b, chromedp.Evaluate[string](`document.querySelector("tbody td a").innerText`))
	}
	for i, order := range []string{"ascending", "descending"} {
		b.press("Title")
		b.until("not sorted: "+order, fmt.Sprintf(`document.querySelector("th[aria-sort=%s]") !== null`, order))
		if got, want := first(), []string{"First", "Second"}[i]; got != want {
			t.Errorf("%s: %s is first, want %s", order, got, want)
		}
	}
	run(b, chromedp.SetValue(chromedp.CSS("form[method=get] [name=title]"), "First"))
	b.press("Apply")
	b.until("the filter does nothing", `document.querySelectorAll("tbody tr").length === 1`)
	if !strings.Contains(b.address(), "sort=-title") {
		t.Errorf("the filter forgets the order: %s", b.address())
	}
	b.press("Increment")
	b.sees("Done.")
	count := run(b, chromedp.Evaluate[string](`document.querySelectorAll("tbody td")[2].innerText`))
	if count != "2" || !strings.Contains(b.address(), "title=First") {
		t.Errorf("incremented it is %s, at %s", count, b.address())
	}
	b.press("Clear")
	b.until("nothing is cleared", `document.querySelectorAll("tbody tr").length === 2`)
	if n := b.count("tbody details.confirm"); n != 1 {
		t.Errorf("%d rows can be deleted, want the one with a count of 0 or 1", n)
	}
	b.picture("table")
	b.press("Delete…")
	b.sees("Delete this note?")
	b.press("Delete")
	b.sees("Done.")
	if n := b.count("tbody tr"); n != 1 {
		t.Errorf("%d notes are left", n)
	}
}

// TestACardIsMoved: with the mouse, and with the keyboard alone.
func TestACardIsMoved(t *testing.T) {
	m, b := onPages(t)
	for _, name := range []string{"a", "b"} {
		m.Call("probe", "POST /notes", body{"title": "Note " + name, "label": name}).want(201)
	}
	labels := func() string {
		seen := map[string]bool{}
		for _, note := range m.all("probe", "/notes") {
			seen[fmt.Sprint(note["label"])] = true
		}
		return fmt.Sprint(seen)
	}
	b.open("/console/w/acme/p/probe/board")
	b.sees("Note a")
	b.picture("board")
	run(b, chromedp.DragAndDrop(chromedp.CSS(".lane[data-lane=new] .item"), chromedp.CSS(".lane[data-lane=old] .cards")))
	b.sees("Done.")
	b.until("the card is not in the other lane", `document.querySelectorAll(".lane[data-lane=old] .item").length === 1`)
	if !strings.Contains(labels(), "old at 0") {
		t.Errorf("the labels are %s", labels())
	}
	// The menu of the other card, from key to key.
	run(b, chromedp.Focus(chromedp.CSS(".lane[data-lane=new] .item summary")))
	run(b, chromedp.KeyEvent("\r"))
	run(b, chromedp.KeyEvent("\t"))
	b.until("the next stop is not the first way to move", `document.activeElement.innerText === "To Old"`)
	run(b, chromedp.KeyEvent("\r"))
	b.until("a label that is taken is not said", `document.querySelector("main > [role=alert]") !== null`) // "old at 0" is
	m.Call("probe", "POST /notes", body{"title": "Note c", "label": "c"}).want(201)
	b.open("/console/w/acme/p/probe/board")
	b.sees("Note c")
	run(b, chromedp.Focus(chromedp.CSS(".lane[data-lane=new] .item:last-child summary")))
	run(b, chromedp.KeyEvent("\r"))
	run(b, chromedp.KeyEvent("\t"))
	run(b, chromedp.KeyEvent("\t"))
	b.until("the second way is not up", `document.activeElement.innerText === "Up"`)
	run(b, chromedp.KeyEvent("\r"))
	b.sees("Done.")
	if !strings.Contains(labels(), "new at 0") {
		t.Errorf("the labels are %s", labels())
	}
}

// TestASecondClickDoesNothing: what is sent twice from one showing of a page is
// done once, and sent from the next one it is done again.
func TestASecondClickDoesNothing(t *testing.T) {
	s := &twins{world: newWorld(t, "hostile/probe")}
	alice := s.SignUp("alice")
	m := As(alice).In(As(alice).Workspace("acme", "enterprise"))
	m.Install("probe")
	note := m.Call("probe", "POST /notes", body{"title": "t", "label": "l"}).want(201).text("id")
	cookie := s.cookie(alice)
	press := func(once, path string) answer {
		fields := url.Values{"-call": {`{"method":"POST","path":"` + path + `"}`}, "-once": {once}}
		return alice.send("POST", "/console/w/acme/p/probe/notes?sort=title", []byte(fields.Encode()), append(cookie, formType)...)
	}
	for i, once := range []string{"0", "0", "0", "1", "no mark", "no mark"} {
		if len(once) == 1 {
			once = strings.Repeat(once, 32)
		}
		a := press(once, "/notes/"+note+"/increment").want(303)
		if to := a.header.Get("Location"); to != "/console/w/acme/p/probe/notes?sort=title&done=sent" {
			t.Errorf("press %d leads to %s", i, to)
		}
	}
	if n := m.Call("probe", "GET /notes/"+note, nil).want(200).number("count"); n != 4 {
		t.Errorf("six presses of two showings and two without one count %v, want 4", n)
	}
	// The answer to what is not there is the page, with the status and a sentence.
	missing := press("", "/notes/doc_01900000-0000-7000-8000-000000000000/increment").want(404)
	if !strings.Contains(string(missing.raw), "It is not there, or not any more.") {
		t.Errorf("%.300s", missing.raw)
	}
	press("", "/nowhere").want(404)
	press("", "/../../plan").want(400)
}

// TestAttack45_TheConsoleRefusesOtherSites walks every address of the server
// that changes something, with the cookie of an owner and the marks of another
// site: each is refused before anybody looks at it. A plugin's form sent with
// all it needs changes nothing.
func TestAttack45_TheConsoleRefusesOtherSites(t *testing.T) {
	s := &twins{world: newWorld(t, "hostile/probe")}
	alice := s.SignUp("alice")
	m := As(alice).In(As(alice).Workspace("acme", "enterprise"))
	m.Install("probe")
	cookie := s.cookie(alice)[0]
	fields := url.Values{"-call": {`{"method":"POST","path":"/notes","form":"form-1","inputs":[["title",""]]}`}, "title": {"planted"}}
	sites := map[string][]header{
		"cross-site":     {{"Sec-Fetch-Site", "cross-site"}, {"Origin", s.url}},
		"same-site":      {{"Sec-Fetch-Site", "same-site"}},
		"another origin": {{"Origin", "https://evil.example.com"}},
		"a sandbox":      {{"Origin", "null"}},
		"says nothing":   nil,
	}
	walked := 0
	for _, route := range s.app.Routes() {
		if route.Method == "GET" || route.Method == "OPTIONS" || !strings.HasPrefix(route.Path, "/console/") {
			continue
		}
		walked++
		path := strings.NewReplacer(":ws", "acme", ":plugin", "probe", "*", "notes").Replace(route.Path)
		for name, marks := range sites {
			a := alice.send(route.Method, path, []byte(fields.Encode()), append(marks, cookie, formType, header{"Authorization", ""})...)
			if a.status != 403 {
				t.Errorf("%s %s from %s: %d %.200s", route.Method, route.Path, name, a.status, a.raw)
			}
		}
	}
	if walked < 10 {
		t.Errorf("only %d addresses of the console change something", walked)
	}
	if notes := m.all("probe", "/notes"); len(notes) != 0 {
		t.Errorf("notes were planted: %v", notes)
	}
	same := []header{{"Sec-Fetch-Site", "same-origin"}, cookie, formType, {"Authorization", ""}}
	alice.send("POST", "/console/w/acme/p/probe/notes", []byte(fields.Encode()), same...).want(303)
	if notes := m.all("probe", "/notes"); len(notes) != 1 {
		t.Errorf("the same from our own page makes %d notes, want 1", len(notes))
	}
}

// TestWhatIsOpenedIsAccessible looks at the gallery with all that can be opened
// open, and with a form that was refused, in each look.
func TestWhatIsOpenedIsAccessible(t *testing.T) {
	source := axe(t)
	_, b := onPages(t)
	b.open("/console/w/acme/p/probe/gallery")
	run(b, chromedp.SetValue(chromedp.CSS("[name=share]"), "many"))
	run(b, chromedp.Evaluate[bool](`document.querySelector("[name=share]").form.requestSubmit() ?? true`))
	b.until("the form is not refused", `document.readyState === "complete" && document.querySelector("[name=share][aria-invalid=true]") !== null`)
	run(b, chromedp.Evaluate[int](`[...document.querySelectorAll("main details")].map(d => d.open = true).length`))
	for _, l := range looks {
		b.as(l)
		b.fits()
		b.accessible(source)
	}
}
