package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"
)

// eventually waits until a plugin's list has a number of items.
func (w *world) eventually(m member, plugin, path string, n int) []map[string]any {
	w.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if items := m.all(plugin, path); len(items) >= n {
			return items
		}
		time.Sleep(20 * time.Millisecond) // the API has no signal for it: a client would ask again, too
	}
	w.Fatalf("%s %s does not have %d items after a minute", plugin, path, n)
	return nil
}

// TestAttack06_OnePluginHearsOfAnotherInItsWorkspaceOnly: contacts of one
// workspace are heard of by the probe of that workspace, each once, also across
// a restart; the probe of another workspace hears nothing.
func TestAttack06_OnePluginHearsOfAnotherInItsWorkspaceOnly(t *testing.T) {
	w := newWorld(t, "crm", "hostile/probe")
	alice, bob := w.SignUp("alice"), w.SignUp("bob")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	beta := As(bob).In(As(bob).Workspace("Beta", "enterprise"))
	for _, m := range []member{acme, beta} {
		m.Install("crm")
		m.Install("probe")
	}
	add := func(name string) {
		acme.Call("crm", "POST /contacts", body{"email": unique() + "@example.com", "name": name}).want(201)
	}
	add("Grace")
	heard := w.eventually(acme, "probe", "/heard", 1)
	if heard[0]["name"] != "Grace" || heard[0]["hop"] != 0.0 {
		t.Errorf("heard %v", heard)
	}
	acme.API("PATCH", "/installations/probe", body{"state": "disabled"}).want(200)
	add("Ada")
	w.restart()
	acme.API("PATCH", "/installations/probe", body{"state": "enabled"}).want(200)
	if heard := w.eventually(acme, "probe", "/heard", 2); len(heard) != 2 {
		t.Errorf("heard %v", heard)
	}
	if heard := beta.all("probe", "/heard"); len(heard) != 0 {
		t.Errorf("the other workspace heard %v", heard)
	}
}

// TestWhatBecameOfAnEvent follows an event from the call that emitted it to the
// attempts of its listener, which refuses it, and again when it is redriven.
func TestWhatBecameOfAnEvent(t *testing.T) {
	w := newWorld(t, "crm", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")
	told := acme.Call("crm", "POST /contacts", body{"email": "p@example.com", "name": "poison"}).want(201)
	event := func(attempts int) (e, delivery map[string]any) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for time.Now().Before(deadline) {
			listed := acme.API("GET", "/events", nil).want(200).list("data")[0].(map[string]any)
			if _, ok := listed["deliveries"].([]any)[0].(map[string]any)["attempts"]; ok {
				t.Fatalf("a list shows attempts: %v", listed)
			}
			e = acme.API("GET", fmt.Sprint("/events/", listed["id"]), nil).want(200).object()
			delivery = e["deliveries"].([]any)[0].(map[string]any)
			if list, _ := delivery["attempts"].([]any); len(list) >= attempts && delivery["state"] != "running" {
				return e, delivery
			}
			time.Sleep(20 * time.Millisecond) // the log of invocations is written a moment later
		}
		t.Fatalf("there are not %d attempts after a minute: %v", attempts, delivery)
		return nil, nil
	}
	e, delivery := event(1)
	if e["type"] != "crm.contact.created" || e["carrelcause"] != told.header.Get("X-Carrel-Invocation") {
		t.Errorf("the event: %v", e)
	}
	first := delivery["attempts"].([]any)[0].(map[string]any)
	if first["attempt"] != 1.0 || first["outcome"] != "guest_error" || first["error"] != "poison is more than the probe can take" || first["fuel"] == 0.0 ||
		fmt.Sprint(first["log"]) != "[map[fields:map[attempt:1] level:info message:told of a contact]]" {
		t.Errorf("the first attempt: %v", first)
	}
	// What the probe refuses it would refuse again: nothing is tried meanwhile.
	if aside := acme.API("GET", "/deliveries?state=set_aside", nil).want(200).list("data"); len(aside) != 1 || delivery["attempt"] != 1.0 {
		t.Errorf("set aside: %v", aside)
	}
	call := acme.API("GET", fmt.Sprint("/invocations/", first["invocation"]), nil).want(200).object()
	if call["delivery"] != delivery["id"] || call["trigger"] != "event" {
		t.Errorf("its call: %v", call)
	}
	for _, one := range []map[string]any{call, delivery, acme.API("GET", fmt.Sprint("/invocations/", e["carrelcause"]), nil).want(200).object()} {
		if request := told.header.Get("X-Request-Id"); one["requestId"] != request {
			t.Errorf("what came of %s names another request: %v", request, one)
		}
	}
	id := fmt.Sprint(delivery["id"])
	acme.API("POST", "/deliveries/"+id+"/redrive", nil).want(200)
	if line := acme.API("GET", "/audit", nil).want(200).list("data")[0].(map[string]any); line["action"] != "delivery.redriven" || line["subject"] != id {
		t.Errorf("the audit log ends with %v", line)
	}
	if _, delivery = event(2); delivery["state"] != "set_aside" || delivery["attempt"] != 1.0 {
		t.Errorf("redriven, it is poison still: %v", delivery)
	}
}

// TestFault02_KillDuringDeliveries kills the server with -9 while one plugin
// imports contacts and another is told of each. In the end every contact that
// is there was told of, once.
func TestFault02_KillDuringDeliveries(t *testing.T) {
	elsewhere(t)
	kills := 50
	if testing.Short() {
		kills = 5
	}
	const rows = 500 // of a file, and as many files as it takes
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 2))
	t.Logf("seed %d", seed)
	p := newProcess(t, "crm", "hostile/probe")
	alice := p.world().join("alice", p.setup)
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("crm")
	acme.Install("probe")

	var killedAt []int
	want, files := 0, 0
	for told := 0; len(killedAt) < kills; {
		if want-told < rows/2 {
			acme.Call("crm", "POST /contacts/import", []byte(contactsCSV(files*rows, rows))).want(202)
			want, files = want+rows-rows/badEvery, files+1
		}
		p.world().eventually(acme, "probe", "/heard", told+1)
		time.Sleep(time.Duration(random.Int64N(int64(60 * time.Millisecond)))) // anywhere in what happens next
		p.kill()
		p.start()
		alice.w = p.world()
		if told = len(acme.all("probe", "/heard")); told < want {
			killedAt = append(killedAt, told)
		}
	}
	histogram(t, killedAt, want)
	heard := p.world().eventually(acme, "probe", "/heard", want)
	events := map[any]int{}
	for _, one := range heard {
		events[one["event"]]++
	}
	for _, e := range acme.all("", "/events?type=crm.contact.created") {
		deliveries := e["deliveries"].([]any)
		if len(deliveries) != 1 || events[e["id"]] != 1 {
			t.Errorf("%v has %d deliveries, and was heard %d times", e["id"], len(deliveries), events[e["id"]])
		}
		delete(events, e["id"])
	}
	if len(heard) != want || len(events) != 0 || len(acme.all("crm", "/contacts")) != want {
		t.Errorf("heard %d times, want %d; of no event: %v", len(heard), want, events)
	}
	if left := acme.API("GET", "/deliveries?state=set_aside", nil).want(200).list("data"); len(left) != 0 {
		t.Errorf("set aside: %v", left)
	}
}

// A plugin that listens to everything of another is told of it, and learns what
// it is.
func TestAListenerOfManyTypes(t *testing.T) {
	w := newWorld(t, "hostile/handlers", "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("hostile")
	acme.Install("probe")
	acme.Call("hostile", "POST /ok", nil).want(200)
	if heard := w.eventually(acme, "probe", "/heard", 1); len(heard) != 1 || heard[0]["name"] != "hostile.struck" {
		t.Errorf("heard %v", heard)
	}
}

// What the platform does is an event, too: the API's call is told of.
func TestAPluginIsToldOfAMember(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	alice, bob := w.SignUp("alice"), w.SignUp("bob")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("probe")
	acme.API("POST", "/members", body{"email": bob.email, "role": "member"}).want(201)
	if heard := w.eventually(acme, "probe", "/heard", 1); len(heard) != 1 || heard[0]["name"] != "core.member.added" {
		t.Errorf("heard %v", heard)
	}
}

// An installation that an older server made, without a thought of schedules, has
// them when a newer one starts; and only once, however often it does.
func TestSchedulesBeginAtStart(t *testing.T) {
	w := newWorld(t, "hostile/probe")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	acme.Install("probe")
	waiting := func() []any {
		return acme.API("GET", "/deliveries?state=pending", nil).want(200).list("data")
	}
	before := waiting()
	if len(before) != 1 || before[0].(map[string]any)["schedule"] != "yearly" {
		t.Fatalf("installed with %v", before)
	}
	w.stop()
	w.exec("DELETE FROM deliveries")
	w.start()
	for range 2 {
		after := waiting()
		if len(after) != 1 || after[0].(map[string]any)["dueAt"] != before[0].(map[string]any)["dueAt"] {
			t.Errorf("after the start: %v, before: %v", after, before)
		}
		w.restart()
	}
}

// TestConsentToEventsInTheConsole: the page names the events a plugin would be
// told of, and what its form grants is exactly that.
func TestConsentToEventsInTheConsole(t *testing.T) {
	s := &twins{world: newWorld(t, "hostile/probe")}
	alice := s.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	path := "/console/w/" + acme.workspace + "/marketplace/probe/install"
	shown := alice.send("GET", path, nil, s.cookie(alice)...).want(200)
	for _, want := range []string{"It is told of <code>crm.contact.created</code>", `<code>hostile.*</code> <span class="quiet">everything that is told of under names that begin with hostile.</span>`} {
		if text := string(shown.raw); !strings.Contains(text, want) {
			t.Errorf("the page lacks %s: %s", want, text)
		}
	}
	form := url.Values{"version": {"1.0.0"}, "grant": {"data", "events", "jobs", "billing", "access", "http", "mail", "blobs"}}
	alice.send("POST", path, []byte(form.Encode()), append(s.cookie(alice), header{"Content-Type", "application/x-www-form-urlencoded"})...)
	installed := acme.API("GET", "/installations/probe", nil).want(200)
	for _, grant := range installed.list("grants") {
		if g := grant.(map[string]any); g["capability"] == "events" && fmt.Sprint(g["events"]) != "[crm.contact.created hostile.* ping.* core.member.added]" {
			t.Errorf("granted: %v", g)
		}
	}
}
