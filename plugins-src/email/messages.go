package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// Message is a mail in the outbox, as it is or was sent. Its id is the key of
// its Message-ID.
type Message struct {
	To             string `json:"to" carrel:"email,required,index,max=254,doc=Address it goes to"`
	ToName         string `json:"toName" carrel:"max=200,doc=Name beside the address"`
	Subject        string `json:"subject" carrel:"max=300,doc=Subject, filled in"`
	HTML           string `json:"html" carrel:"text,doc=The mail as HTML, filled in"`
	Text           string `json:"text" carrel:"text,doc=The mail as plain text, filled in"`
	TemplateKey    string `json:"templateKey" carrel:"index,max=60,doc=Template it was made of"`
	Category       string `json:"category" carrel:"enum=transactional|marketing,doc=Of the template"`
	Status         string `json:"status" carrel:"required,index,enum=queued|sent|delivered|bounced|failed|suppressed,doc=What became of it"`
	Reason         string `json:"reason" carrel:"max=500,doc=Why it was not sent, or not yet"`
	Attempts       int    `json:"attempts" carrel:"doc=How often the mail server was asked"`
	Turn           int    `json:"turn" carrel:"doc=How often it was put off, attempts included"`
	NextAttemptAt  string `json:"nextAttemptAt" carrel:"time,index,doc=When it is sent, if it is queued"`
	SentAt         string `json:"sentAt" carrel:"time,doc=When the mail server took it on"`
	ProviderID     string `json:"providerId" carrel:"index,max=300,doc=Its Message-ID"`
	DedupeKey      string `json:"dedupeKey" carrel:"unique,max=200,doc=What it is for; no two messages have the same"`
	CampaignID     sdk.ID `json:"campaignId" carrel:"ref=campaigns,on_delete=clear,doc=Campaign it is part of"`
	AutomationID   sdk.ID `json:"automationId" carrel:"ref=automations,on_delete=clear,doc=Automation that caused it"`
	SubscriberID   sdk.ID `json:"subscriberId" carrel:"ref=subscribers,on_delete=clear,doc=Of marketing: who it is for"`
	MembershipID   sdk.ID `json:"membershipId" carrel:"ref=memberships,on_delete=clear,doc=Of a campaign: because of which list"`
	UnsubscribeURL string `json:"unsubscribeUrl" carrel:"url,doc=Of marketing: where one click unsubscribes"`
}

// The states of messages.
const (
	queued     = "queued"     // it waits to be sent, for the first time or again
	sent       = "sent"       // the mail server has taken it on
	delivered  = "delivered"  // the provider says that it arrived
	bounced    = "bounced"    // its address doesn't take it
	failed     = "failed"     // it could not be sent
	suppressed = "suppressed" // it must not be sent
)

const (
	maxSubject = 220 // characters; mail.send takes 900 bytes
	maxName    = 80  // characters; 320 bytes
	maxReason  = 400 // characters
)

var messages = sdk.Table[Message]("messages", "The outbox: mails as they are or were sent", sdk.Index("campaignId", "status"), sdk.Index("status", "nextAttemptAt"))

// retryMessage has a message that was not sent tried again, at once and from the
// beginning.
func retryMessage(c *sdk.Ctx) (doc sdk.RawDoc[Message], err error) {
	before, err := messages.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	if s := before.Body.Status; s == sent || s == delivered {
		return doc, sdk.Invalid("The message was sent at %s. Send another one.", before.Body.SentAt)
	}
	if before.Body.HTML == "" && before.Body.Text == "" {
		return doc, sdk.Invalid("The message was never written: %s", before.Body.Reason)
	}
	turn := before.Body.Turn + 1
	if err := (attempt{before.ID, turn}).begin(c, 0); err != nil {
		return doc, err
	}
	c.SetStatus(202)
	return messages.Patch(c, before.ID, map[string]any{
		"status": queued, "turn": turn, "attempts": 0, "reason": nil, "nextAttemptAt": c.Now().UTC().Format(time.RFC3339),
	})
}

type messageRequest struct {
	To          string         `json:"to" carrel:"email,required,max=254,doc=Address to send it to"`
	ToName      string         `json:"toName" carrel:"max=200,doc=Name beside the address"`
	TemplateKey string         `json:"templateKey" carrel:"required,max=60,doc=Template to fill in"`
	Values      map[string]any `json:"values" carrel:"doc=Values of the template's variables"`
	DedupeKey   string         `json:"dedupeKey" carrel:"max=120,doc=What it is for; a message with the same is answered instead of another being sent"`
}

// sendMessage sends one mail for a client of the API.
func sendMessage(c *sdk.Ctx, in messageRequest) (doc sdk.RawDoc[Message], err error) {
	template, err := templateOf(c, in.TemplateKey)
	if sdk.IsNotFound(err) {
		return doc, sdk.Violation("body.templateKey", "is the key of no template: %q", in.TemplateKey)
	}
	if err != nil {
		return doc, err
	}
	one := letter{to: normalizeEmail(in.To), name: in.ToName, template: template, values: exact(in.Values)}
	if in.DedupeKey != "" {
		one.dedupeKey = "api/" + in.DedupeKey
	}
	c.SetStatus(202)
	return one.queue(c, 0)
}
