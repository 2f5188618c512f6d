package main

import (
	"slices"
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// Campaign is one mail to all subscribers of some lists.
type Campaign struct {
	Subject    string         `json:"subject" carrel:"required,max=300,doc=Subject; {{variables}} are filled in"`
	TemplateID sdk.ID         `json:"templateId" carrel:"required,ref=templates,doc=Template to fill in"`
	ListIDs    []sdk.ID       `json:"listIds" carrel:"required,max=20,doc=Lists to send it to; who is on several gets it once"`
	Status     string         `json:"status" carrel:"index,enum=draft|scheduled|running|paused|finished|cancelled,default=draft,doc=How far it is"`
	SendAt     string         `json:"sendAt" carrel:"time,index,doc=When it begins; at once without it"`
	Cursor     CampaignCursor `json:"cursor" carrel:"doc=Where it goes on"`
	Counts     CampaignCounts `json:"counts" carrel:"doc=Whom it has reached so far"`
	Run        int            `json:"run" carrel:"doc=How often it was begun or gone on with"`
	FinishedAt string         `json:"finishedAt" carrel:"time,doc=When the last mail was written"`
}

// CampaignCursor is a place in a campaign's lists.
type CampaignCursor struct {
	List  int    `json:"list"`  // which of them
	After string `json:"after"` // the cursor of the page that follows
}

// CampaignCounts are the mails of a campaign.
type CampaignCounts struct {
	Written int `json:"written"` // into the outbox
	Skipped int `json:"skipped"` // subscribers that had it from another list, or want no mail
}

// The states of campaigns that nothing else is in.
const (
	drafted   = "draft"
	scheduled = "scheduled"
	running   = "running"
	paused    = "paused"
	finished  = "finished"
	cancelled = "cancelled"
)

var campaigns = sdk.Table[Campaign]("campaigns", "Mails to all subscribers of a list")

type campaignRequest struct {
	Subject    string   `json:"subject" carrel:"required,max=300,doc=Subject; {{variables}} are filled in"`
	TemplateID sdk.ID   `json:"templateId" carrel:"required,doc=Template to fill in"`
	ListIDs    []sdk.ID `json:"listIds" carrel:"required,max=20,doc=Lists to send it to"`
	SendAt     string   `json:"sendAt" carrel:"time,doc=When it is to begin, once it is scheduled"`
}

func createCampaign(c *sdk.Ctx, in campaignRequest) (doc sdk.RawDoc[Campaign], err error) {
	one := Campaign{Subject: in.Subject, TemplateID: in.TemplateID, ListIDs: in.ListIDs, SendAt: in.SendAt}
	if err := one.check(c); err != nil {
		return doc, err
	}
	return campaigns.Create(c, one)
}

func changeCampaign(c *sdk.Ctx, changes sdk.Partial[campaignRequest]) (doc sdk.RawDoc[Campaign], err error) {
	before, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	if before.Body.Status != drafted {
		return doc, sdk.Invalid("A campaign is changed while it is a draft, and this one is %s.", before.Body.Status)
	}
	changed, err := campaigns.Patch(c, before.ID, changes)
	if err != nil {
		return doc, err
	}
	after, err := changed.Doc()
	if err == nil {
		err = after.Body.check(c) // what is refused here is undone with the unit
	}
	return changed, err
}

// check refuses lists that aren't there, and a subject that isn't understood.
func (one Campaign) check(c *sdk.Ctx) error {
	for _, id := range one.ListIDs {
		if _, err := lists.Get(c, id); sdk.IsNotFound(err) {
			return sdk.Violation("body.listIds", "names a list that does not exist: %s", id)
		} else if err != nil {
			return err
		}
	}
	if _, err := (Template{Subject: one.Subject}).render(nil); err != nil {
		return sdk.Violation("body.subject", "%s", err)
	}
	return nil
}

func removeCampaign(c *sdk.Ctx) error {
	doc, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return err
	}
	if doc.Body.Status == running || doc.Body.Status == scheduled {
		return sdk.Invalid("The campaign is %s. Pause or cancel it first.", doc.Body.Status)
	}
	return campaigns.Remove(c)
}

// step is a run of the job that writes a campaign's mails.
type step struct {
	CampaignID sdk.ID `json:"campaignId"`
	Run        int    `json:"run"` // only the latest goes on
}

type scheduleRequest struct {
	SendAt string `json:"sendAt" carrel:"time,doc=When to begin; without it as the draft says, or at once"`
}

func scheduleCampaign(c *sdk.Ctx, in scheduleRequest) (changed sdk.RawDoc[Campaign], err error) {
	doc, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return changed, err
	}
	one := doc.Body
	if !slices.Contains([]string{drafted, scheduled, paused}, one.Status) {
		return changed, sdk.Invalid("The campaign is %s; only a draft, a scheduled and a paused one can be scheduled.", one.Status)
	}
	if in.SendAt != "" {
		one.SendAt = in.SendAt
	}
	one.Run++
	delay := max(0, parseTime(one.SendAt).Sub(c.Now()))
	if delay > maxDelay {
		return changed, sdk.Violation("body.sendAt", "is more than 90 days away")
	}
	one.Status = running
	if delay > 0 {
		one.Status = scheduled
	}
	if _, err := c.Schedule(campaignJob, step{doc.ID, one.Run}, delay); err != nil {
		return changed, err
	}
	return campaigns.Replace(c, doc.ID, one)
}

func pauseCampaign(c *sdk.Ctx) (sdk.RawDoc[Campaign], error) { return stopCampaign(c, paused) }

func cancelCampaign(c *sdk.Ctx) (sdk.RawDoc[Campaign], error) { return stopCampaign(c, cancelled) }

// stopCampaign keeps a campaign from going on. What it has written already, a
// minute's worth at most, is sent.
func stopCampaign(c *sdk.Ctx, as string) (changed sdk.RawDoc[Campaign], err error) {
	doc, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return changed, err
	}
	under := []string{scheduled, running}
	if as == cancelled {
		under = append(under, drafted, paused)
	}
	if !slices.Contains(under, doc.Body.Status) {
		return changed, sdk.Invalid("The campaign is %s already.", doc.Body.Status)
	}
	return campaigns.Patch(c, doc.ID, map[string]any{"status": as})
}

// campaignReport counts a campaign's messages by what became of them.
type campaignReport struct {
	Written    int  `json:"written" carrel:"doc=Messages so far"`
	Skipped    int  `json:"skipped" carrel:"doc=Subscribers that had it from another list, or want no mail"`
	Queued     int  `json:"queued"`
	Sent       int  `json:"sent"`
	Delivered  int  `json:"delivered"`
	Bounced    int  `json:"bounced"`
	Failed     int  `json:"failed"`
	Suppressed int  `json:"suppressed"`
	Capped     bool `json:"capped" carrel:"doc=There are more than 10,000 of a kind; counting stops there"`
}

func reportCampaign(c *sdk.Ctx) (r campaignReport, err error) {
	doc, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return r, err
	}
	return reportOf(c, doc)
}

func reportOf(c *sdk.Ctx, doc sdk.Doc[Campaign]) (r campaignReport, err error) {
	r.Written, r.Skipped = doc.Body.Counts.Written, doc.Body.Counts.Skipped
	for _, one := range []struct {
		status string
		to     *int
	}{
		{queued, &r.Queued}, {sent, &r.Sent}, {delivered, &r.Delivered},
		{bounced, &r.Bounced}, {failed, &r.Failed}, {suppressed, &r.Suppressed},
	} {
		n, capped, err := messages.Where("campaignId", doc.ID).Where("status", one.status).Count(c)
		if err != nil {
			return r, err
		}
		*one.to, r.Capped = n, r.Capped || capped
	}
	return r, nil
}

// ends says when the last mail of a campaign was written.
func (one *Campaign) ends(now time.Time) {
	one.Status, one.FinishedAt = finished, now.UTC().Format(time.RFC3339)
}
