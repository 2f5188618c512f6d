package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

func TestVerdict(t *testing.T) {
	last := len(backoff) + 1
	for _, one := range []struct {
		name     string
		of       result
		attempts int
		want     string
	}{
		{"accepted", result{Outcome: abi.MailAccepted}, 1, sent},
		{"accepted at last", result{Outcome: abi.MailAccepted}, last, sent},
		{"no such mailbox", result{Outcome: abi.MailRefused, Code: 550, Reason: "RCPT TO: 5.1.1 no such user"}, 1, bounced},
		{"a mailbox without a reason", result{Outcome: abi.MailRefused, Code: 550, Reason: "RCPT TO: no"}, 1, bounced},
		{"a name that can't be", result{Outcome: abi.MailRefused, Code: 553, Reason: "RCPT TO: 5.1.3 bad syntax"}, 1, bounced},
		{"no such mailbox, found out late", result{Outcome: abi.MailRefused, Code: 550, Reason: "DATA: 5.1.1 no such user"}, 1, bounced},
		{"a mail nobody wants", result{Outcome: abi.MailRefused, Code: 550, Reason: "DATA: looks like spam"}, 1, failed},
		{"a sender nobody knows", result{Outcome: abi.MailRefused, Code: 550, Reason: "MAIL FROM: 5.1.8 bad sender"}, 1, failed},
		{"a full mailbox", result{Outcome: abi.MailRefused, Code: 552, Reason: "RCPT TO: 5.2.2 full"}, 1, failed},
		{"the sender may not", result{Outcome: abi.MailRefused, Code: 550, Reason: "RCPT TO: 5.7.1 relaying denied"}, 1, failed},
		{"the content may not", result{Outcome: abi.MailRefused, Code: 554, Reason: "DATA: 5.6.0 rejected"}, 1, failed},
		{"a number that looks like one", result{Outcome: abi.MailRefused, Code: 550, Reason: "RCPT TO: unknown at 10.5.7.1"}, 1, bounced},
		{"nothing to send", result{Outcome: unsendable}, 1, failed},
		{"later", result{Outcome: abi.MailDeferred, Code: 451}, 1, queued},
		{"later, for the last time", result{Outcome: abi.MailDeferred, Code: 451}, last - 1, queued},
		{"never", result{Outcome: abi.MailDeferred, Code: 451}, last, bounced},
		{"no server", result{Outcome: unreachable}, 1, queued},
		{"no server, ever", result{Outcome: unreachable}, last, failed},
		{"busy", result{Outcome: busy}, last, queued},
	} {
		if got := one.of.verdict(one.attempts); got != one.want {
			t.Errorf("%s: %s, want %s", one.name, got, one.want)
		}
	}
}

func TestDelay(t *testing.T) {
	var before time.Duration
	for n := 1; n <= len(backoff)+3; n++ {
		for _, luck := range []float64{0, 0.999} {
			d := result{Outcome: abi.MailDeferred}.delay(n, luck)
			if d < backoff[0] || d > 36*time.Hour || d < before {
				t.Errorf("after %d attempts %v, before %v", n, d, before)
			}
		}
		before = result{Outcome: abi.MailDeferred}.delay(n, 0)
	}
}

// What waits for a minute's mails comes back at the beginning of a minute; the
// longer it waited the more there are to choose from.
func TestPatience(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 40, 0, time.UTC)
	for waits := range 8 {
		latest := now
		for luck := 0.0; luck < 1; luck += 0.01 {
			at := now.Add(patience(now, waits, luck))
			if !at.After(now) || at.Second() > 5 {
				t.Errorf("after %d waits, with luck %v: at %v", waits, luck, at)
			}
			if at.After(latest) {
				latest = at
			}
		}
		if minutes := int(latest.Sub(now)/time.Minute) + 1; minutes != 1<<min(waits, 4) {
			t.Errorf("after %d waits within %d minutes", waits, minutes)
		}
	}
}

func TestWhyThereWasNoAnswer(t *testing.T) {
	violation := func(at string) []abi.Violation { return []abi.Violation{{Location: at, Message: "is wrong"}} }
	for _, one := range []struct {
		err  error
		want string
	}{
		{&abi.Error{Kind: "unavailable"}, unreachable},
		{&abi.Error{Kind: "denied"}, unreachable},
		{&abi.Error{Kind: "rate_limited"}, busy},
		{&abi.Error{Kind: "invalid", Violations: violation("settings.smtp.host")}, unreachable},
		{&abi.Error{Kind: "invalid", Violations: violation("to")}, unsendable},
		{errors.New("no"), unreachable},
	} {
		if got, _ := outcomeOf(one.err); got != one.want {
			t.Errorf("%v: %s, want %s", one.err, got, one.want)
		}
	}
}

func TestBouncesInARow(t *testing.T) {
	for _, one := range []struct {
		states string
		want   int
	}{
		{"bounced", 1}, {"bounced bounced sent bounced", 2}, {"bounced queued suppressed bounced failed", 2}, {"sent bounced", 0}, {"", 0},
	} {
		if got := inRow(strings.Fields(one.states)); got != one.want {
			t.Errorf("%s: %d, want %d", one.states, got, one.want)
		}
	}
}
