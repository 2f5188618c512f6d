package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var campaignStates = []ui.Option{
	{Value: drafted, Label: "Draft"},
	{Value: scheduled, Label: "Scheduled", Tone: ui.Info},
	{Value: running, Label: "Running", Tone: ui.Info},
	{Value: paused, Label: "Paused", Tone: ui.Warning},
	{Value: finished, Label: "Finished", Tone: ui.Good},
	{Value: cancelled, Label: "Cancelled", Tone: ui.Danger},
}

// campaignsPage lists the campaigns.
func campaignsPage(c *sdk.Ctx) (ui.Tree, error) {
	table, err := tableOf(c, campaigns.All(), []ui.Column{
		{Key: "subject", Label: "Subject", Link: "/campaigns/:id"},
		{Key: "status", Label: "Status", Format: ui.Badge, Options: campaignStates},
		{Key: "sendAt", Label: "Begins", Format: ui.Time},
		{Key: "createdAt", Label: "Written", Format: ui.Time},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	inputs, err := campaignInputs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("Campaigns",
		table.Or(ui.Empty("No campaigns yet", "Write the first one below. Nothing is sent before you say so.")),
		ui.Form("New campaign", "POST /campaigns", "/campaigns/:id", inputs...),
	), nil
}

func campaignInputs(c *sdk.Ctx) ([]ui.Input, error) {
	ofTemplates, err := optionsOf(c, templates, templateKey)
	if err != nil {
		return nil, err
	}
	ofLists, err := optionsOf(c, lists, listName)
	return []ui.Input{
		{Name: "subject", Label: "Subject", Required: true, Max: 300, Help: "{{name}} and {{email}} are the subscriber's."},
		{Name: "templateId", Label: "Template", Options: ofTemplates, Required: true},
		{Name: "listIds", Label: "Lists", Format: ui.List, Options: ofLists, Required: true, Help: "Who is on several gets it once."},
		{Name: "sendAt", Label: "Begins", Format: ui.Time, Help: "At once without it."},
	}, err
}

// campaignPage shows a campaign, and what became of its mails.
func campaignPage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := campaigns.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	report, err := reportOf(c, doc)
	if err != nil {
		return ui.Tree{}, err
	}
	at := "/campaigns/" + string(doc.ID)
	schedule := ui.Button("Send", "POST "+at+"/schedule").With("sendAt", "").Asking("Send this campaign to everybody on its lists?")
	pause := ui.Button("Pause", "POST "+at+"/pause")
	cancel := ui.Button("Cancel", "POST "+at+"/cancel").Asking("End this campaign? It can't be gone on with.")
	remove := ui.Button("Delete", "DELETE "+at).Asking("Delete this campaign? Its mails stay in the outbox.").After("/campaigns")
	buttons := map[string][]ui.Node{
		drafted: {schedule, remove}, scheduled: {pause, cancel}, running: {pause, cancel},
		paused: {schedule, cancel, remove}, finished: {remove}, cancelled: {remove},
	}[doc.Body.Status]
	nodes := []ui.Node{
		ui.Detail([]ui.Column{
			{Key: "status", Label: "Status", Format: ui.Badge, Options: campaignStates},
			{Key: "sendAt", Label: "Begins", Format: ui.Time},
			{Key: "finishedAt", Label: "Last mail written", Format: ui.Time},
		}, doc),
		ui.Actions(buttons...),
		ui.Stats(
			figure("Written", report.Written), figure("Sent", report.Sent+report.Delivered),
			figure("Waiting", report.Queued), figure("Skipped", report.Skipped),
		),
	}
	if report.Written > 0 {
		labels := []string{"Sent", "Delivered", "Waiting", "Bounced", "Failed", "Not sent"}
		mails := ui.Series{Name: "Mails"}
		for _, n := range []int{report.Sent, report.Delivered, report.Queued, report.Bounced, report.Failed, report.Suppressed} {
			mails.Values = append(mails.Values, float64(n))
		}
		nodes = append(nodes, ui.Bars("What became of its mails", labels, mails))
	}
	if doc.Body.Status == drafted {
		inputs, err := campaignInputs(c)
		if err != nil {
			return ui.Tree{}, err
		}
		nodes = append(nodes, ui.Form("Edit", "PATCH "+at, "", inputs...).Fill(doc))
	}
	tree := ui.Page(doc.Body.Subject, nodes...)
	if doc.Body.Status == running || report.Queued > 0 {
		tree = tree.Every(5)
	}
	return tree, nil
}
