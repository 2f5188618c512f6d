package main

import (
	"fmt"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var messageStates = []ui.Option{
	{Value: queued, Label: "Queued", Tone: ui.Info},
	{Value: sent, Label: "Sent", Tone: ui.Good},
	{Value: delivered, Label: "Delivered", Tone: ui.Good},
	{Value: bounced, Label: "Bounced", Tone: ui.Danger},
	{Value: failed, Label: "Failed", Tone: ui.Danger},
	{Value: suppressed, Label: "Not sent", Tone: ui.Warning},
}

// outboxPage lists the messages, the newest first.
func outboxPage(c *sdk.Ctx) (ui.Tree, error) {
	query := messages.All()
	if status := c.Query("status"); status != "" {
		query = messages.Where("status", status)
	}
	table, err := tableOf(c, query, []ui.Column{
		{Key: "subject", Label: "Subject", Link: "/messages/:id"},
		{Key: "to", Label: "To"},
		{Key: "status", Label: "Status", Format: ui.Badge, Options: messageStates},
		{Key: "createdAt", Label: "Written", Format: ui.Time},
		{Key: "reason", Label: "Why"},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	nodes := []ui.Node{
		ui.Filter(ui.Input{Name: "status", Label: "Status", Options: messageStates}),
		table.Or(ui.Empty("Nothing was sent yet", "Mail is sent by automations and campaigns.")),
	}
	settings, err := readSettings(c)
	if err == nil && settings.SMTP.Host == "" {
		nodes = append([]ui.Node{ui.Section("There is no mail server yet",
			ui.Text("Mail waits here until an owner or admin names one in the plugin's settings."))}, nodes...)
	}
	return ui.Page("Outbox", nodes...), err
}

// messagePage shows one message as it is or was sent.
func messagePage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := messages.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	var buttons []ui.Node
	if s := doc.Body.Status; s != sent && s != delivered {
		buttons = []ui.Node{ui.Button("Try again now", "POST /messages/"+string(doc.ID)+"/retry")}
	}
	return ui.Page(doc.Body.Subject,
		ui.Actions(buttons...),
		ui.Detail([]ui.Column{
			{Key: "to", Label: "To"},
			{Key: "toName", Label: "Name"},
			{Key: "status", Label: "Status", Format: ui.Badge, Options: messageStates},
			{Key: "reason", Label: "Why"},
			{Key: "attempts", Label: "Attempts", Format: ui.Number},
			{Key: "nextAttemptAt", Label: "Next attempt", Format: ui.Time},
			{Key: "createdAt", Label: "Written", Format: ui.Time},
			{Key: "sentAt", Label: "Sent", Format: ui.Time},
			{Key: "templateKey", Label: "Template"},
			{Key: "providerId", Label: "Message-ID"},
			{Key: "text", Label: "Text", Format: ui.Long},
			{Key: "html", Label: "HTML", Format: ui.Long},
		}, doc),
	), nil
}

// suppressionsPage lists the addresses that get no mail.
func suppressionsPage(c *sdk.Ctx) (ui.Tree, error) {
	reasons := []ui.Option{
		{Value: "bounce", Label: "Can't be delivered to", Tone: ui.Danger},
		{Value: "complaint", Label: "Called a mail spam", Tone: ui.Danger},
		{Value: "manual", Label: "Somebody's decision"},
	}
	table, err := tableOf(c, suppressions.All(), []ui.Column{
		{Key: "email", Label: "Address"},
		{Key: "reason", Label: "Reason", Format: ui.Badge, Options: reasons},
		{Key: "createdAt", Label: "Since", Format: ui.Time},
		{Key: "note", Label: "Note"},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("No mail to",
		table.Or(ui.Empty("Everybody gets mail", "Addresses that bounce for good, or whose owners complain, are listed here.")).
			Each(ui.Button("Allow mail", "DELETE /suppressions/:id").
				Asking("Send mail to this address again? If it bounces again, your mail server's reputation suffers.")),
		ui.Form("Send no more mail to an address", "POST /suppressions", "",
			ui.Input{Name: "email", Label: "Address", Format: ui.Email, Required: true},
			ui.Input{Name: "reason", Label: "Reason", Options: reasons, Value: "manual", Required: true},
			ui.Input{Name: "note", Label: "Note", Max: 500},
		),
	), nil
}

// tableOf shows a page of a query, the newest first.
func tableOf[T any](c *sdk.Ctx, query *sdk.QueryOf[T], columns []ui.Column) (ui.Node, error) {
	page, err := query.Sort("-createdAt").Limit(50).Cursor(c.Query("cursor")).Page(c)
	if err != nil {
		return ui.Node{}, err
	}
	rows, next, err := page.Rows()
	return ui.Table(columns, rows, next), err
}

// optionsOf are the documents of a table to choose from, by their name.
func optionsOf[T any](c *sdk.Ctx, table *sdk.TableOf[T], name func(T) string) ([]ui.Option, error) {
	docs, _, err := table.All().Limit(200).Docs(c)
	options := make([]ui.Option, len(docs))
	for i, doc := range docs {
		options[i] = ui.Option{Value: string(doc.ID), Label: name(doc.Body)}
	}
	return options, err
}

func listName(l List) string        { return l.Name }
func templateKey(t Template) string { return t.Key }

func figure(title string, n int) ui.Node { return ui.Stat(title, fmt.Sprint(n)) }
