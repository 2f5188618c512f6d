package main

import (
	"errors"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// A message is sent by a job that is an action: it has the outbox decide whether
// the message may be sent (claim), hands it to the mail server, and has the
// outbox keep what became of it (settle). Claim and settle are units of their
// own. If the server stops before settle is done, the job is run again and the
// mail is sent a second time with the same Message-ID; nothing else is done
// twice, because an attempt counts only while it is the message's turn.
const (
	sendJob   = "send"
	claimJob  = "send-claim"
	settleJob = "send-settle"
)

// attempt is one try to send a message.
type attempt struct {
	MessageID sdk.ID `json:"messageId"`
	Turn      int    `json:"turn"` // of the message, how often it was put off before
}

// begin has the attempt made after a delay. What is not due soon has no job: the
// sweep finds it in time, and ten thousand mails that wait for a mail server
// don't take up all the jobs a plugin may have waiting.
func (a attempt) begin(c *sdk.Ctx, delay time.Duration) error {
	if delay > sweepEvery {
		return nil
	}
	_, err := c.Schedule(sendJob, a, delay)
	return err
}

// claimed is a mail that may be sent; without one there is nothing to do.
type claimed struct {
	Mail *abi.MailRequest `json:"mail"`
}

// result is what became of an attempt.
type result struct {
	Attempt   attempt `json:"attempt"`
	Outcome   string  `json:"outcome"` // of a mail server, or unreachable, or busy
	MessageID string  `json:"messageId"`
	Code      int     `json:"code"`
	Reason    string  `json:"reason"`
}

// Outcomes beside those of a mail server.
const (
	unreachable = "unreachable" // no mail server could be asked
	busy        = "busy"        // the minute's mails are used up
	unsendable  = "unsendable"  // something of the mail can't be, whatever the settings are
)

func send(c *sdk.Ctx, in attempt) error {
	var may claimed
	if err := c.Mutate(claimJob, in, &may); err != nil || may.Mail == nil {
		return err
	}
	answer, err := c.SendMail(*may.Mail)
	r := result{Attempt: in, Outcome: answer.Outcome, MessageID: answer.MessageID, Code: answer.Code, Reason: answer.Reason}
	if err != nil {
		r.Outcome, r.Reason = outcomeOf(err)
	}
	return c.Mutate(settleJob, r, nil)
}

// outcomeOf is what it means that there was no answer, and why for people.
func outcomeOf(err error) (outcome, reason string) {
	failure, ok := errors.AsType[*abi.Error](err)
	if !ok {
		return unreachable, err.Error()
	}
	outcome, reason = unreachable, failure.Message
	if failure.Kind == "rate_limited" {
		outcome = busy
	}
	for _, v := range failure.Violations {
		reason += " " + v.Location + " " + v.Message + "."
		if outcome == unreachable && !strings.HasPrefix(v.Location, "settings") {
			outcome = unsendable
		}
	}
	return outcome, reason
}

// next finds the message whose turn it is.
func (a attempt) next(c *sdk.Ctx) (doc sdk.Doc[Message], ok bool, err error) {
	doc, err = messages.Get(c, a.MessageID)
	if sdk.IsNotFound(err) {
		return doc, false, nil
	}
	return doc, err == nil && doc.Body.Status == queued && doc.Body.Turn == a.Turn, err
}

// claim decides, at the last moment, whether a message may be sent.
func claim(c *sdk.Ctx, in attempt) (may claimed, err error) {
	doc, ok, err := in.next(c)
	if err != nil || !ok {
		return may, err
	}
	m := doc.Body
	if reason, err := m.unwanted(c); err != nil || reason != "" {
		if err == nil {
			_, err = messages.Patch(c, doc.ID, map[string]any{"status": suppressed, "reason": reason, "nextAttemptAt": nil})
		}
		return may, err
	}
	settings, err := readSettings(c)
	if err != nil {
		return may, err
	}
	if due, err := time.Parse(time.RFC3339, m.NextAttemptAt); err != nil || c.Now().Sub(due) > overdue/3 {
		// It comes late. A sweep is not to find it while it is under way.
		if _, err := messages.Patch(c, doc.ID, map[string]any{"nextAttemptAt": c.Now().UTC().Format(time.RFC3339)}); err != nil {
			return may, err
		}
	}
	may.Mail = &abi.MailRequest{
		Key: string(doc.ID), To: m.To, ToName: m.ToName, ReplyTo: settings.ReplyTo, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		Headers: map[string]string{"Auto-Submitted": "auto-generated"},
	}
	if m.UnsubscribeURL != "" { // RFC 8058
		may.Mail.Headers = map[string]string{
			"List-Unsubscribe": "<" + m.UnsubscribeURL + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}
	}
	return may, nil
}

// unwanted says why a message must not be sent, as things are now: nobody writes
// to a suppressed address, and marketing goes to who wants it.
func (m Message) unwanted(c *sdk.Ctx) (reason string, err error) {
	suppression, found, err := suppressions.By(c, "email", m.To)
	switch {
	case err != nil:
		return "", err
	case found:
		return "The address gets no mail: " + suppression.Body.Reason + ".", nil
	case m.Category != marketing:
		return "", nil
	}
	if m.SubscriberID == "" { // the document is gone, and took its reference along
		return "The subscriber was deleted.", nil
	}
	subscriber, err := subscribers.Get(c, m.SubscriberID)
	switch {
	case err != nil:
		return "", err
	case subscriber.Body.Status != active:
		return "The subscriber has unsubscribed from everything.", nil
	case m.CampaignID == "" && m.MembershipID == "":
		return "", nil
	case m.MembershipID == "":
		return "The subscriber is not on the list any more.", nil
	}
	membership, err := memberships.Get(c, m.MembershipID)
	if err == nil && membership.Body.Status != confirmed {
		reason = "The subscriber is not on the list any more."
	}
	return reason, err
}

// settle keeps what became of an attempt. Once that is done, doing it again
// does nothing.
func settle(c *sdk.Ctx, in result) error {
	doc, ok, err := in.Attempt.next(c)
	if err != nil || !ok {
		return err
	}
	m, reason := doc.Body, in.reason()
	attempts, waits := m.Attempts+1, m.Turn-m.Attempts
	if in.Outcome == busy {
		attempts = m.Attempts
	}
	change := map[string]any{"turn": m.Turn + 1, "attempts": attempts, "reason": reason, "nextAttemptAt": nil}
	switch in.verdict(attempts) {
	case sent:
		change["status"], change["reason"] = sent, nil
		change["sentAt"], change["providerId"] = c.Now().UTC().Format(time.RFC3339), in.MessageID
		err = mailSent.Emit(c, MailSent{doc.ID, m.To, m.Subject, m.TemplateKey, m.CampaignID})
	case queued:
		var delay time.Duration
		if in.Outcome == busy {
			delay = patience(c.Now(), waits, c.Rand().Float64())
		} else {
			delay = in.delay(attempts, c.Rand().Float64())
		}
		change["nextAttemptAt"] = c.Now().Add(delay).UTC().Format(time.RFC3339)
		err = attempt{doc.ID, m.Turn + 1}.begin(c, delay)
	case bounced:
		change["status"] = bounced
		err = bounce(c, doc, in, reason)
	default:
		change["status"] = failed
		err = mailFailed.Emit(c, MailFailed{doc.ID, m.To, m.Subject, m.TemplateKey, reason})
	}
	if err != nil {
		return err
	}
	_, err = messages.Patch(c, doc.ID, change)
	return err
}

// The kinds of bounces.
const (
	hard = "hard"
	soft = "soft"
)

// bounce stops mail to an address: at once if it is refused for good, or if the
// last few mails in a row could not be delivered.
func bounce(c *sdk.Ctx, doc sdk.Doc[Message], in result, reason string) error {
	m := doc.Body
	kind, stop := hard, true
	if in.Outcome == abi.MailDeferred {
		settings, err := readSettings(c)
		if err != nil {
			return err
		}
		kind = soft
		if stop, err = lastBounced(c, doc, settings.SoftBounceLimit); err != nil {
			return err
		}
	}
	if stop {
		if err := suppress(c, m.To, "bounce", reason); err != nil {
			return err
		}
	}
	return mailBounced.Emit(c, MailBounced{Email: m.To, Kind: kind, MessageID: doc.ID, Subject: m.Subject, Reason: reason})
}

// lastBounced reports whether so many mails to an address bounced in a row, this
// one the last of them.
func lastBounced(c *sdk.Ctx, this sdk.Doc[Message], limit int) (bool, error) {
	docs, _, err := messages.Where("to", this.Body.To).Sort("-createdAt").Limit(200).Docs(c)
	states := []string{bounced}
	for _, one := range docs {
		if one.ID != this.ID {
			states = append(states, one.Body.Status)
		}
	}
	return inRow(states) >= limit, err
}
