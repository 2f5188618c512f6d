// Package ui is the vocabulary of the pages a plugin shows in the console:
// trees of components, as JSON, that the host renders. A plugin sends no markup
// and no script: everything in a tree is text, and its addresses are the
// plugin's own pages and routes, nothing else.
//
//	columns := []ui.Column{{Key: "name", Label: "Name", Link: "/contacts/:id"}, {Key: "email", Label: "Email", Format: ui.Email}}
//	return ui.Page("Contacts",
//		ui.Filter(ui.Input{Name: "lifecycle", Label: "Lifecycle", Options: lifecycles}),
//		ui.Table(columns, rows, next).Or(ui.Empty("No contacts yet", "Add the first one.")),
//		ui.Form("New contact", "POST /contacts", "/contacts/:id",
//			ui.Input{Name: "email", Label: "Email", Format: ui.Email, Required: true}),
//	), nil
//
// A page reads its own address with sdk.Ctx: Param("id") of "/contacts/:id",
// Query("cursor") of the next page of a table, Query("sort") of a sorted
// column, Query("tab") of the tab that is open, and Query of each input of a
// filter.
//
// A tree's root carries the version of this vocabulary. A host that doesn't
// know a component shows its fallback, a sentence, and goes on; one that is
// older than the version says so instead of the page.
//
// It imports encoding/json and time only. Start with node.go (the tree), then
// show.go (what shows something), value.go (columns and formats) and form.go
// (what does something).
package ui
