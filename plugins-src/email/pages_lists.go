package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var (
	optins = []ui.Option{
		{Value: "double", Label: "Double: they confirm in a mail", Tone: ui.Good},
		{Value: "single", Label: "Single: at once", Tone: ui.Warning},
	}
	membershipStates = []ui.Option{
		{Value: confirmed, Label: "Subscribed", Tone: ui.Good},
		{Value: unconfirmed, Label: "Asked", Tone: ui.Info},
		{Value: unsubscribed, Label: "Unsubscribed", Tone: ui.Warning},
	}
)

// listsPage lists the lists.
func listsPage(c *sdk.Ctx) (ui.Tree, error) {
	table, err := tableOf(c, lists.All(), []ui.Column{
		{Key: "name", Label: "Name", Link: "/lists/:id"},
		{Key: "slug", Label: "Address of its form"},
		{Key: "optin", Label: "Opt-in", Format: ui.Badge, Options: optins},
		{Key: "tag", Label: "CRM tag"},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page("Lists",
		table.Or(ui.Empty("No lists", "Add the first one below.")),
		ui.Form("New list", "POST /lists", "/lists/:id", listInputs()...),
	), nil
}

func listInputs() []ui.Input {
	return []ui.Input{
		{Name: "name", Label: "Name", Required: true, Max: 100, Help: "Its subscribers see it."},
		{Name: "slug", Label: "Address of its form", Required: true, Max: 60,
			Help: "Lower-case letters, digits and dashes, such as newsletter."},
		{Name: "optin", Label: "Opt-in", Options: optins, Required: true},
		{Name: "tag", Label: "CRM tag", Max: 80, Help: "Contacts that get this tag are put on the list."},
	}
}

// subscription is a membership as the page shows it.
type subscription struct {
	ID          sdk.ID `json:"id"`
	Email       string `json:"email"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	ConfirmedAt string `json:"confirmedAt"`
}

// listPage shows a list, and who is on it.
func listPage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := lists.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	query := memberships.Where("listId", doc.ID)
	status := c.Query("status")
	if status != "" {
		query = query.Where("status", status)
	}
	found, next, err := query.Limit(50).Cursor(c.Query("cursor")).Docs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	on := make([]subscription, len(found))
	for i, m := range found {
		subscriber, err := subscribers.Get(c, m.Body.SubscriberID)
		if err != nil {
			return ui.Tree{}, err
		}
		on[i] = subscription{m.ID, subscriber.Body.Email, subscriber.Body.Name, m.Body.Status, m.Body.ConfirmedAt}
		if subscriber.Body.Status == unsubscribed {
			on[i].Status = unsubscribed
		}
	}
	rows, err := ui.Rows(on)
	if err != nil {
		return ui.Tree{}, err
	}
	confirmedOnes, _, err := memberships.Where("listId", doc.ID).Where("status", confirmed).Count(c)
	if err != nil {
		return ui.Tree{}, err
	}
	at := "/lists/" + string(doc.ID)
	return ui.Page(doc.Body.Name,
		ui.Stats(figure("Subscribed", confirmedOnes)),
		ui.Text("Its public form is at "+c.URL("/subscribe/"+doc.Body.Slug)),
		ui.Filter(ui.Input{Name: "status", Label: "Status", Options: membershipStates}),
		ui.Table([]ui.Column{
			{Key: "email", Label: "Address", Format: ui.Email},
			{Key: "name", Label: "Name"},
			{Key: "status", Label: "Status", Format: ui.Badge, Options: membershipStates},
			{Key: "confirmedAt", Label: "Since", Format: ui.Time},
		}, rows, next).Or(ui.Empty("Nobody is on it", "Share the address of its form, or put somebody on it below.")).
			Each(ui.Button("Take off", "DELETE /memberships/:id").Asking("Take this address off the list?")),
		ui.Form("Put somebody on it", "POST /memberships", "",
			ui.Along("listId", doc.ID),
			ui.Input{Name: "email", Label: "Address", Format: ui.Email, Required: true},
			ui.Input{Name: "name", Label: "Name", Max: 200},
			ui.Input{Name: "confirmed", Label: "They have agreed already", Format: ui.Bool,
				Help: "Otherwise a list with double opt-in asks them."},
		),
		ui.Form("Edit", "PATCH "+at, "", listInputs()...).Fill(doc),
		ui.Actions(ui.Button("Delete", "DELETE "+at).Asking("Delete this list and who is on it?").After("/lists")),
	), nil
}
