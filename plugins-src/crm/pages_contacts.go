package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// contactsPage lists the contacts, the newest first unless it is asked for
// another order. Their documents go to the console as they are; the columns pick
// what is shown.
func contactsPage(c *sdk.Ctx) (ui.Tree, error) {
	if tag, _ := normalizeTag(c.Query("tag")); tag != "" {
		return taggedPage(c, tag)
	}
	order := orderOf(c, "-createdAt", contactOrders)
	query := contacts.Where("mergedIntoId", nil).Sort(order)
	if name := c.Query("name"); name != "" {
		query.Prefix("name", name)
	}
	if lifecycle := c.Query("lifecycle"); lifecycle != "" {
		query.Where("lifecycle", lifecycle)
	}
	if owner := c.Query("owner"); owner != "" {
		query.Where("ownerId", owner)
	}
	table, err := tableOf(c, query, []ui.Column{
		{Key: "name", Label: "Name", Link: "/contacts/:id", Sort: "name"},
		{Key: "email", Label: "Email", Format: ui.Email, Sort: "email"},
		{Key: "emailStatus", Label: "Mail", Format: ui.Badge, Options: mailOptions},
		{Key: "lifecycle", Label: "Lifecycle", Format: ui.Badge, Options: lifecycleOptions, Sort: "lifecycle"},
		{Key: "lastActivityAt", Label: "Last activity", Format: ui.Relative, Sort: "lastActivityAt"},
		{Key: "createdAt", Label: "Created", Format: ui.Time, Sort: "createdAt"},
	})
	return contactList(c, table.SortedBy(order)), err
}

// contactList is a table of contacts with what is to be done about it.
func contactList(c *sdk.Ctx, table ui.Node) ui.Tree {
	return ui.Page("Contacts",
		ui.Actions(ui.Link("Add a contact", "/contacts/new"), ui.Link("Import a CSV file", "/imports")),
		ui.Filter(
			ui.Input{Name: "name", Label: "Name begins with"},
			ui.Input{Name: "lifecycle", Label: "Lifecycle", Options: lifecycleOptions},
			ui.Input{Name: "owner", Label: "Owner", Options: mine(c)},
			ui.Input{Name: "tag", Label: "Tag, whatever else is asked"},
		),
		table.Or(ui.Empty("No contacts here", "Import a CSV file, add one, or ask for others above.")),
	)
}

// taggedPage lists the contacts that have a tag, in the order they got it.
func taggedPage(c *sdk.Ctx, tag string) (ui.Tree, error) {
	tags, next, err := contactTags.Where("tag", tag).Limit(50).Cursor(c.Query("cursor")).Docs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	list := make([]sdk.Doc[Contact], len(tags))
	for i, one := range tags {
		if list[i], err = contacts.Get(c, one.Body.ContactID); err != nil {
			return ui.Tree{}, err
		}
	}
	rows, err := ui.Rows(list)
	return contactList(c, ui.Table([]ui.Column{
		{Key: "name", Label: "Name", Link: "/contacts/:id"},
		{Key: "email", Label: "Email", Format: ui.Email},
		{Key: "lifecycle", Label: "Lifecycle", Format: ui.Badge, Options: lifecycleOptions},
	}, rows, next)), err
}

var mailOptions = []ui.Option{
	{Value: "bounced", Label: "Mail comes back", Tone: ui.Danger},
	{Value: "complained", Label: "Called it spam", Tone: ui.Danger},
}

// newContactPage is the form of a new contact.
func newContactPage(c *sdk.Ctx) (ui.Tree, error) {
	inputs, err := contactInputs(c, Contact{})
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("New contact", ui.Form("", "POST /contacts", "/contacts/:id", inputs...)), nil
}

// contactInputs ask for what is known of a contact, which is this now.
func contactInputs(c *sdk.Ctx, now Contact) ([]ui.Input, error) {
	allowed, err := c.Allowed(readCompanies)
	if err != nil {
		return nil, err
	}
	inputs := []ui.Input{
		{Name: "name", Label: "Name", Required: true, Max: 200},
		{Name: "email", Label: "Email", Format: ui.Email, Max: 254},
		{Name: "phone", Label: "Phone", Max: 40},
		{Name: "lifecycle", Label: "Lifecycle", Options: lifecycleOptions},
		{Name: "source", Label: "Source", Max: 80, Help: "Where they came from; manual without one."},
	}
	if !allowed {
		return inputs, nil
	}
	ofCompanies, err := choices(c, companies.All().Sort("name"), func(one Company) string { return one.Name })
	if err != nil {
		return nil, err
	}
	company, err := companyOf(c, now.CompanyID, map[sdk.ID]Company{})
	if err != nil {
		return nil, err
	}
	ofCompanies = including(ofCompanies, string(now.CompanyID), company.Name)
	return append(inputs, ui.Input{Name: "companyId", Label: "Company", Options: ofCompanies}), nil
}
