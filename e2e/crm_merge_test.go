package e2e

import (
	"fmt"
	"testing"
)

// heritage waits until nothing refers to a contact that was merged, and counts
// what the winner has.
func (m member) heritage(winner, loser string) map[string]int {
	m.w.Helper()
	count := func(of string) (found map[string]int, sum int) {
		found = map[string]int{}
		for _, list := range []string{"/activities", "/deals", "/tasks", "/tags"} {
			found[list] = len(m.all("crm", list+"?filter[contactId]="+of))
			sum += found[list]
		}
		return found, sum
	}
	m.w.until("something still refers to the merged contact", func() bool {
		_, left := count(loser)
		return left == 0
	})
	found, _ := count(winner)
	return found
}

// TestMerge makes one contact of two: the winner keeps what it says and takes
// what it doesn't, and the loser is found where the winner is.
func TestMerge(t *testing.T) {
	crm := newCRM(t)
	winner := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada", "customFields": body{"shoe": 38}})
	loser := crm.make("/contacts", body{"email": "lovelace@example.com", "name": "A. Lovelace", "phone": "+44 1", "userId": "cus_1",
		"customFields": body{"shoe": 40, "hat": 7}})
	for _, tag := range []string{"math", "vip"} {
		crm.Call("crm", "POST /contacts/"+loser+"/tags", body{"tag": tag}).want(201)
	}
	crm.Call("crm", "POST /contacts/"+winner+"/tags", body{"tag": "vip"}).want(201)
	crm.make("/deals", body{"title": "Engine", "contactId": loser})
	crm.make("/tasks", body{"title": "Call", "contactId": loser})
	crm.make("/activities", body{"contactId": loser, "body": "met"})
	used := crm.meter("crm.contacts")

	merge := "POST /contacts/" + winner + "/merge"
	got := crm.Call("crm", merge, body{"loserId": loser}).want(200)
	if got.text("email") != "ada@example.com" || got.text("phone") != "+44 1" || got.text("userId") != "cus_1" ||
		got.text("lastActivityAt") == "" || fmt.Sprint(got.object()["customFields"]) != "map[hat:7 shoe:38]" {
		t.Errorf("the winner: %s", got.raw)
	}
	crm.Call("crm", merge, body{"loserId": loser}).want(200) // again: nobody is told
	if found := fmt.Sprint(crm.heritage(winner, loser)); found != "map[/activities:1 /deals:1 /tags:2 /tasks:1]" {
		t.Errorf("the winner has %s", found)
	}
	if told := fmt.Sprint(crm.events("crm.contact.merged")); told != fmt.Sprintf("[map[loserId:%s winnerId:%s]]", loser, winner) {
		t.Errorf("told of merges: %s", told)
	}
	want := fmt.Sprintf("map[contactId:%s email:ada@example.com name:Ada tag:math userId:cus_1]", winner)
	if told := fmt.Sprint(crm.events("crm.contact.tagged")[0]); told != want {
		t.Errorf("told of the winner's new tag: %s", told)
	}
	if n := len(crm.events("crm.contact.tagged")); n != 4 {
		t.Errorf("told of %d tags, want 3 that were given and 1 that was taken over", n)
	}
	if left := crm.meter("crm.contacts"); left != used-1 {
		t.Errorf("%v contacts count, want %v", left, used-1)
	}
	// The loser is a pointer.
	gone := crm.Call("crm", "GET /contacts/"+loser, nil).want(200)
	if gone.text("mergedIntoId") != winner || gone.text("email") != "lovelace@example.com" || gone.object()["userId"] != nil {
		t.Errorf("the loser: %s", gone.raw)
	}
	if listed := crm.all("crm", "/contacts"); len(listed) != 1 {
		t.Errorf("contacts: %v", listed)
	}
	if listed := crm.all("crm", "/contacts?filter[mergedIntoId]="+winner); len(listed) != 1 {
		t.Errorf("merged contacts: %v", listed)
	}
	crm.Call("crm", "PATCH /contacts/"+loser, body{"phone": "1"}).want(409)
	crm.Call("crm", "DELETE /contacts/"+loser, nil).want(409)
	crm.Call("crm", "POST /contacts/"+loser+"/merge", body{"loserId": winner}).want(409)
	crm.Call("crm", merge, body{"loserId": winner}).want(400)
	crm.Call("crm", "PATCH /contacts/"+winner, body{"mergedIntoId": loser}).want(400)
	// Whoever still says the loser's name means the winner.
	if a := crm.Call("crm", "POST /activities", body{"contactId": loser, "body": "again"}).want(201); a.text("contactId") != winner {
		t.Errorf("an activity of the loser: %s", a.raw)
	}
	file := []byte("email,name\nlovelace@example.com,Ada King\n")
	report := crm.w.imports(crm, crm.Call("crm", "POST /contacts/import", file).want(202).text("id"))
	if report.number("updated") != 1 || crm.Call("crm", "GET /contacts/"+winner, nil).text("name") != "Ada King" {
		t.Errorf("an import of the loser's address: %s", report.raw)
	}
	third := crm.make("/contacts", body{"email": "third@example.com", "name": "Countess"})
	crm.Call("crm", "POST /contacts/"+third+"/merge", body{"loserId": winner}).want(200)
	crm.heritage(third, winner)
	if a := crm.Call("crm", "POST /tasks", body{"contactId": loser, "title": "again"}).want(201); a.text("contactId") != third {
		t.Errorf("a task of the loser's loser: %s", a.raw)
	}
	crm.Call("crm", "DELETE /contacts/"+third, nil).want(204)
	crm.Call("crm", "GET /contacts/"+loser, nil).want(404)
	if left := crm.meter("crm.contacts"); left != 0 {
		t.Errorf("%v contacts count, want none", left)
	}
}

// meter is the sum of a meter of the workspace.
func (m member) meter(name string) float64 {
	m.w.Helper()
	for _, one := range m.API("GET", "/usage", nil).want(200).list("data") {
		if meter := one.(map[string]any); meter["meter"] == name {
			return meter["quantity"].(float64)
		}
	}
	m.w.Fatalf("the workspace's usage has no meter %s", name)
	return 0
}

// TestMergeUnderConcurrentWrites merges a contact with more activities than one
// step moves, while clients go on writing about it and merge it, too. Whatever
// they were told is there, is the winner's in the end.
func TestMergeUnderConcurrentWrites(t *testing.T) {
	const before, clients, each = 450, 6, 12
	crm := newCRM(t)
	winner, loser := crm.pair(before)
	lists := []struct{ list, text string }{{"/activities", "body"}, {"/deals", "title"}, {"/tasks", "title"}}
	together(clients, func(i int) {
		for n := range each {
			if i < 2 && n == each/2 {
				crm.succeeds("POST", "/w/"+crm.workspace+"/crm/contacts/"+winner+"/merge", body{"loserId": loser})
			}
			to := lists[(i+n)%len(lists)]
			crm.creates(to.list, body{"contactId": loser, to.text: "meanwhile"})
		}
	})
	found := crm.heritage(winner, loser)
	const meanwhile = clients * each / 3
	if found["/activities"] != before+meanwhile || found["/deals"] != meanwhile || found["/tasks"] != meanwhile {
		t.Errorf("the winner has %v, want %d more activities than %d, and as many deals and tasks", found, meanwhile, before)
	}
	if told := crm.events("crm.contact.merged"); len(told) != 1 {
		t.Errorf("told of merges: %v", told)
	}
}

// TestFault02_AMergeGoesOnAfterARestart stops the server between the steps of a
// merge, and a chain of merges begins meanwhile: everything arrives at its end.
func TestFault02_AMergeGoesOnAfterARestart(t *testing.T) {
	const before = 650
	crm := newCRM(t)
	winner, loser := crm.pair(before)
	crm.Call("crm", "POST /contacts/"+winner+"/merge", body{"loserId": loser}).want(200)
	crm.w.restart()
	last := crm.make("/contacts", body{"email": "last@example.com", "name": "Last"})
	crm.Call("crm", "POST /contacts/"+last+"/merge", body{"loserId": winner}).want(200)
	crm.w.restart()
	crm.heritage(last, winner)
	if found := crm.heritage(last, loser); found["/activities"] != before {
		t.Errorf("the last winner has %v, want %d activities", found, before)
	}
}

// TestALargeContactIsDeleted deletes a contact with more activities than one
// unit of work may: nothing of it is left, and it counts no more.
func TestALargeContactIsDeleted(t *testing.T) {
	crm := newCRM(t)
	other, large := crm.pair(650)
	crm.make("/deals", body{"title": "d", "contactId": large})
	crm.make("/activities", body{"contactId": other, "body": "stays"})
	crm.Call("crm", "DELETE /contacts/"+large, nil, header{"If-Match", `"1"`}).want(412)
	crm.Call("crm", "DELETE /contacts/"+large, nil).want(202)
	crm.Call("crm", "DELETE /contacts/"+large, nil) // impatient: it may be gone already
	crm.w.until("the contact is still there", func() bool { return crm.Call("crm", "GET /contacts/"+large, nil).status == 404 })
	if aside := crm.settled(); len(aside) != 0 {
		t.Errorf("set aside: %v", aside)
	}
	if left := crm.all("crm", "/activities"); len(left) != 1 || len(crm.all("crm", "/deals?filter[contactId]="+large)) != 0 {
		t.Errorf("%d activities are left", len(left))
	}
	if left := crm.meter("crm.contacts"); left != 1 {
		t.Errorf("%v contacts count, want 1", left)
	}
}

// pair makes two contacts, of which the second has so many activities, a
// multiple of 50.
func (m member) pair(activities int) (winner, loser string) {
	m.w.Helper()
	winner = m.make("/contacts", body{"email": "winner@example.com", "name": "W"})
	loser = m.make("/contacts", body{"email": "loser@example.com", "name": "L"})
	together(activities/50, func(int) {
		for range 50 {
			m.creates("/activities", body{"contactId": loser, "body": "before"})
		}
	})
	return winner, loser
}

// creates adds something on a goroutine that is not the test's own.
func (m member) creates(list string, in body) {
	if a, err := m.try("POST", "/w/"+m.workspace+"/crm"+list, in); err != nil || a.status != 201 {
		m.w.Errorf("POST %s: %v %d %.300s", list, err, a.status, a.raw)
	}
}
