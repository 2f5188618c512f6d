package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/plugins-src/email/mustache"
	"github.com/carrel-dev/carrel/sdk"
)

// Automation is mail that a type of events causes.
type Automation struct {
	Name       string         `json:"name" carrel:"max=100,doc=What it is for"`
	EventType  string         `json:"eventType" carrel:"required,index,max=120,doc=Type of events, such as order.paid"`
	Filter     map[string]any `json:"filter" carrel:"doc=Members of the event's data and what they must be, by dotted names; of a list, any of its values"`
	TemplateID sdk.ID         `json:"templateId" carrel:"required,ref=templates,doc=Template to fill in with the event's data"`
	To         string         `json:"to" carrel:"max=100,doc=Member of the event's data that holds the address; email without it"`
	DelaySec   int            `json:"delaySec" carrel:"doc=Seconds to wait before it is sent; at most 90 days"`
	Enabled    bool           `json:"enabled" carrel:"index,doc=Whether it does anything"`
}

const maxDelay = 90 * 24 * time.Hour

var automations = sdk.Table[Automation]("automations", "Mail that events cause", sdk.Index("eventType", "enabled"))

func createAutomation(c *sdk.Ctx, in Automation) (doc sdk.RawDoc[Automation], err error) {
	if err := in.check(); err != nil {
		return doc, err
	}
	return automations.Create(c, in)
}

func changeAutomation(c *sdk.Ctx, changes sdk.Partial[Automation]) (changed sdk.RawDoc[Automation], err error) {
	if changed, err = automations.Change(c, changes); err != nil {
		return changed, err
	}
	doc, err := changed.Doc()
	if err == nil {
		err = doc.Body.check() // what is refused here is undone with the unit
	}
	return changed, err
}

// check refuses what the schema cannot.
func (a Automation) check() error {
	if longest := int(maxDelay / time.Second); a.DelaySec < 0 || a.DelaySec > longest {
		return sdk.Violation("body.delaySec", "must be from 0 to %d, which is 90 days", longest)
	}
	if !strings.Contains(a.EventType, ".") || strings.ContainsAny(a.EventType, "* ") {
		return sdk.Violation("body.eventType", "must be one type of events, such as order.paid")
	}
	for name, wanted := range a.Filter {
		values, isList := wanted.([]any)
		if !isList {
			values = []any{wanted}
		}
		for _, value := range values {
			switch value.(type) {
			case map[string]any, []any:
				return sdk.Violation("body.filter."+name, "must be a text, a number, true, false, null, or a list of them")
			}
		}
	}
	return nil
}

// matches reports whether the data of an event is what a filter asks for. null
// asks for what isn't there.
func matches(filter, data map[string]any) bool {
	for name, wanted := range filter {
		value, _ := mustache.Lookup(data, name)
		choice, isList := wanted.([]any)
		if isList && !slices.ContainsFunc(choice, func(one any) bool { return same(one, value) }) || !isList && !same(wanted, value) {
			return false
		}
	}
	return true
}

// same compares two values of JSON; numbers by size, however they are written.
func same(a, b any) bool {
	x, isNumber := numberOf(a)
	y, areNumbers := numberOf(b)
	if isNumber || areNumbers {
		return isNumber && areNumbers && x == y
	}
	switch a.(type) {
	case nil, string, bool:
		switch b.(type) {
		case nil, string, bool:
			return a == b
		}
	}
	return false
}

func numberOf(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case json.Number:
		n, err := strconv.ParseFloat(v.String(), 64)
		return n, err == nil
	default:
		return 0, false
	}
}

// hear is told of every event of the workspace's other plugins. It fails only
// for what may pass: an event without an address is none of an automation's.
func hear(c *sdk.Ctx, raw json.RawMessage) error {
	event, data := c.Event(), readObject(raw)
	switch event.Type {
	case "mail.requested":
		if err := requested(c, data); err != nil {
			return err
		}
	case "crm.contact.tagged":
		if err := tagged(c, data); err != nil {
			return err
		}
	}
	docs, _, err := automations.Where("eventType", event.Type).Where("enabled", true).Limit(200).Docs(c)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if matches(doc.Body.Filter, data) {
			if err := automate(c, doc, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// automate writes the mail that an automation makes of an event.
func automate(c *sdk.Ctx, doc sdk.Doc[Automation], data map[string]any) error {
	at := doc.Body.To
	if at == "" {
		at = "email"
	}
	to := textAt(data, at)
	if to == "" {
		c.Log(sdk.Warn, "the event has no address for the automation", "automation", doc.ID, "member", at)
		return nil
	}
	template, err := templates.Get(c, doc.Body.TemplateID)
	if err != nil {
		return err
	}
	return letter{
		to: normalizeEmail(to), name: nameIn(data), template: template.Body, values: data, automation: doc.ID,
		dedupeKey: c.Event().ID + "/" + string(doc.ID),
	}.cause(c, time.Duration(doc.Body.DelaySec)*time.Second)
}

// requested writes the mail that another plugin asks for.
func requested(c *sdk.Ctx, data map[string]any) error {
	key := textAt(data, "templateKey")
	template, err := templateOf(c, key)
	if sdk.IsNotFound(err) {
		c.Log(sdk.Warn, "mail of a template that isn't there was requested", "templateKey", key)
		return nil
	}
	if err != nil {
		return err
	}
	values, _ := data["vars"].(map[string]any)
	dedupe := textAt(data, "dedupeKey")
	if dedupe == "" || len(dedupe) > 120 {
		dedupe = c.Event().ID
	}
	return letter{
		to: normalizeEmail(textAt(data, "to")), name: nameIn(values), template: template, values: values,
		dedupeKey: "requested" + c.Event().Source + "/" + dedupe,
	}.cause(c, 0)
}

// cause queues a letter an event causes. An address that is none is nobody's
// fault here, and no reason to be told of the event again.
func (l letter) cause(c *sdk.Ctx, delay time.Duration) error {
	_, err := l.queue(c, delay)
	if sdk.IsInvalid(err) {
		c.Log(sdk.Warn, "no mail is written", "because", err.Error())
		return nil
	}
	return err
}

// tagged puts a contact of the CRM on the lists that have its new tag.
func tagged(c *sdk.Ctx, data map[string]any) error {
	tag, email := textAt(data, "tag"), normalizeEmail(textAt(data, "email"))
	if tag == "" || email == "" {
		return nil
	}
	docs, _, err := lists.Where("tag", tag).Docs(c)
	if err != nil {
		return err
	}
	for _, list := range docs {
		_, err := join(c, list, email, nameIn(data), sdk.ID(textAt(data, "contactId")), byOthers)
		if sdk.IsInvalid(err) { // they unsubscribed, or it is no address
			c.Log(sdk.Info, "not put on the list", "list", list.Body.Slug, "because", err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

func textAt(data map[string]any, name string) string {
	value, _ := mustache.Lookup(data, name)
	text, _ := value.(string)
	return text
}

// nameIn is the name of the person an event is about.
func nameIn(data map[string]any) string {
	if name := textAt(data, "name"); name != "" {
		return name
	}
	return textAt(data, "userName")
}
