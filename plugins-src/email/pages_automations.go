package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// automationsPage lists the automations.
func automationsPage(c *sdk.Ctx) (ui.Tree, error) {
	ofTemplates, err := optionsOf(c, templates, templateKey)
	if err != nil {
		return ui.Tree{}, err
	}
	table, err := tableOf(c, automations.All(), []ui.Column{
		{Key: "name", Label: "Name", Link: "/automations/:id"},
		{Key: "eventType", Label: "When"},
		{Key: "templateId", Label: "Template", Options: ofTemplates},
		{Key: "delaySec", Label: "After seconds", Format: ui.Number},
		{Key: "enabled", Label: "On", Format: ui.Bool},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	inputs, err := automationInputs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("Automations",
		table.Or(ui.Empty("No automations", "Add the first one below.")).Each(
			ui.Button("Switch on", "PATCH /automations/:id").With("enabled", true).Only("enabled", "false"),
			ui.Button("Switch off", "PATCH /automations/:id").With("enabled", false).Only("enabled", "true"),
		),
		ui.Form("New automation", "POST /automations", "", inputs...),
	), nil
}

func automationInputs(c *sdk.Ctx) ([]ui.Input, error) {
	ofTemplates, err := optionsOf(c, templates, templateKey)
	return []ui.Input{
		{Name: "name", Label: "Name", Required: true, Max: 100},
		{Name: "eventType", Label: "When", Required: true, Max: 120,
			Help: "A type of events, such as order.paid; the plugins' documentation lists theirs."},
		{Name: "templateId", Label: "Template", Options: ofTemplates, Required: true, Help: "It is filled in with the event's data."},
		{Name: "to", Label: "Address", Max: 100, Help: "Member of the event's data that holds it; email without one."},
		{Name: "delaySec", Label: "After seconds", Format: ui.Number},
		{Name: "enabled", Label: "On", Format: ui.Bool},
	}, err
}

// automationPage is the editor of one automation.
func automationPage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := automations.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	inputs, err := automationInputs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	at := "/automations/" + string(doc.ID)
	title := doc.Body.Name
	if title == "" {
		title = doc.Body.EventType
	}
	return ui.Page(title,
		ui.Form("Edit", "PATCH "+at, "", inputs...).Fill(doc),
		ui.Actions(ui.Button("Delete", "DELETE "+at).Asking("Delete this automation?").After("/automations")),
	), nil
}
