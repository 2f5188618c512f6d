package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestFault01_KillWhileACampaignRuns kills the server with -9 while a campaign
// goes through two lists that share people, pauses it and goes on. Everybody gets
// it once; what comes twice has the same Message-ID.
func TestFault01_KillWhileACampaignRuns(t *testing.T) {
	const kills, people, shared = 6, 120, 20
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 4))
	t.Logf("seed %d", seed)
	p := newProcess(t, "email")
	box := newMailbox(t)
	alice := p.world().join("alice", p.setup)
	acme := As(alice).In(As(alice).Workspace("Acme", "enterprise"))
	settings := box.settings()
	settings["ratePerMinute"] = 600
	acme.InstallWith("email", settings)
	var lists []any
	for _, slug := range []string{"one", "two"} {
		lists = append(lists, acme.Call("email", "POST /lists", body{"name": slug, "slug": slug}).want(201).text("id"))
	}
	for i := range people {
		for n, list := range lists {
			if i < shared || i%2 == n {
				acme.Call("email", "POST /memberships", body{"listId": list, "email": rowEmail(i), "confirmed": true}).want(201)
			}
		}
	}
	template := acme.Call("email", "POST /templates", body{"key": "news", "subject": "s", "text": "News", "category": "marketing"}).want(201).text("id")
	campaign := acme.Call("email", "POST /campaigns", body{"subject": "News", "templateId": template, "listIds": lists}).want(201).text("id")
	acme.Call("email", "POST /campaigns/"+campaign+"/schedule", body{}).want(200)

	var killedAt []int
	for n := range kills {
		came := 0
		box.until("another mail", time.Minute, func(mails map[string][]letter, _ int) bool {
			came = len(mails)
			return came > n*people/kills
		})
		time.Sleep(time.Duration(random.Int64N(int64(50 * time.Millisecond)))) // anywhere in what happens next
		if n == kills/2 {
			acme.Call("email", "POST /campaigns/"+campaign+"/pause", nil).want(200)
		}
		p.kill()
		killedAt = append(killedAt, came)
		p.start()
		alice.w = p.world()
		if n == kills/2 {
			acme.Call("email", "POST /campaigns/"+campaign+"/schedule", body{}).want(200)
		}
	}
	histogram(t, killedAt, people)
	box.until("a mail for everybody", time.Minute, func(mails map[string][]letter, _ int) bool { return len(mails) == people })
	p.world().eventually(acme, "email", "/messages?filter[status]=sent", people)
	p.world().eventually(acme, "email", "/campaigns?filter[status]=finished", 1)
	for to, mails := range box.all() {
		for _, one := range mails {
			if one.messageID != mails[0].messageID {
				t.Errorf("%s got two mails: %s and %s", to, mails[0].messageID, one.messageID)
			}
		}
	}
	report := acme.Call("email", "GET /campaigns/"+campaign+"/report", nil).want(200)
	for name, want := range map[string]int{"written": people, "sent": people, "skipped": shared, "queued": 0, "failed": 0} {
		if got := report.number(name); got != want {
			t.Errorf("the report: %s is %d, want %d", name, got, want)
		}
	}
	if all := acme.all("email", "/messages"); len(all) != people {
		t.Errorf("the outbox has %d messages, want %d", len(all), people)
	}
	if told := acme.count("email.sent", "to"); len(told) != people || fmt.Sprint(told[rowEmail(0)]) != "1" {
		t.Errorf("told of %d", len(told))
	}
}
