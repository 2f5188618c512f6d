package main

import "github.com/carrel-dev/carrel/sdk"

// Settings are the installation's. Nothing in them is required: until there is
// a mail server, mail waits in the outbox.
type Settings struct {
	SMTP            sdk.SMTP `json:"smtp"`
	ReplyTo         string   `json:"replyTo" carrel:"email,max=254,doc=Address that answers go to; the sender's own without it"`
	WebhookSecret   string   `json:"webhookSecret,omitempty" carrel:"secret,max=200,doc=What your mail provider signs its webhooks with"`
	RatePerMinute   int      `json:"ratePerMinute" carrel:"default=120,doc=Mails of campaigns in a minute, 1 to 600"`
	SoftBounceLimit int      `json:"softBounceLimit" carrel:"default=3,doc=Mails in a row that an address could not take before it gets no more"`
}

// What holds where the settings say nothing.
const (
	defaultRate        = 120
	maxRate            = 600 // what the host sends for a workspace
	defaultSoftBounces = 3
)

func readSettings(c *sdk.Ctx) (s Settings, err error) {
	err = c.Settings(&s)
	if s.RatePerMinute <= 0 {
		s.RatePerMinute = defaultRate
	}
	s.RatePerMinute = min(s.RatePerMinute, maxRate)
	if s.SoftBounceLimit <= 0 {
		s.SoftBounceLimit = defaultSoftBounces
	}
	return s, err
}
