package main

import "github.com/carrel-dev/carrel/sdk"

// MailSent is the data of email.sent.
type MailSent struct {
	MessageID   sdk.ID `json:"messageId"`
	To          string `json:"to"`
	Subject     string `json:"subject"`
	TemplateKey string `json:"templateKey"`
	CampaignID  sdk.ID `json:"campaignId,omitempty"`
}

// MailFailed is the data of email.failed.
type MailFailed struct {
	MessageID   sdk.ID `json:"messageId"`
	To          string `json:"to"`
	Subject     string `json:"subject"`
	TemplateKey string `json:"templateKey"`
	Reason      string `json:"reason"`
}

// MailBounced is the data of email.bounced. Without a message somebody reported
// it.
type MailBounced struct {
	Email     string `json:"email"`
	Kind      string `json:"kind" carrel:"enum=hard|soft"`
	MessageID sdk.ID `json:"messageId,omitempty"`
	Subject   string `json:"subject,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// MailComplained is the data of email.complained.
type MailComplained struct {
	Email string `json:"email"`
}

// ListUnsubscribed is the data of email.unsubscribed. Without a list it was from
// everything.
type ListUnsubscribed struct {
	Email    string `json:"email"`
	ListID   sdk.ID `json:"listId,omitempty"`
	ListName string `json:"listName,omitempty"`
}

var (
	mailSent         = sdk.Event[MailSent]("email.sent", 1, "The mail server has taken a mail on.")
	mailFailed       = sdk.Event[MailFailed]("email.failed", 1, "A mail could not be sent, and won't be tried again.")
	mailBounced      = sdk.Event[MailBounced]("email.bounced", 1, "A mail can't be delivered to an address: hard, for good; soft, after all tries.")
	mailComplained   = sdk.Event[MailComplained]("email.complained", 1, "Somebody called a mail spam.")
	listUnsubscribed = sdk.Event[ListUnsubscribed]("email.unsubscribed", 1, "Somebody unsubscribed, by themselves.")
)
