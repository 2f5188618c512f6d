package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// A mail provider tells what became of a mail after it took it on, and hands over
// mail that came in, by webhooks. One is believed if it is signed with the
// setting webhookSecret, is not older than a few minutes, and was not there
// before.

const (
	webhookSecret = "webhookSecret"
	hookAge       = 5 * time.Minute
	hookMemory    = 24 * time.Hour // what is older than hookAge could be forgotten; clocks differ
)

// Hook is a webhook that was taken in.
type Hook struct {
	Key string `json:"key" carrel:"required,unique,max=200"`
}

var hooks = sdk.Table[Hook]("hooks", "Webhooks that were taken in, for a day")

// envelope is what a webhook says about itself.
type envelope struct {
	id     string // no two have the same
	at     string // seconds since 1970
	signed []byte
	macs   [][]byte
	format string // of the key
}

// standard reads the envelope of Standard Webhooks, whose headers begin with a
// prefix: "webhook-", or "svix-" for who used it before there was a standard.
func standard(prefix string) func(header func(string) string, body []byte) envelope {
	return func(header func(string) string, body []byte) envelope {
		e := envelope{id: header(prefix + "id"), at: header(prefix + "timestamp"), format: "base64"}
		e.signed = append([]byte(e.id+"."+e.at+"."), body...)
		for one := range strings.FieldsSeq(header(prefix + "signature")) {
			version, encoded, _ := strings.Cut(one, ",")
			if mac, err := base64.StdEncoding.DecodeString(encoded); err == nil && version == "v1" && len(e.macs) < 10 {
				e.macs = append(e.macs, mac)
			}
		}
		return e
	}
}

// mailgun reads the envelope that Mailgun puts into the body.
func mailgun(_ func(string) string, body []byte) envelope {
	var said struct {
		Signature struct{ Timestamp, Token, Signature string }
	}
	if json.Unmarshal(body, &said) != nil {
		return envelope{}
	}
	s := said.Signature
	e := envelope{id: s.Token, at: s.Timestamp, signed: []byte(s.Timestamp + s.Token), format: "text"}
	if mac, err := hex.DecodeString(s.Signature); err == nil {
		e.macs = [][]byte{mac}
	}
	return e
}

// fresh reports whether a webhook was sent a moment ago.
func (e envelope) fresh(now time.Time) bool {
	seconds, err := strconv.ParseInt(e.at, 10, 64)
	age := now.Sub(time.Unix(seconds, 0))
	return err == nil && age < hookAge && age > -hookAge
}

var errUnsigned = sdk.Denied("The webhook is not signed with the secret of the settings, is too old, or incomplete.")

// believe refuses a webhook that is not the provider's. news is false for one
// that was taken in already: the provider has not heard that it was.
func (e envelope) believe(c *sdk.Ctx, by string) (news bool, err error) {
	if e.id == "" || len(e.id) > 120 || len(e.macs) == 0 || !e.fresh(c.Now()) {
		return false, errUnsigned
	}
	valid, err := c.Verify(abi.VerifyRequest{Secret: webhookSecret, KeyFormat: e.format, Message: e.signed, MACs: e.macs})
	if err != nil {
		return false, err
	}
	if !valid {
		return false, errUnsigned
	}
	key := by + "/" + e.id
	if _, there, err := hooks.By(c, "key", key); there || err != nil {
		return false, err
	}
	if _, err := hooks.Add(c, Hook{key}); err != nil {
		return false, err
	}
	return true, forget(c)
}

// forget deletes a few of the oldest hooks, more than come in meanwhile.
func forget(c *sdk.Ctx) error {
	docs, _, err := hooks.All().Limit(5).Docs(c)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if c.Now().Sub(doc.CreatedAt) < hookMemory {
			break
		}
		if err := hooks.Delete(c, doc.ID); err != nil {
			return err
		}
	}
	return nil
}

// takeHook takes in what a provider tells of mails it was handed.
func takeHook(c *sdk.Ctx) error {
	name := c.Param("provider")
	by, known := providers[name]
	if !known {
		return sdk.NotFound("There is no provider %q; there are standard, resend and mailgun.", name)
	}
	news, err := by.envelope(c.Header, c.Body()).believe(c, name)
	if err != nil || !news {
		return err
	}
	for _, one := range by.reports(c.Body()) {
		if err := one.take(c); err != nil {
			return err
		}
	}
	return nil
}

// take keeps one report, and tells of it.
func (r report) take(c *sdk.Ctx) error {
	message, found, err := r.message(c)
	if err != nil {
		return err
	}
	if r.what == delivered {
		if found && message.Body.Status == sent {
			_, err = messages.Patch(c, message.ID, map[string]any{"status": delivered})
		}
		return err
	}
	if found && (message.Body.Status == sent || message.Body.Status == delivered) && r.what != complained {
		change := map[string]any{"status": bounced, "reason": cut(r.reason, maxReason)}
		if _, err := messages.Patch(c, message.ID, change); err != nil {
			return err
		}
	}
	switch r.what {
	case complained:
		if err := suppress(c, r.email, "complaint", r.reason); err != nil {
			return err
		}
		return mailComplained.Emit(c, MailComplained{r.email})
	case hard:
		if err := suppress(c, r.email, "bounce", r.reason); err != nil {
			return err
		}
	}
	return mailBounced.Emit(c, MailBounced{
		Email: r.email, Kind: r.what, MessageID: message.ID, Subject: message.Body.Subject, Reason: cut(r.reason, maxReason),
	})
}

// message finds the one the report is about, if it says so.
func (r report) message(c *sdk.Ctx) (doc sdk.Doc[Message], found bool, err error) {
	if r.messageID == "" {
		return doc, false, nil
	}
	return messages.By(c, "providerId", "<"+strings.Trim(r.messageID, "<>")+">")
}
