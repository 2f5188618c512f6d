package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// Subscriber is an address that is or was on a list, or got marketing mail.
type Subscriber struct {
	Email      string `json:"email" carrel:"email,required,unique,max=254,doc=Address, in lower case; it never changes"`
	Name       string `json:"name" carrel:"max=200,index,doc=Name, if it is known"`
	ContactRef sdk.ID `json:"contactRef" carrel:"index,doc=Contact of the CRM"`
	Status     string `json:"status" carrel:"index,enum=active|unsubscribed,default=active,doc=Unsubscribed: no marketing mail at all, whatever the lists say"`
}

// Membership is a subscriber on a list.
type Membership struct {
	ListID       sdk.ID `json:"listId" carrel:"required,ref=lists,on_delete=cascade"`
	SubscriberID sdk.ID `json:"subscriberId" carrel:"required,ref=subscribers,on_delete=cascade"`
	Status       string `json:"status" carrel:"index,enum=unconfirmed|confirmed|unsubscribed,default=unconfirmed,doc=Only confirmed ones get mail"`
	RequestedAt  string `json:"requestedAt" carrel:"time,doc=When a confirmation was last asked for"`
	ConfirmedAt  string `json:"confirmedAt" carrel:"time,doc=When it was given"`
}

var (
	subscribers = sdk.Table[Subscriber]("subscribers", "Addresses of people who get marketing mail, or don't want it")
	memberships = sdk.Table[Membership]("memberships", "Who is on which list", sdk.Unique("listId", "subscriberId"), sdk.Index("listId", "status"),
		sdk.Index("status", "requestedAt"))
)

// The states of subscribers and memberships.
const (
	active       = "active"
	unconfirmed  = "unconfirmed"
	confirmed    = "confirmed"
	unsubscribed = "unsubscribed"
)

const (
	// askAgain is how long an address is not asked again to confirm: a form that
	// anybody can send must not fill somebody's mailbox.
	askAgain = time.Hour
	// maxAsked is how many addresses the public forms of a workspace ask within
	// askAgain: whoever sends a form with each address of a stolen list must not
	// have a mail sent to all of them.
	maxAsked = 300
	// confirmWithin is how long a confirmation link works.
	confirmWithin = 7 * 24 * time.Hour
)

// subscriberOf finds the subscriber of an address, or adds one.
func subscriberOf(c *sdk.Ctx, email, name string, contact sdk.ID) (sdk.Doc[Subscriber], error) {
	doc, found, err := subscribers.By(c, "email", email)
	if found || err != nil {
		return doc, err
	}
	return subscribers.Insert(c, Subscriber{Email: email, Name: name, ContactRef: contact})
}

// changeSubscriber changes all but the address, and never subscribes anybody
// who has unsubscribed: that is theirs to do.
func changeSubscriber(c *sdk.Ctx, changes sdk.Partial[Subscriber]) (changed sdk.RawDoc[Subscriber], err error) {
	before, err := subscribers.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return changed, err
	}
	values, err := changes.Values()
	switch {
	case err != nil:
		return changed, err
	case changes.Has("email"):
		return changed, sdk.Violation("body.email", "never changes; delete the subscriber and add the other address")
	case before.Body.Status == unsubscribed && changes.Has("status") && values.Status != unsubscribed:
		return changed, sdk.Violation("body.status", "was their own choice; they can subscribe again with a list's public form")
	}
	return subscribers.Change(c, changes)
}

// consent is why an address comes onto a list.
type consent int

const (
	byThemselves consent = iota // the public form
	byOthers                    // the workspace, which has to ask on a list with double opt-in
	given                       // the workspace, which says it has asked already
)

// crowded reports whether the public forms have asked as many as they may for now.
func crowded(c *sdk.Ctx) (bool, error) {
	n, _, err := memberships.Where("status", unconfirmed).Gte("requestedAt", c.Now().Add(-askAgain)).Count(c)
	return n >= maxAsked, err
}

// join puts an address on a list as far as its owner agreed, and asks them for
// the rest. It reports the membership.
func join(c *sdk.Ctx, list sdk.Doc[List], email, name string, contact sdk.ID, by consent) (m sdk.Doc[Membership], err error) {
	subscriber, err := subscriberOf(c, email, name, contact)
	if err != nil {
		return m, err
	}
	m, there, err := memberships.Where("listId", list.ID).Where("subscriberId", subscriber.ID).First(c)
	if err != nil {
		return m, err
	}
	left := subscriber.Body.Status == unsubscribed || there && m.Body.Status == unsubscribed
	switch {
	case left && by != byThemselves:
		form := c.URL("/subscribe/" + list.Body.Slug)
		return m, sdk.Invalid("%s has unsubscribed. They can subscribe again by themselves, at %s.", email, form)
	case there && m.Body.Status == confirmed && !left:
		return m, nil
	}
	// Who left, or was asked and has not answered, is asked on every list: anybody
	// can send the form in their name.
	ask := by != given && (list.Body.Optin != "single" || left || there)
	now := c.Now().UTC()
	if ask && there && m.Body.Status == unconfirmed && now.Sub(parseTime(m.Body.RequestedAt)) < askAgain {
		return m, nil
	}
	body := Membership{ListID: list.ID, SubscriberID: subscriber.ID, Status: confirmed, ConfirmedAt: now.Format(time.RFC3339)}
	if ask {
		body.Status, body.RequestedAt, body.ConfirmedAt = unconfirmed, now.Format(time.RFC3339), ""
	}
	raw := sdk.RawDoc[Membership]{}
	if there {
		raw, err = memberships.Replace(c, m.ID, body)
	} else {
		raw, err = memberships.Add(c, body)
	}
	if err != nil {
		return m, err
	}
	if m, err = raw.Doc(); err != nil {
		return m, err
	}
	if ask {
		if by == byThemselves {
			name = "" // it may be anything: the mail would say to its owner what a stranger wrote
		}
		return m, askToConfirm(c, list, subscriber.Body.Email, name, m)
	}
	return m, activate(c, subscriber)
}

// activate lets a subscriber who came back have marketing mail again.
func activate(c *sdk.Ctx, subscriber sdk.Doc[Subscriber]) error {
	if subscriber.Body.Status == active {
		return nil
	}
	_, err := subscribers.Patch(c, subscriber.ID, map[string]any{"status": active})
	return err
}

func askToConfirm(c *sdk.Ctx, list sdk.Doc[List], email, name string, m sdk.Doc[Membership]) error {
	template, err := templateOf(c, confirmKey)
	if err != nil {
		return err
	}
	link, err := link(c, "/confirm/", token{forConfirm, m.ID})
	if err != nil {
		return err
	}
	one := letter{
		to: email, name: name, template: template,
		values:    map[string]any{"name": name, "list": list.Body.Name, "confirmUrl": link},
		dedupeKey: "confirm/" + string(m.ID) + "/" + m.Body.RequestedAt,
	}
	_, err = one.queue(c, 0)
	return err
}

type membershipRequest struct {
	ListID    sdk.ID `json:"listId" carrel:"required,doc=List to put the address on"`
	Email     string `json:"email" carrel:"email,required,max=254,doc=Address"`
	Name      string `json:"name" carrel:"max=200,doc=Name, if it is known"`
	Confirmed bool   `json:"confirmed" carrel:"doc=true if its owner has agreed already, elsewhere; otherwise a list with double opt-in asks them"`
}

func addMembership(c *sdk.Ctx, in membershipRequest) (m sdk.Doc[Membership], err error) {
	list, err := lists.Get(c, in.ListID)
	if err != nil {
		return m, err
	}
	by := byOthers
	if in.Confirmed {
		by = given
	}
	c.SetStatus(201)
	return join(c, list, normalizeEmail(in.Email), in.Name, "", by)
}

// parseTime reads a time of a document; one that isn't there is long ago.
func parseTime(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}
