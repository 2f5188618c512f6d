// Package ui builds the pages a plugin shows in the console: trees of
// components, as JSON, that the host renders. A plugin sends no markup and no
// script.
//
//	return ui.Page("Contacts", ui.Table([]ui.Column{{Key: "name", Label: "Name"}}, rows, next)), nil
//
// A tree's root carries the version of this vocabulary. A host that doesn't
// know a component shows its fallback, a sentence, and goes on.
//
// It imports encoding/json only. Start with node.go.
package ui
