package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
)

// backoff is how long to wait after each attempt but the last: almost two days
// in all, as mail servers do.
var backoff = []time.Duration{
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// verdict is the state an outcome brings a message to, after so many attempts:
// queued is another try.
func (r result) verdict(attempts int) string {
	switch {
	case r.Outcome == abi.MailAccepted:
		return sent
	case r.Outcome == busy:
		return queued
	case r.Outcome == unsendable:
		return failed
	case r.Outcome == abi.MailRefused && r.noSuchAddress():
		return bounced
	case r.Outcome == abi.MailRefused:
		return failed
	case attempts <= len(backoff):
		return queued
	case r.Outcome == abi.MailDeferred:
		return bounced
	default:
		return failed
	}
}

// delay is how long to wait before the next attempt, after so many of them. luck,
// from 0 to 1, spreads what failed together.
func (r result) delay(attempts int, luck float64) time.Duration {
	wait := backoff[min(attempts, len(backoff))-1]
	return wait + time.Duration(luck*float64(wait)/2)
}

// patience is how long to wait when the minute's mails are used up: until the
// next minute, or after some waits any of the next few, as all that waits can't
// have the same one.
func patience(now time.Time, waits int, luck float64) time.Duration {
	const moment = 5 * time.Second
	minutes := 1 << min(waits, 4)
	n := int(luck * float64(minutes))
	within := luck*float64(minutes) - float64(n)
	next := now.Truncate(time.Minute).Add(time.Duration(1+n) * time.Minute)
	return next.Sub(now) + time.Duration(within*float64(moment))
}

// noSuchAddress reports whether a refusal is about the address, so that no mail
// will ever get there. Servers say so when they are told whom a mail is for, or
// later with an enhanced code of addresses, 5.1.x; but 5.6.x is about the mail
// and 5.7.x about who sends it (RFC 3463).
func (r result) noSuchAddress() bool {
	if r.Code != 550 && r.Code != 551 && r.Code != 553 {
		return false
	}
	enhanced := ""
	for word := range strings.FieldsSeq(r.Reason) {
		if strings.HasPrefix(word, "5.") && len(word) >= len("5.1.1") {
			enhanced = word[:len("5.1.")]
			break
		}
	}
	switch enhanced {
	case "5.1.":
		return !strings.HasPrefix(r.Reason, "MAIL FROM")
	case "5.6.", "5.7.":
		return false
	default:
		return strings.HasPrefix(r.Reason, "RCPT TO")
	}
}

// inRow counts the mails to an address that bounced one after the other, of
// states that begin with the newest. Those that were not tried don't count.
func inRow(states []string) (n int) {
	for _, state := range states {
		switch state {
		case bounced:
			n++
		case queued, suppressed:
		default:
			return n
		}
	}
	return n
}

// reason is the outcome for people.
func (r result) reason() string {
	if r.Code != 0 {
		return cut(fmt.Sprintf("The mail server answered %d: %s", r.Code, r.Reason), maxReason)
	}
	return cut(r.Reason, maxReason)
}
