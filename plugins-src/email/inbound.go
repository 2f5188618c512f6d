package main

import (
	"encoding/json"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// MailReceived is the data of email.inbound.received.
type MailReceived struct {
	From       string   `json:"from"`
	To         string   `json:"to"`
	Subject    string   `json:"subject"`
	Text       string   `json:"text"`
	HTML       string   `json:"html"`
	MessageID  string   `json:"messageId"`
	InReplyTo  string   `json:"inReplyTo"`
	References []string `json:"references"`
}

var mailReceived = sdk.Event[MailReceived]("email.inbound.received", 1, "A mail came in.")

// maxReceived is what an event holds of a mail, in bytes of its JSON. The host
// takes 64 KiB.
const maxReceived = 60 << 10

// takeMail takes in a mail that came to the workspace, and tells of it.
func takeMail(c *sdk.Ctx) error {
	news, err := standard("webhook-")(c.Header, c.Body()).believe(c, "inbound")
	if err != nil || !news {
		return err
	}
	var mail MailReceived
	if err := json.Unmarshal(c.Body(), &mail); err != nil {
		return sdk.Violation("body", "must be a JSON object with from, to, subject, text, html, messageId, inReplyTo and references")
	}
	if strings.TrimSpace(mail.From) == "" {
		return sdk.Violation("body.from", "is missing")
	}
	return mailReceived.Emit(c, mail.fit())
}

// fit shortens a mail to what an event holds: first its HTML, then its text. A
// long list of references keeps its end, which is what it answers.
func (m MailReceived) fit() MailReceived {
	m.From, m.To, m.Subject = cut(m.From, 400), cut(m.To, 400), cut(m.Subject, 400)
	m.MessageID, m.InReplyTo = cut(m.MessageID, 400), cut(m.InReplyTo, 400)
	if n := len(m.References); n > 20 {
		m.References = m.References[n-20:]
	}
	for i, one := range m.References {
		m.References[i] = cut(one, 400)
	}
	for size(m) > maxReceived && m.HTML != "" {
		m.HTML = half(m.HTML)
	}
	for size(m) > maxReceived && m.Text != "" {
		m.Text = half(m.Text)
	}
	return m
}

func size(m MailReceived) int {
	encoded, _ := json.Marshal(m) // texts only: cannot fail
	return len(encoded)
}

func half(text string) string { return strings.ToValidUTF8(text[:len(text)/2], "") }
