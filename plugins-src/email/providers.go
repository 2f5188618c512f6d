package main

import "encoding/json"

// report is what a provider tells of one address.
type report struct {
	what      string // delivered, hard, soft or complained
	email     string
	reason    string
	messageID string // empty if the provider has only its own
}

const complained = "complained"

// provider is how a mail provider signs its webhooks, and what they mean.
type provider struct {
	envelope func(header func(string) string, body []byte) envelope
	reports  func(body []byte) []report
}

var providers = map[string]provider{
	"standard": {standard("webhook-"), standardReports},
	"resend":   {standard("svix-"), resendReports},
	"mailgun":  {mailgun, mailgunReports},
}

// standardReports reads what a workspace's own software tells:
// {"type": "bounced", "data": {"email": "…", "kind": "hard", "reason": "…", "messageId": "…"}}.
func standardReports(body []byte) []report {
	var said struct {
		Type string
		Data struct{ Email, Kind, Reason, MessageID string }
	}
	if json.Unmarshal(body, &said) != nil {
		return nil
	}
	one := report{email: said.Data.Email, reason: said.Data.Reason, messageID: said.Data.MessageID}
	switch said.Type {
	case "bounced":
		if one.what = hard; said.Data.Kind == soft {
			one.what = soft
		}
	case complained, delivered:
		one.what = said.Type
	}
	return one.known()
}

// resendReports reads what Resend tells.
func resendReports(body []byte) (list []report) {
	var said struct {
		Type string
		Data struct {
			To     []string
			Bounce struct{ Type, Message string }
		}
	}
	if json.Unmarshal(body, &said) != nil {
		return nil
	}
	one := report{reason: said.Data.Bounce.Message}
	switch said.Type {
	case "email.bounced":
		if one.what = hard; said.Data.Bounce.Type != "Permanent" {
			one.what = soft
		}
	case "email.complained":
		one.what = complained
	}
	for _, one.email = range said.Data.To {
		list = append(list, one.known()...)
	}
	return list
}

// mailgunReports reads what Mailgun tells.
func mailgunReports(body []byte) []report {
	var said struct {
		Event struct {
			Event, Severity, Recipient, Reason string
			Status                             struct{ Message, Description string } `json:"delivery-status"`
			Message                            struct {
				Headers struct {
					ID string `json:"message-id"`
				}
			}
		} `json:"event-data"`
	}
	if json.Unmarshal(body, &said) != nil {
		return nil
	}
	e := said.Event
	one := report{email: e.Recipient, reason: e.Status.Description, messageID: e.Message.Headers.ID}
	if one.reason == "" {
		one.reason = e.Status.Message
	}
	switch {
	case e.Event == "failed" && e.Severity == "permanent":
		one.what = hard
	case e.Event == complained || e.Event == delivered:
		one.what = e.Event
	}
	return one.known()
}

// known is the report, if it is one that matters, about an address.
func (r report) known() []report {
	r.email = normalizeEmail(r.email)
	if r.what == "" || r.email == "" || len(r.email) > 254 {
		return nil
	}
	return []report{r}
}
