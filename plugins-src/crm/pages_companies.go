package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var companyInputs = []ui.Input{
	{Name: "name", Label: "Name", Required: true, Max: 200},
	{Name: "domain", Label: "Domain", Max: 253, Help: "Of its web site and addresses: example.com"},
}

// companiesPage lists the companies by name.
func companiesPage(c *sdk.Ctx) (ui.Tree, error) {
	order := orderOf(c, "name", []string{"name", "domain"})
	query := companies.All().Sort(order)
	if name := c.Query("name"); name != "" {
		order = "name"
		query = companies.All().Prefix("name", name).Sort(order)
	}
	table, err := tableOf(c, query, []ui.Column{
		{Key: "name", Label: "Name", Link: "/companies/:id", Sort: "name"},
		{Key: "domain", Label: "Domain", Sort: "domain"},
		{Key: "createdAt", Label: "Created", Format: ui.Time},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("Companies",
		ui.Filter(ui.Input{Name: "name", Label: "Name begins with"}),
		table.SortedBy(order).Or(ui.Empty("No companies here", "An import adds those of its contacts; or add one below.")),
		ui.Form("New company", "POST /companies", "/companies/:id", companyInputs...),
	), nil
}

// companyPage shows a company and, to those who may see them, its contacts.
func companyPage(c *sdk.Ctx) (ui.Tree, error) {
	company, err := companies.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	at := "/companies/" + string(company.ID)
	tree := ui.Page(company.Body.Name)
	allowed, err := c.Allowed(readContacts)
	if err != nil {
		return tree, err
	}
	if allowed {
		table, err := tableOf(c, contacts.Where("companyId", company.ID).Where("mergedIntoId", nil), []ui.Column{
			{Key: "name", Label: "Name", Link: "/contacts/:id"},
			{Key: "email", Label: "Email", Format: ui.Email},
			{Key: "lifecycle", Label: "Lifecycle", Format: ui.Badge, Options: lifecycleOptions},
		})
		if err != nil {
			return tree, err
		}
		nobody := ui.Empty("No contacts", "A contact's form says where they work.")
		tree.Children = append(tree.Children, ui.Section("Contacts", table.Or(nobody)))
	}
	tree.Children = append(tree.Children,
		ui.Form("Edit", "PATCH "+at, "", companyInputs...).Fill(company),
		ui.Actions(ui.Button("Delete", "DELETE "+at).Asking("Delete this company? Its contacts stay.").After("/companies")),
	)
	return tree, nil
}
