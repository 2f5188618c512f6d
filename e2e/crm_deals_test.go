package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// newCRM is a workspace that has the CRM, and its owner.
func newCRM(t *testing.T) member {
	w := newWorld(t, "crm")
	alice := w.SignUp("alice")
	crm := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	crm.Install("crm")
	return crm
}

// make adds something to a list of the CRM and returns its id.
func (m member) make(list string, in body) string {
	m.w.Helper()
	return m.Call("crm", "POST "+list, in).want(201).text("id")
}

// events lists the data of the workspace's events of a type, the newest first.
func (m member) events(eventType string) (data []map[string]any) {
	m.w.Helper()
	for _, e := range m.all("", "/events") {
		if e["type"] == eventType {
			data = append(data, m.API("GET", fmt.Sprint("/events/", e["id"]), nil).want(200).object()["data"].(map[string]any))
		}
	}
	return data
}

// stage lists the titles of the deals of a stage in their order, and checks that
// no two stand at one place.
func (m member) stage(key string) (titles []string) {
	m.w.Helper()
	pipeline := m.Call("crm", "GET /pipelines", nil).want(200).list("data")[0].(map[string]any)["id"]
	seen := map[any]bool{}
	before := 0.0
	for i, deal := range m.all("crm", fmt.Sprintf("/deals?filter[pipelineId]=%s&filter[stageKey]=%s&sort=position", pipeline, key)) {
		position := deal["position"].(float64)
		if seen[position] || i > 0 && position <= before {
			m.w.Errorf("%s stands at %v in %s, behind one at %v", deal["title"], position, key, before)
		}
		seen[position], before = true, position
		titles = append(titles, deal["title"].(string))
	}
	return titles
}

// TestADealGoesThroughItsPipeline follows deals to their ends, and hears each
// event once.
func TestADealGoesThroughItsPipeline(t *testing.T) {
	crm := newCRM(t)
	contact := crm.make("/contacts", body{"email": "grace@example.com", "name": "Grace"})
	deal := crm.make("/deals", body{"title": "Engine", "contactId": contact, "amount": 125_000, "currency": "EUR"})
	of := func(path string, in any) answer { return crm.Call("crm", "POST /deals/"+deal+path, in) }

	if got := crm.Call("crm", "GET /deals/"+deal, nil).want(200); got.text("stageKey") != "lead" || got.text("status") != "open" {
		t.Errorf("a new deal: %s", got.raw)
	}
	of("/move", body{"to": "qualified"}).want(200)
	of("/move", body{"to": "qualified"}).want(200) // where it is: nobody is told
	won := of("/win", nil).want(200)
	if won.text("status") != "won" || won.text("stageKey") != "closed" || won.text("closedAt") == "" {
		t.Errorf("a deal that was won: %s", won.raw)
	}
	of("/win", nil).want(200)
	want := fmt.Sprintf("[map[amount:125000 contactId:%s currency:EUR dealId:%s]]", contact, deal)
	if got := fmt.Sprint(crm.events("crm.deal.won")); got != want {
		t.Errorf("told of deals that were won: %s", got)
	}
	moves := crm.events("crm.deal.stage_changed")
	slices.Reverse(moves)
	want = fmt.Sprintf("[map[dealId:%[1]s from:lead to:qualified] map[dealId:%[1]s from:qualified to:closed]]", deal)
	if got := fmt.Sprint(moves); got != want {
		t.Errorf("told of deals that moved: %s", got)
	}

	lost := of("/lose", body{"reason": "they chose another"}).want(200)
	if lost.text("status") != "lost" || lost.text("lostReason") != "they chose another" || lost.text("stageKey") != "closed" {
		t.Errorf("a deal that was lost: %s", lost.raw)
	}
	again := of("/move", body{"to": "lead"}).want(200)
	if again.text("status") != "open" || again.object()["lostReason"] != nil || again.object()["closedAt"] != nil {
		t.Errorf("a deal that was taken up again: %s", again.raw)
	}
	if n := len(crm.events("crm.deal.won")); n != 1 {
		t.Errorf("told %d times of the deal that was won", n)
	}
}

// TestAStageWithDealsStays tries to take the floor from under a deal.
func TestAStageWithDealsStays(t *testing.T) {
	crm := newCRM(t)
	pipeline := crm.Call("crm", "GET /pipelines", nil).want(200).list("data")[0].(map[string]any)
	path := fmt.Sprint("/pipelines/", pipeline["id"])
	deal := crm.make("/deals", body{"title": "Engine"})
	stages := pipeline["stages"].([]any)

	if a := crm.Call("crm", "PATCH "+path, body{"stages": stages[1:]}).want(409); !strings.Contains(string(a.raw), "lead") {
		t.Errorf("the refusal doesn't name the stage: %s", a.raw)
	}
	crm.Call("crm", "DELETE "+path, nil).want(409)
	entry := body{"key": "new", "name": "New", "probability": 5, "kind": "open"}
	other := crm.make("/pipelines", body{"name": "Partners", "isDefault": true, "stages": []any{entry}})
	crm.Call("crm", "DELETE "+path, nil).want(409) // no longer for being the default
	crm.Call("crm", "POST /deals/"+deal+"/move", body{"to": "new", "pipelineId": other}).want(200)
	crm.Call("crm", "PATCH "+path, body{"stages": stages[1:]}).want(200)
	crm.Call("crm", "DELETE "+path, nil).want(204)
	if next := crm.Call("crm", "GET /deals/"+crm.make("/deals", body{"title": "Boiler"}), nil).want(200); next.text("pipelineId") != other {
		t.Errorf("a new deal is not in the default pipeline: %s", next.raw)
	}
}

// TestAStageGoesAndADealComes takes a stage away while deals are added to it, many
// times over: whoever comes first, no deal is in a stage that is not there.
func TestAStageGoesAndADealComes(t *testing.T) {
	const rounds, clients = 6, 4
	crm := newCRM(t)
	pipeline := crm.Call("crm", "GET /pipelines", nil).want(200).list("data")[0].(map[string]any)
	stages := pipeline["stages"].([]any)
	refused := 0
	for round := range rounds {
		key := fmt.Sprint("extra", round)
		with := append(slices.Clone(stages), body{"key": key, "name": "Extra", "probability": 5, "kind": "open"})
		crm.Call("crm", fmt.Sprint("PATCH /pipelines/", pipeline["id"]), body{"stages": with}).want(200)
		var gone, came [clients]int
		together(2*clients, func(i int) {
			method, path, in := "POST", "/deals", body{"title": "d", "stageKey": key}
			said := &came[i/2]
			if i%2 == 0 {
				method, path, in, said = "PATCH", fmt.Sprint("/pipelines/", pipeline["id"]), body{"stages": stages}, &gone[i/2]
			}
			a, err := crm.try(method, "/w/"+crm.workspace+"/crm"+path, in)
			if err != nil {
				t.Errorf("%s %s: %v", method, path, err)
			}
			*said = a.status
		})
		deals := len(crm.all("crm", "/deals?filter[stageKey]="+key))
		left := strings.Contains(string(crm.Call("crm", fmt.Sprint("GET /pipelines/", pipeline["id"]), nil).want(200).raw), `"`+key+`"`)
		if left != (deals > 0) {
			t.Errorf("%d deals are in the stage, and that it is there is %v: PATCH said %v, POST %v", deals, left, gone, came)
		}
		if left {
			refused++
			stages = with
		}
	}
	t.Logf("the stage stayed in %d of %d rounds", refused, rounds)
}

// TestDealsKeepTheirOrder moves deals about one by one and compares the stage
// with a list that is moved in the same way. A place is used until there is no
// room left in it, several times over.
func TestDealsKeepTheirOrder(t *testing.T) {
	crm := newCRM(t)
	var model []string
	ids := map[string]string{}
	for i := range 12 {
		title := fmt.Sprint("deal ", i)
		ids[title] = crm.make("/deals", body{"title": title})
		model = append(model, title)
	}
	move := func(title string, to int) {
		t.Helper()
		crm.Call("crm", "POST /deals/"+ids[title]+"/move", body{"to": "lead", "position": to}).want(200)
		model = slices.DeleteFunc(model, func(s string) bool { return s == title })
		model = slices.Insert(model, min(to, len(model)), title)
	}
	move("deal 3", 0)
	move("deal 0", 99)
	move("deal 7", 11)
	for i := range 120 {
		move(fmt.Sprint("deal ", 1+i%11), 1) // always the second: the gap behind the first is halved each time
	}
	if got := crm.stage("lead"); !slices.Equal(got, model) {
		t.Errorf("the stage:\n%q\nwant\n%q", got, model)
	}
	// A board shows a stage without the deals that were lost in it.
	crm.Call("crm", "POST /deals/"+ids[model[0]]+"/lose", body{}).want(200)
	lost := model[0]
	crm.Call("crm", "POST /deals/"+ids[model[5]]+"/move", body{"to": "lead", "position": 1}).want(200)
	got := crm.stage("lead")
	got = slices.DeleteFunc(got, func(s string) bool { return s == lost })
	if got[0] != model[1] || got[1] != model[5] {
		t.Errorf("the second place behind a lost deal: %q, want %q behind %q", got, model[5], model[1])
	}
}

// TestConcurrentMoves moves deals of one stage from many clients at once, into
// the same places: no deal is lost or doubled, and no two stand at one place.
func TestConcurrentMoves(t *testing.T) {
	const clients, each = 8, 10
	crm := newCRM(t)
	ids := make([]string, clients)
	together(clients, func(i int) {
		a, err := crm.try("POST", "/w/"+crm.workspace+"/crm/deals", body{"title": fmt.Sprint("deal ", i)})
		if err != nil || a.status != 201 {
			t.Errorf("add: %v %d %s", err, a.status, a.raw)
			return
		}
		ids[i] = a.text("id")
	})
	if got := crm.stage("lead"); len(got) != clients {
		t.Fatalf("%d deals: %q", len(got), got)
	}
	together(clients, func(i int) {
		for n := range each {
			to := []string{"lead", "contacted"}[(i+n)%2]
			crm.succeeds("POST", "/w/"+crm.workspace+"/crm/deals/"+ids[i]+"/move", body{"to": to, "position": 1})
		}
	})
	all := append(crm.stage("lead"), crm.stage("contacted")...)
	slices.Sort(all)
	if len(slices.Compact(all)) != clients {
		t.Errorf("the deals after the moves: %q", all)
	}
	// Deal i begins in lead and changes its stage with each move but, for half
	// of them, the first: as many events.
	want := clients*each - clients/2
	if got := len(crm.events("crm.deal.stage_changed")); got != want {
		t.Errorf("told of %d moves between stages, want %d", got, want)
	}
}

// TestBadDeals sends what nobody should.
func TestBadDeals(t *testing.T) {
	crm := newCRM(t)
	deal := crm.make("/deals", body{"title": "Engine"})
	for _, bad := range []struct {
		route  string
		in     body
		status int
		place  string
	}{
		{"POST /deals", body{"title": "x", "amount": 5}, 400, "body.currency"},
		{"POST /deals", body{"title": "x", "amount": 1.5, "currency": "EUR"}, 400, "body.amount"},
		{"POST /deals", body{"title": "x", "amount": -5, "currency": "EUR"}, 400, "body.amount"},
		{"POST /deals", body{"title": "x", "amount": 5, "currency": "euro"}, 400, "body.currency"},
		{"POST /deals", body{"title": "x", "currency": "eur"}, 400, "body.currency"},
		{"POST /deals", body{"title": "x", "stageKey": "nowhere"}, 400, "lead, contacted, qualified, closed"},
		{"POST /deals", body{"title": "x", "stageKey": "closed"}, 400, "body.stageKey"},
		{"POST /deals", body{"title": "x", "status": "won"}, 400, "body.status"},
		{"POST /deals", body{"title": "x", "contactId": "doc_01900000-0000-7000-8000-000000000000"}, 400, "body.contactId"},
		{"POST /deals", body{"title": "x", "pipelineId": "doc_01900000-0000-7000-8000-000000000000"}, 400, "body.pipelineId"},
		{"PATCH /deals/" + deal, body{"stageKey": "closed"}, 400, "body.stageKey"},
		{"PATCH /deals/" + deal, body{"amount": 7}, 400, "body.currency"},
		{"PATCH /deals/" + deal, body{"lostReason": "x"}, 400, "lose"},
		{"POST /deals/" + deal + "/move", body{"to": "nowhere"}, 400, "body.to"},
		{"POST /deals/" + deal + "/move", body{"to": "lead", "position": -1}, 400, "body.position"},
		{"POST /deals/doc_01900000-0000-7000-8000-000000000000/win", nil, 404, ""},
	} {
		var in any
		if bad.in != nil {
			in = bad.in
		}
		if a := crm.Call("crm", bad.route, in); a.status != bad.status || !strings.Contains(string(a.raw), bad.place) {
			t.Errorf("%s %v: %d %.400s", bad.route, bad.in, a.status, a.raw)
		}
	}
	got := crm.Call("crm", "PATCH /deals/"+deal, body{"value": body{"amount": 700, "currency": "CHF"}}).want(200)
	if got.number("amount") != 700 || got.text("currency") != "CHF" {
		t.Errorf("a value: %s", got.raw)
	}
	crm.Call("crm", "PATCH /deals/"+deal, body{"title": "y"}, header{"If-Match", `"1"`}).want(412)
}
