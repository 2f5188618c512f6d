package main

import "github.com/carrel-dev/carrel/sdk"

// confirmKey is the template that asks to confirm a subscription.
const confirmKey = "confirm-subscription"

// install gives the workspace templates to begin with, a list, and the mail that
// welcomes a contact; or nothing, if it finds what an earlier installation left.
func install(c *sdk.Ctx) error {
	if _, there, err := keys.By(c, "purpose", linkKey); there || err != nil {
		return err
	}
	if err := makeKey(c); err != nil {
		return err
	}
	var welcome sdk.ID
	for _, one := range firstTemplates {
		doc, err := templates.Add(c, one)
		if err != nil {
			return err
		}
		if one.Key == "welcome" {
			if welcome, err = doc.ID(); err != nil {
				return err
			}
		}
	}
	if _, err := lists.Add(c, List{Name: "Newsletter", Slug: "newsletter", Optin: "double"}); err != nil {
		return err
	}
	_, err := automations.Add(c, Automation{
		Name: "Welcome new contacts", EventType: "crm.contact.created", TemplateID: welcome, Enabled: true,
	})
	return err
}

// firstTemplates are the ones of a new installation. A workspace changes them as
// it likes.
var firstTemplates = []Template{
	{
		Key: "welcome", Category: transactional, Subject: "Welcome{{#name}}, {{name}}{{/name}}",
		HTML:   "<p>Hello{{#name}} {{name}}{{/name}},</p>\n<p>we are glad that you are here.</p>\n",
		Text:   "Hello{{#name}} {{name}}{{/name}},\n\nwe are glad that you are here.\n",
		Sample: map[string]any{"name": "Ada Lovelace", "email": "ada@example.com"},
	},
	{
		Key: "receipt", Category: transactional, Subject: "Your receipt for order {{number}}",
		HTML: "<p>Thank you for your order {{number}}.</p>\n<table>{{#items}}<tr><td>{{qty}} &times; {{title}}</td><td>{{total}}</td></tr>{{/items}}\n" +
			"<tr><th>Total</th><th>{{total}}</th></tr></table>\n",
		Text: "Thank you for your order {{number}}.\n\n{{#items}}{{qty}} x {{title}}  {{total}}\n{{/items}}\nTotal: {{total}}\n",
		Sample: map[string]any{
			"number": "1001", "total": map[string]any{"amount": 2590, "currency": "EUR"},
			"items": []any{map[string]any{"qty": 2, "title": "Notebook", "total": map[string]any{"amount": 2590, "currency": "EUR"}}},
		},
	},
	{
		Key: "enrolled", Category: transactional, Subject: "You can begin: {{courseTitle}}",
		HTML:   "<p>Hello{{#userName}} {{userName}}{{/userName}},</p>\n<p>you are enrolled in <strong>{{courseTitle}}</strong>.</p>\n",
		Text:   "Hello{{#userName}} {{userName}}{{/userName}},\n\nyou are enrolled in {{courseTitle}}.\n",
		Sample: map[string]any{"userName": "Ada Lovelace", "courseTitle": "Getting started"},
	},
	{
		Key: "certificate", Category: transactional, Subject: "Your certificate: {{title}}",
		HTML:   "<p>Congratulations!</p>\n<p>Your certificate for <strong>{{title}}</strong> is ready: <a href=\"{{verifyUrl}}\">{{verifyUrl}}</a></p>\n",
		Text:   "Congratulations!\n\nYour certificate for {{title}} is ready: {{verifyUrl}}\n",
		Sample: map[string]any{"title": "Getting started", "verifyUrl": "https://example.com/verify/abc"},
	},
	{
		Key: "ticket-reply", Category: transactional, Subject: "Re: {{subject}}{{#number}} [#{{number}}]{{/number}}",
		HTML:   "<p>{{text}}</p>\n",
		Text:   "{{text}}\n",
		Sample: map[string]any{"number": "42", "subject": "My order", "text": "It is on its way."},
	},
	{
		Key: confirmKey, Category: transactional, Subject: "Please confirm: {{list}}",
		HTML: "<p>Hello{{#name}} {{name}}{{/name}},</p>\n<p>do you want to get {{list}}? <a href=\"{{confirmUrl}}\">Yes, subscribe me</a></p>\n" +
			"<p>If you didn't ask for it, ignore this mail.</p>\n",
		Text:   "Hello{{#name}} {{name}}{{/name}},\n\ndo you want to get {{list}}? Then follow this link:\n{{confirmUrl}}\n\nIf you didn't ask for it, ignore this mail.\n",
		Sample: map[string]any{"name": "Ada Lovelace", "list": "Newsletter", "confirmUrl": "https://example.com/confirm/abc"},
	},
}
