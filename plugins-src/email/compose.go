package main

import (
	"strings"
	"time"

	"github.com/carrel-dev/carrel/plugins-src/email/mustache"
	"github.com/carrel-dev/carrel/sdk"
)

// letter is a mail to be written.
type letter struct {
	to, name   string
	template   Template
	values     map[string]any
	dedupeKey  string // of the message there will be once; empty: write another
	automation sdk.ID
	campaign   sdk.ID
	subscriber sdk.ID // of marketing; found by the address if it is empty
	membership sdk.ID // of a campaign
}

// queue writes the letter into the outbox, to be sent after a delay. If its
// message is there already, that is what it reports.
func (l letter) queue(c *sdk.Ctx, delay time.Duration) (doc sdk.RawDoc[Message], err error) {
	if l.dedupeKey != "" {
		page, err := messages.Where("dedupeKey", l.dedupeKey).Limit(1).Page(c)
		if err != nil {
			return doc, err
		}
		if docs, _, err := page.RawDocs(); err != nil || len(docs) > 0 {
			return append(docs, doc)[0], err
		}
	}
	body := Message{
		To: l.to, ToName: cut(mustache.Line(l.name), maxName), TemplateKey: l.template.Key, Category: l.template.Category, Status: queued,
		NextAttemptAt: c.Now().Add(delay).UTC().Format(time.RFC3339), DedupeKey: l.dedupeKey,
		CampaignID: l.campaign, AutomationID: l.automation,
	}
	if l.template.Category == marketing {
		if err := l.offerToLeave(c, &body); err != nil {
			return doc, err
		}
	}
	d, fault := l.template.render(l.values)
	body.Subject, body.HTML, body.Text = d.Subject, d.HTML, d.Text
	if body.UnsubscribeURL != "" {
		body.addFooter(l.template)
	}
	if fault != nil {
		body.Status, body.NextAttemptAt, body.Reason = failed, "", cut("The template can't be rendered: "+fault.Error(), maxReason)
	}
	if doc, err = messages.Add(c, body); err != nil {
		return doc, err
	}
	id, err := doc.ID()
	if err != nil {
		return doc, err
	}
	if fault != nil {
		return doc, mailFailed.Emit(c, MailFailed{id, body.To, body.Subject, body.TemplateKey, body.Reason})
	}
	return doc, attempt{id, 0}.begin(c, delay)
}

// offerToLeave adds what marketing needs: whom it is for, and a link with which
// they can have no more of it.
func (l *letter) offerToLeave(c *sdk.Ctx, body *Message) (err error) {
	t := token{forList, l.membership}
	if l.subscriber == "" {
		subscriber, err := subscriberOf(c, l.to, l.name, "")
		if err != nil {
			return err
		}
		l.subscriber = subscriber.ID
	}
	if l.membership == "" {
		t = token{forAll, l.subscriber}
	}
	body.SubscriberID, body.MembershipID = l.subscriber, l.membership
	if body.UnsubscribeURL, err = link(c, "/u/", t); err != nil {
		return err
	}
	values := map[string]any{}
	for name, value := range l.values {
		values[name] = value
	}
	values["unsubscribeUrl"] = body.UnsubscribeURL
	l.values = values
	return nil
}

// addFooter adds the link to what the template wrote without it.
func (m *Message) addFooter(t Template) {
	if m.HTML != "" && !strings.Contains(t.HTML, "unsubscribeUrl") {
		m.HTML += "\n<p style=\"color:#666;font-size:13px\"><a href=\"" + mustache.HTML(m.UnsubscribeURL) + "\">Unsubscribe</a></p>\n"
	}
	if m.Text != "" && !strings.Contains(t.Text, "unsubscribeUrl") {
		m.Text += "\n\n-- \nUnsubscribe: " + m.UnsubscribeURL + "\n"
	}
}

// templateOf finds a template by its key.
func templateOf(c *sdk.Ctx, key string) (Template, error) {
	doc, found, err := templates.By(c, "key", key)
	if err == nil && !found {
		err = sdk.NotFound("There is no template with the key %q.", key)
	}
	return doc.Body, err
}

func normalizeEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
