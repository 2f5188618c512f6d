package main

import (
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// What the pages of the CRM have in common. Each noun's pages are in a file of
// their own.

var lifecycleOptions = []ui.Option{
	{Value: "lead", Label: "Lead"},
	{Value: "prospect", Label: "Prospect", Tone: ui.Info},
	{Value: "customer", Label: "Customer", Tone: ui.Good},
	{Value: "churned", Label: "Churned", Tone: ui.Warning},
}

var statusOptions = []ui.Option{
	{Value: "open", Label: "Open", Tone: ui.Info},
	{Value: "won", Label: "Won", Tone: ui.Good},
	{Value: "lost", Label: "Lost", Tone: ui.Danger},
	{Value: "done", Label: "Done", Tone: ui.Good},
}

// currencyOptions are what a form offers. The API takes every other, too.
var currencyOptions = ui.Options(
	"EUR", "USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD", "NZD", "INR", "BRL", "ZAR")

// tableOf shows a page of a query.
func tableOf[T any](c *sdk.Ctx, query *sdk.QueryOf[T], columns []ui.Column) (ui.Node, error) {
	page, err := query.Limit(50).Cursor(c.Query("cursor")).Page(c)
	if err != nil {
		return ui.Node{}, err
	}
	rows, next, err := page.Rows()
	return ui.Table(columns, rows, next), err
}

// orderOf is the order a page is asked for, if it is one of those it has.
func orderOf(c *sdk.Ctx, preset string, known []string) string {
	asked := c.Query("sort")
	for _, one := range known {
		if strings.TrimPrefix(asked, "-") == one {
			return asked
		}
	}
	return preset
}

// maxChoices bounds what a form offers to choose from.
const maxChoices = 200

// choices are the documents of a query to choose from, by their name.
func choices[T any](c *sdk.Ctx, query *sdk.QueryOf[T], name func(T) string) ([]ui.Option, error) {
	docs, _, err := query.Limit(maxChoices).Docs(c)
	options := make([]ui.Option, len(docs))
	for i, doc := range docs {
		options[i] = ui.Option{Value: string(doc.ID), Label: name(doc.Body)}
	}
	return options, err
}

// mine is the one to choose as an owner: who looks at the page. Who else works
// in the workspace is not the plugin's to know.
func mine(c *sdk.Ctx) []ui.Option { return []ui.Option{{Value: c.Actor().ID, Label: "Me"}} }

// including adds what is chosen now to options that may not have it: a form
// would clear it.
func including(options []ui.Option, chosen, label string) []ui.Option {
	if chosen == "" || slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == chosen }) {
		return options
	}
	return append(slices.Clone(options), ui.Option{Value: chosen, Label: label})
}
