package main

import (
	"strings"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var categories = []ui.Option{
	{Value: transactional, Label: "Transactional", Tone: ui.Info},
	{Value: marketing, Label: "Marketing", Tone: ui.Warning},
}

// templatesPage lists the templates.
func templatesPage(c *sdk.Ctx) (ui.Tree, error) {
	table, err := tableOf(c, templates.All(), []ui.Column{
		{Key: "key", Label: "Key", Link: "/templates/:id"},
		{Key: "subject", Label: "Subject"},
		{Key: "category", Label: "Category", Format: ui.Badge, Options: categories},
		{Key: "updatedAt", Label: "Changed", Format: ui.Time},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("Templates",
		table.Or(ui.Empty("No templates", "Add the first one below.")),
		ui.Form("New template", "POST /templates", "/templates/:id", templateInputs()...),
	), nil
}

func templateInputs() []ui.Input {
	return []ui.Input{
		{Name: "key", Label: "Key", Required: true, Max: 60, Help: "Lower-case letters, digits and dashes, such as order-paid."},
		{Name: "category", Label: "Category", Options: categories, Required: true, Value: transactional,
			Help: "Marketing says how to unsubscribe, and goes only to who wants it."},
		{Name: "subject", Label: "Subject", Required: true, Max: 300,
			Help: "{{name}} stands for a value; {{#items}}…{{/items}} is repeated for each of a list, {{^items}}…{{/items}} is for none."},
		{Name: "html", Label: "HTML", Format: ui.Long, Max: 100_000, Help: "Values are escaped."},
		{Name: "text", Label: "Plain text", Format: ui.Long, Max: 100_000},
	}
}

// templatePage is the editor of one template, with its preview.
func templatePage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := templates.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	inputs := templateInputs()
	inputs[1].Value = nil // the document's
	at := "/templates/" + string(doc.ID)
	nodes := []ui.Node{previewOf(doc.Body), ui.Form("Edit", "PATCH "+at, "", inputs...).Fill(doc)}
	sends, err := c.Allowed(writeMessages)
	if err != nil {
		return ui.Tree{}, err
	}
	if sends {
		test := ui.Form("Send a test", "POST "+at+"/test", "/messages/:id",
			ui.Input{Name: "to", Label: "To", Format: ui.Email, Required: true, Help: "It is filled in with the template's sample."})
		test.Button = "Send"
		nodes = append(nodes, test)
	}
	return ui.Page(doc.Body.Key, append(nodes,
		ui.Actions(ui.Button("Delete", "DELETE "+at).Asking("Delete this template?").After("/templates")))...), nil
}

// previewOf shows a template with its sample filled in.
func previewOf(t Template) ui.Node {
	d, err := t.preview(nil)
	if err != nil {
		return ui.Section("Preview", ui.Text(err.Error()))
	}
	section := ui.Section("Preview", ui.Detail([]ui.Column{
		{Key: "subject", Label: "Subject"},
		{Key: "text", Label: "Plain text", Format: ui.Long},
		{Key: "html", Label: "HTML", Format: ui.Long},
	}, d))
	if len(d.Unknown) > 0 {
		unknown := "The sample has no value for: " + strings.Join(d.Unknown, ", ") + ". They are left empty."
		section.Children = append(section.Children, ui.Text(unknown))
	}
	return section
}
