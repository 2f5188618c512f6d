package main

import (
	"strings"
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// Activity is something that happened with a contact or a deal: what a person
// wrote down, or what an event of another plugin told.
type Activity struct {
	ContactID     sdk.ID `json:"contactId" carrel:"ref=contacts,on_delete=cascade,doc=Person it happened with"`
	DealID        sdk.ID `json:"dealId" carrel:"ref=deals,on_delete=clear,doc=Deal it is about"`
	Type          string `json:"type" carrel:"required,index,max=80,doc=note, call, email, meeting or a word of your own; of an event, its type"`
	Body          string `json:"body" carrel:"text,max=20000,doc=What happened"`
	OccurredAt    string `json:"occurredAt" carrel:"time,required,index,doc=When it happened"`
	SourceEventID string `json:"sourceEventId" carrel:"unique,max=100,doc=Event that told of it; there is one activity for each"`
}

var activities = sdk.Table[Activity]("activities", "What happened with contacts and deals",
	sdk.Index("contactId", "occurredAt"), sdk.Index("dealId", "occurredAt"))

type activityRequest struct {
	ContactID  sdk.ID `json:"contactId" carrel:"doc=Person it happened with; the deal's without it"`
	DealID     sdk.ID `json:"dealId" carrel:"doc=Deal it is about"`
	Type       string `json:"type" carrel:"max=80,doc=note (the default), call, email, meeting or a word of your own"`
	Body       string `json:"body" carrel:"required,max=20000,doc=What happened"`
	OccurredAt string `json:"occurredAt" carrel:"time,doc=When it happened; now without it"`
}

func createActivity(c *sdk.Ctx, in activityRequest) (doc sdk.RawDoc[Activity], err error) {
	if in.DealID != "" {
		deal, err := deals.Get(c, in.DealID)
		if sdk.IsNotFound(err) {
			err = sdk.Violation("body.dealId", "there is no such deal")
		}
		if err != nil {
			return doc, err
		}
		if in.ContactID == "" {
			in.ContactID = deal.Body.ContactID
		}
	}
	if in.ContactID == "" && in.DealID == "" {
		return doc, sdk.Violation("body.contactId", "is required, or a dealId: an activity is about one of them")
	}
	if in.Type = strings.TrimSpace(in.Type); in.Type == "" {
		in.Type = "note"
	}
	if in.OccurredAt == "" {
		in.OccurredAt = c.Now().UTC().Format(time.RFC3339Nano)
	}
	if in.ContactID, err = survivor(c, in.ContactID); err != nil {
		return doc, err
	}
	doc, err = activities.Add(c, Activity{
		ContactID: in.ContactID, DealID: in.DealID, Type: in.Type, Body: in.Body, OccurredAt: in.OccurredAt,
	})
	if err != nil {
		return doc, err
	}
	c.SetStatus(201)
	return doc, touch(c, in.ContactID, in.OccurredAt)
}

// touch notes that something happened with a contact, unless something has
// since.
func touch(c *sdk.Ctx, id sdk.ID, occurredAt string) error {
	if id == "" {
		return nil
	}
	contact, err := contacts.Get(c, id)
	if err != nil || !later(occurredAt, contact.Body.LastActivityAt) {
		return err
	}
	_, err = contacts.Patch(c, id, map[string]any{"lastActivityAt": occurredAt})
	return err
}

// later reports whether one time is after another; none is before all.
func later(one, other string) bool {
	a, errA := time.Parse(time.RFC3339, one)
	b, errB := time.Parse(time.RFC3339, other)
	return errA == nil && (errB != nil || a.After(b))
}

// noteChanges are the fields of an activity that can be put right afterwards.
type noteChanges struct {
	Type       string `json:"type" carrel:"required,max=80,doc=note, call, email, meeting or a word of your own"`
	Body       string `json:"body" carrel:"required,max=20000,doc=What happened"`
	OccurredAt string `json:"occurredAt" carrel:"time,required,doc=When it happened"`
}

func changeActivity(c *sdk.Ctx, changes sdk.Partial[noteChanges]) (doc sdk.RawDoc[Activity], err error) {
	version, err := c.IfMatch()
	if err != nil {
		return doc, err
	}
	activity, err := activities.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	if activity.Body.SourceEventID != "" {
		return doc, sdk.Denied("An event told of this activity: it stays as it is, or is deleted. Add a note beside it instead.")
	}
	return activities.Patch(c, activity.ID, changes, version)
}
