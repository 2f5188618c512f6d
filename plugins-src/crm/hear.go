package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// lesson is what an event of another plugin means for the contact it is about.
type lesson struct {
	// creates says that the event is a person's own act, so that one who is not
	// known yet becomes a contact. No event about mail does: a contact that is
	// made of one would be welcomed by mail, of which there is an event again.
	creates   bool
	active    bool   // they did something themselves
	lifecycle string // where they are now
	flag      string // what is known now against the address it names
	says      func(f fact) string
}

// heard are the events there is something to say about. Others of a domain the
// CRM listens to are noted by their type.
var heard = map[string]lesson{
	"user.created":           {creates: true, active: true, says: func(fact) string { return "Signed up" }},
	"order.paid":             {creates: true, active: true, lifecycle: "customer", says: saysOrder},
	"subscription.created":   {creates: true, active: true, lifecycle: "customer", says: of("Subscribed to", "plan")},
	"subscription.updated":   {creates: true, says: of("Subscription changed:", "plan")},
	"subscription.canceled":  {creates: true, lifecycle: "churned", says: of("Subscription ended:", "plan")},
	"support.ticket.created": {creates: true, active: true, says: saysTicket},
	"lms.enrollment.created": {creates: true, says: of("Enrolled in", "courseTitle")},
	"lms.enrollment.revoked": {creates: true, says: of("Enrolment ended:", "courseTitle")},
	"lms.lesson.completed":   {creates: true, active: true, says: of("Completed a lesson:", "lessonTitle")},
	"lms.course.completed":   {creates: true, active: true, says: of("Completed a course:", "courseTitle")},
	"email.sent":             {says: of("Mail sent:", "subject")},
	"email.failed":           {says: of("Mail could not be sent:", "subject")},
	"email.bounced":          {flag: "bounced", says: saysBounce},
	"email.complained":       {active: true, flag: "complained", says: func(fact) string { return "Called a mail spam" }},
	"email.unsubscribed":     {active: true, says: of("Unsubscribed:", "listName")},
	"email.inbound.received": {active: true, says: of("Wrote a mail:", "subject")},
}

// learn finds what an event means. A soft bounce says nothing for good about an
// address.
func learn(eventType string, f fact) lesson {
	one, ok := heard[eventType]
	if !ok {
		one = lesson{creates: !strings.HasPrefix(eventType, "email."), says: func(fact) string { return eventType }}
	}
	if f.text("kind") == "soft" {
		one.flag = ""
	}
	return one
}

// fact is the data of an event of another plugin. The CRM takes what it knows of
// it, whatever else there is, and of whatever type it is.
type fact map[string]any

// text is a member that is a text or a number, or empty.
func (f fact) text(name string) string {
	switch value := f[name].(type) {
	case string:
		return strings.TrimSpace(value)
	case float64:
		encoded, _ := json.Marshal(value)
		return string(encoded)
	default:
		return ""
	}
}

// address is the address of the person the event is about. A mail that came in
// is about who sent it, one that went out about who gets it.
func (f fact) address() string {
	for _, name := range []string{"email", "from", "to"} {
		address := f.text(name)
		if _, inside, ok := strings.Cut(address, "<"); ok { // Ada <ada@example.com>
			address, _, _ = strings.Cut(inside, ">")
		}
		if address = normalizeEmail(address); isEmail(address) {
			return address
		}
	}
	return ""
}

// name is what to call a person who is new.
func (f fact) name() string {
	for _, member := range []string{"name", "userName"} {
		if name := f.text(member); name != "" {
			return cutTo(name, 200)
		}
	}
	local, _, _ := strings.Cut(f.address(), "@")
	return local
}

// of says something about a member of a fact, or without it when it is not there.
func of(what, member string) func(fact) string {
	return func(f fact) string {
		if value := f.text(member); value != "" {
			return what + " " + value
		}
		return strings.TrimSuffix(what, ":")
	}
}

func saysOrder(f fact) string {
	text := "Paid an order"
	if number := f.text("number"); number != "" {
		text = "Paid order " + number
	}
	if total, ok := f["total"].(float64); ok && isCurrency(f.text("currency")) {
		text += ": " + abi.MajorUnits(int64(total), f.text("currency")) + " " + f.text("currency")
	}
	return text
}

func saysTicket(f fact) string {
	text := "Asked for help"
	if number := f.text("number"); number != "" {
		text += ", ticket " + number
	}
	if subject := f.text("subject"); subject != "" {
		text += ": " + subject
	}
	return text
}

func saysBounce(f fact) string {
	text := "Mail came back"
	if f.text("kind") == "soft" {
		text += ", for now"
	}
	if reason := f.text("reason"); reason != "" {
		text += ": " + reason
	}
	return text
}

// hear notes what an event of another plugin says about a contact: one activity
// for each event, however often it is told of.
func hear(c *sdk.Ctx, f fact) error {
	event := c.Event()
	_, known, err := activities.By(c, "sourceEventId", event.ID)
	if err != nil || known {
		return err
	}
	one := learn(event.Type, f)
	contact, found, err := meet(c, f, one.creates)
	if err != nil || !found {
		return err
	}
	at := event.Time.UTC().Format(time.RFC3339Nano)
	_, err = activities.Add(c, Activity{
		ContactID: contact.ID, Type: cutTo(event.Type, 80), Body: cutTo(one.says(f), 20_000), OccurredAt: at, SourceEventID: event.ID,
	})
	if err != nil {
		return err
	}
	changes := map[string]any{}
	if one.active && later(at, contact.Body.LastActivityAt) {
		changes["lastActivityAt"] = at
	}
	if one.lifecycle != "" && one.lifecycle != contact.Body.Lifecycle {
		changes["lifecycle"] = one.lifecycle
	}
	if one.flag != "" && f.address() == contact.Body.Email && contact.Body.EmailStatus != "complained" {
		changes["emailStatus"] = one.flag
	}
	if len(changes) > 0 {
		_, err = contacts.Patch(c, contact.ID, changes)
	}
	return err
}

// meet finds the contact a fact is about, by user and then by address, and adds
// to it the one that led to it not. If there is none it is made, when there is
// an address, the event is one that may, and the plan has room: else the event
// leaves nothing.
func meet(c *sdk.Ctx, f fact, creates bool) (contact sdk.Doc[Contact], found bool, err error) {
	user, address := f.text("userId"), f.address()
	if user != "" {
		if contact, found, err = contacts.By(c, "userId", user); err != nil {
			return contact, false, err
		}
	}
	if !found && address != "" {
		if contact, found, err = contacts.By(c, "email", address); err != nil {
			return contact, false, err
		}
	}
	if found {
		if contact, err = present(c, contact); err != nil {
			return contact, false, err
		}
		return contact, true, introduce(c, &contact, user, address)
	}
	if !creates || address == "" {
		return contact, false, nil
	}
	err = c.Record(contactMeter, 1)
	if sdk.IsQuotaExceeded(err) {
		c.Log(sdk.Warn, "no contact is made: the plan's quota of contacts is used up", "event", c.Event().ID)
		return contact, false, nil
	}
	if err != nil {
		return contact, false, err
	}
	source, _, _ := strings.Cut(c.Event().Type, ".")
	doc, err := addContact(c, Contact{Email: address, Name: f.name(), UserID: sdk.ID(user), Source: cutTo(source, 80)})
	if err != nil {
		return contact, false, err
	}
	contact, err = doc.Doc()
	return contact, err == nil, err
}

// introduce notes a contact's user or address if it had none, and nobody else
// has it.
func introduce(c *sdk.Ctx, contact *sdk.Doc[Contact], user, address string) error {
	for _, one := range []struct {
		field    string
		has, new string
	}{{"userId", string(contact.Body.UserID), user}, {"email", contact.Body.Email, address}} {
		if one.has != "" || one.new == "" {
			continue
		}
		_, taken, err := contacts.By(c, one.field, one.new)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		raw, err := contacts.Patch(c, contact.ID, map[string]any{one.field: one.new})
		if err != nil {
			return err
		}
		if *contact, err = raw.Doc(); err != nil {
			return err
		}
	}
	return nil
}

// cutTo shortens a text to so many characters.
func cutTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
