package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestFault21_MailWhoseJobIsSetAsideIsSent: a message that is due and has no job
// any more is found by the sweep. One that is due in an hour has none to begin
// with.
func TestFault21_MailWhoseJobIsSetAsideIsSent(t *testing.T) {
	t.Parallel() // a sweep takes what is overdue for a minute
	w := newWorld(t, "crm", "email")
	box := newMailbox(t)
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("crm")
	acme.InstallWith("email", box.settings())
	automation := fmt.Sprint("PATCH /automations/", acme.all("email", "/automations")[0]["id"])
	acme.Call("email", automation, body{"delaySec": 3600}).want(200)
	acme.Call("crm", "POST /contacts", body{"email": "later@example.com", "name": "Later"}).want(201)
	w.eventually(acme, "email", "/messages", 1)
	acme.Call("email", automation, body{"delaySec": 10}).want(200)
	acme.Call("crm", "POST /contacts", body{"email": "bob@example.com", "name": "Bob"}).want(201)
	w.eventually(acme, "email", "/messages", 2)
	w.stop()

	w.exec("UPDATE deliveries SET state = 'set_aside', due = NULL WHERE handler = 'send' AND state <> 'done'")
	w.exec("UPDATE deliveries SET due = ? WHERE schedule = 'outbox-sweep' AND state = 'pending'", time.Now().Add(72*time.Second).UnixMicro())

	w.start()
	alice.w = w
	box.until("the mail", 2*time.Minute, func(mails map[string][]letter, _ int) bool { return len(mails["bob@example.com"]) == 1 })
	w.eventually(acme, "email", "/messages?filter[status]=sent", 1)
	later := acme.all("email", "/messages?filter[status]=queued")
	if len(later) != 1 || later[0]["to"] != "later@example.com" || later[0]["turn"] != 0.0 {
		t.Errorf("queued: %v", later)
	}
	// Whoever doesn't want to wait tries now.
	acme.Call("email", fmt.Sprint("POST /messages/", later[0]["id"], "/retry"), nil).want(202)
	box.to("later@example.com", 1)
	w.eventually(acme, "email", "/messages?filter[status]=sent", 2)
	acme.Call("email", fmt.Sprint("POST /messages/", later[0]["id"], "/retry"), nil).want(400)
	if came := box.all(); len(came["bob@example.com"]) != 1 || len(came["later@example.com"]) != 1 {
		t.Errorf("mail: %v", came)
	}
}

// TestAMailUnderWayIsNotSwept: a mail server takes its time over a mail, and a
// sweep comes meanwhile. The mail is sent once.
func TestAMailUnderWayIsNotSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "crm", "email")
	box := newMailbox(t)
	release := box.hold()
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	acme.Install("crm")
	acme.InstallWith("email", box.settings())
	automation := fmt.Sprint("PATCH /automations/", acme.all("email", "/automations")[0]["id"])
	acme.Call("email", automation, body{"delaySec": 10}).want(200)
	acme.Call("crm", "POST /contacts", body{"email": "bob@example.com", "name": "Bob"}).want(201)
	w.eventually(acme, "email", "/messages", 1)
	w.stop()
	w.exec("UPDATE deliveries SET due = ? WHERE schedule = 'outbox-sweep' AND state = 'pending'", time.Now().Add(13*time.Second).UnixMicro())
	w.start()
	alice.w = w

	box.to("bob@example.com", 1) // which has no answer yet
	deliveries := func(what string, enough func(sweeps, sends int) bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // the API has no signal for it
			sweeps, sends := 0, 0
			for _, d := range acme.all("", "/deliveries") {
				switch {
				case d["schedule"] == "outbox-sweep" && d["state"] == "done":
					sweeps++
				case d["handler"] == "send" && d["state"] != "done":
					sends++
				}
			}
			if enough(sweeps, sends) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within a minute; %d sweeps are over, %d mails are to be sent", what, sweeps, sends)
			}
		}
	}
	deliveries("a sweep", func(sweeps, _ int) bool { return sweeps > 0 })
	release()
	deliveries("an end", func(_, sends int) bool { return sends == 0 })
	w.eventually(acme, "email", "/messages?filter[status]=sent", 1)
	if came := box.all()["bob@example.com"]; len(came) != 1 {
		t.Errorf("%d mails: %v", len(came), came)
	}
}
