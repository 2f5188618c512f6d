package main

import (
	"encoding/json"
	"testing"
)

func TestWhatEventsSay(t *testing.T) {
	for _, one := range []struct {
		event, data  string
		says, about  string
		creates      bool
		moves, flags string
	}{
		{"user.created", `{"userId": "cus_1", "email": "Ada@Example.com", "name": "Ada"}`, "Signed up", "ada@example.com", true, "", ""},
		{"order.paid", `{"number": "1042", "email": "a@example.com", "total": 4900, "currency": "EUR"}`, "Paid order 1042: 49.00 EUR", "a@example.com", true, "customer", ""},
		{"order.paid", `{"number": 7, "email": "a@example.com", "total": 4900, "currency": "JPY"}`, "Paid order 7: 4900 JPY", "a@example.com", true, "customer", ""},
		{"order.paid", `{"email": "not an address", "total": "x", "items": [1]}`, "Paid an order", "", true, "customer", ""},
		{"subscription.created", `{"plan": "Gold", "email": "a@example.com"}`, "Subscribed to Gold", "a@example.com", true, "customer", ""},
		{"subscription.canceled", `{"email": "a@example.com"}`, "Subscription ended", "a@example.com", true, "churned", ""},
		{"subscription.paused", `{"email": "a@example.com"}`, "subscription.paused", "a@example.com", true, "", ""},
		{"support.ticket.created", `{"number": "T-9", "subject": "Help", "email": "a@example.com"}`, "Asked for help, ticket T-9: Help", "a@example.com", true, "", ""},
		{"lms.course.completed", `{"courseTitle": "Go", "userName": "Ada", "email": "a@example.com"}`, "Completed a course: Go", "a@example.com", true, "", ""},
		{"lms.quiz.opened", `{}`, "lms.quiz.opened", "", true, "", ""},
		{"email.sent", `{"messageId": "m", "to": "Ada <Ada@example.com>"}`, "Mail sent", "ada@example.com", false, "", ""},
		{"email.bounced", `{"email": "a@example.com", "kind": "hard", "reason": "550 no such user"}`, "Mail came back: 550 no such user", "a@example.com", false, "", "bounced"},
		{"email.bounced", `{"email": "a@example.com", "kind": "soft"}`, "Mail came back, for now", "a@example.com", false, "", ""},
		{"email.complained", `{"email": "a@example.com"}`, "Called a mail spam", "a@example.com", false, "", "complained"},
		{"email.unsubscribed", `{"email": "a@example.com", "listId": "l"}`, "Unsubscribed", "a@example.com", false, "", ""},
		{"email.inbound.received", `{"from": "b@example.com", "to": "help@acme.example", "subject": "Hi"}`, "Wrote a mail: Hi", "b@example.com", false, "", ""},
		{"email.opened", `{"to": "b@example.com"}`, "email.opened", "b@example.com", false, "", ""},
	} {
		var f fact
		if err := json.Unmarshal([]byte(one.data), &f); err != nil {
			t.Fatal(err)
		}
		got := learn(one.event, f)
		if says := got.says(f); says != one.says || f.address() != one.about {
			t.Errorf("%s %s: says %q about %q", one.event, one.data, says, f.address())
		}
		if got.creates != one.creates || got.lifecycle != one.moves || got.flag != one.flags {
			t.Errorf("%s %s: %+v", one.event, one.data, got)
		}
	}
}
