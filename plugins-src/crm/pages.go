package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// contactsPage lists the contacts, the newest first. Their documents go to the
// console as they are; the columns pick what is shown.
func contactsPage(c *sdk.Ctx) (ui.Tree, error) {
	page, err := contacts.All().Sort("-createdAt").Limit(50).Cursor(c.Query("cursor")).Page(c)
	if err != nil {
		return ui.Tree{}, err
	}
	rows, next, err := page.Rows()
	if err != nil {
		return ui.Tree{}, err
	}
	columns := []ui.Column{
		{Key: "name", Label: "Name"},
		{Key: "email", Label: "Email", Format: ui.Email},
		{Key: "lifecycle", Label: "Lifecycle", Format: ui.Badge},
		{Key: "createdAt", Label: "Created", Format: ui.Time},
	}
	return ui.Page("Contacts", ui.Table(columns, rows, next).
		Or(ui.Empty("No contacts yet", "Import a CSV file, or add the first one."))), nil
}
