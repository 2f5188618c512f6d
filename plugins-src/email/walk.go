package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// campaignJob writes a campaign's mails in steps of at most stepSize
// subscribers. A step is one unit of work, its next step scheduled within:
// whatever stops the server, a subscriber gets the campaign once.
const (
	campaignJob = "campaign-step"
	stepSize    = 50
)

// Pace is when the next mail of any campaign may be sent.
type Pace struct {
	Name string `json:"name" carrel:"required,unique,max=20"`
	Next string `json:"next" carrel:"time,required"`
}

var paces = sdk.Table[Pace]("paces", "How fast campaigns go, all together")

// walk does one step of a campaign.
func walk(c *sdk.Ctx, in step) error {
	doc, err := campaigns.Get(c, in.CampaignID)
	if sdk.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	one := &doc.Body
	if one.Run != in.Run || one.Status != running && one.Status != scheduled {
		return nil
	}
	settings, err := readSettings(c)
	if err != nil {
		return err
	}
	template, err := templates.Get(c, one.TemplateID)
	if err != nil {
		return err
	}
	template.Body.Category, template.Body.Subject = marketing, one.Subject
	at, err := slotsFrom(c, settings.RatePerMinute)
	if err != nil {
		return err
	}
	one.Status = running
	w := walker{c: c, campaign: doc.ID, one: one, template: template.Body, slots: at}
	more, err := w.page(min(stepSize, settings.RatePerMinute))
	if err != nil {
		return err
	}
	if err := w.slots.keep(c); err != nil {
		return err
	}
	if more {
		// When the last of these is sent, the next ones are written.
		if _, err := c.Schedule(campaignJob, in, max(0, w.slots.next.Sub(c.Now()))); err != nil {
			return err
		}
	} else {
		one.ends(c.Now())
	}
	_, err = campaigns.Replace(c, doc.ID, *one)
	return err
}

// walker writes to the subscribers of one step.
type walker struct {
	c        *sdk.Ctx
	campaign sdk.ID
	one      *Campaign
	template Template
	slots    slots
}

// page writes to the next n subscribers at most, and reports whether there are
// more.
func (w *walker) page(n int) (more bool, err error) {
	at := &w.one.Cursor
	if at.List >= len(w.one.ListIDs) {
		return false, nil
	}
	list := w.one.ListIDs[at.List]
	docs, next, err := memberships.Where("listId", list).Where("status", confirmed).Limit(n).Cursor(at.After).Docs(w.c)
	if err != nil {
		return false, err
	}
	for _, m := range docs {
		if err := w.write(m); err != nil {
			return false, err
		}
	}
	if at.After = next; next == "" {
		at.List++
	}
	return at.List < len(w.one.ListIDs), nil
}

// write writes to one subscriber.
func (w *walker) write(m sdk.Doc[Membership]) error {
	subscriber, err := subscribers.Get(w.c, m.Body.SubscriberID)
	if err != nil {
		return err
	}
	key := "campaign/" + string(w.campaign) + "/" + string(subscriber.ID)
	_, has, err := messages.By(w.c, "dedupeKey", key)
	if err != nil {
		return err
	}
	if has || subscriber.Body.Status != active {
		w.one.Counts.Skipped++
		return nil
	}
	w.one.Counts.Written++
	_, err = letter{
		to: subscriber.Body.Email, name: subscriber.Body.Name, template: w.template, campaign: w.campaign,
		values:     map[string]any{"name": subscriber.Body.Name, "email": subscriber.Body.Email},
		subscriber: subscriber.ID, membership: m.ID, dedupeKey: key,
	}.queue(w.c, w.slots.take(w.c.Now()))
	return err
}

// slots are the moments at which campaigns may send a mail.
type slots struct {
	id    sdk.ID // of the document that keeps them; empty: there is none yet
	next  time.Time
	every time.Duration
}

const campaignPace = "campaigns"

func slotsFrom(c *sdk.Ctx, perMinute int) (s slots, err error) {
	doc, _, err := paces.By(c, "name", campaignPace)
	s = slots{id: doc.ID, next: parseTime(doc.Body.Next), every: time.Minute / time.Duration(perMinute)}
	if s.next.Before(c.Now()) {
		s.next = c.Now()
	}
	return s, err
}

// take takes the next one, and returns how far away it is.
func (s *slots) take(now time.Time) time.Duration {
	away := s.next.Sub(now)
	s.next = s.next.Add(s.every)
	return away
}

func (s *slots) keep(c *sdk.Ctx) (err error) {
	body := Pace{campaignPace, s.next.UTC().Format(time.RFC3339Nano)}
	if s.id == "" {
		_, err = paces.Add(c, body)
	} else {
		_, err = paces.Replace(c, s.id, body)
	}
	return err
}
