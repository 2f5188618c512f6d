package main

import (
	"encoding/json"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// contactPage shows a contact: what is known at the top, and below in tabs what
// happened, what is to do, deals, and the form to change it. Only the tab that is
// open is filled. A contact that was merged says where it went.
func contactPage(c *sdk.Ctx) (ui.Tree, error) {
	contact, err := contacts.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	if into := contact.Body.MergedIntoID; into != "" {
		return ui.Page(contact.Body.Name,
			ui.Text("This contact was merged into another one."),
			ui.Link("Go to that contact", "/contacts/"+string(into)),
		), nil
	}
	at := "/contacts/" + string(contact.ID)
	summary := ui.Detail([]ui.Column{
		{Key: "email", Label: "Email", Format: ui.Email},
		{Key: "emailStatus", Label: "Mail", Format: ui.Badge, Options: mailOptions},
		{Key: "phone", Label: "Phone"},
		{Key: "lifecycle", Label: "Lifecycle", Format: ui.Badge, Options: lifecycleOptions},
		{Key: "source", Label: "Source"},
		{Key: "lastActivityAt", Label: "Last activity", Format: ui.Relative},
		{Key: "createdAt", Label: "Created", Format: ui.Time},
	}, contact)
	buttons := ui.Actions(
		ui.Button("Make me the owner", "PATCH "+at).With("ownerId", c.Actor().ID),
		ui.Button("Delete", "DELETE "+at).Asking("Delete this contact, its tags and its activities?").After("/contacts"),
	)
	tabs := []struct {
		name, title string
		fill        func(*sdk.Ctx, sdk.Doc[Contact]) ([]ui.Node, error)
		scope       string
	}{
		{"timeline", "Timeline", timelineTab, readContacts},
		{"tasks", "Tasks", tasksTab, readContacts},
		{"deals", "Deals", dealsTab, readDeals},
		{"tags", "Tags", tagsTab, readContacts},
		{"edit", "Edit", editTab, writeContacts},
	}
	active := c.Query("tab")
	var shown []ui.Node
	for i, tab := range tabs {
		allowed, err := c.Allowed(tab.scope)
		if err != nil {
			return ui.Tree{}, err
		}
		if !allowed {
			continue
		}
		node := ui.Tab(tab.name, tab.title)
		if tab.name == active || active == "" && i == 0 {
			if node.Children, err = tab.fill(c, contact); err != nil {
				return ui.Tree{}, err
			}
		}
		shown = append(shown, node)
	}
	return ui.Page(contact.Body.Name, summary, buttons, ui.Tabs(active, shown...)), nil
}

// tagsTab shows a contact's tags and takes new ones.
func tagsTab(c *sdk.Ctx, contact sdk.Doc[Contact]) ([]ui.Node, error) {
	page, err := contactTags.Where("contactId", contact.ID).Sort("tag").Limit(maxChoices).Page(c)
	if err != nil {
		return nil, err
	}
	rows, _, err := page.Rows()
	if err != nil {
		return nil, err
	}
	at := "/contacts/" + string(contact.ID) + "/tags"
	form := ui.Form("New tag", "POST "+at, "",
		ui.Input{Name: "tag", Label: "Tag", Required: true, Max: 60, Help: "Letters, digits and - _ . :"})
	form.Button = "Add"
	return []ui.Node{
		ui.Table([]ui.Column{
			{Key: "tag", Label: "Tag", Format: ui.Badge},
			{Key: "createdAt", Label: "Since", Format: ui.Time},
		}, rows, "").Each(ui.Button("Remove", "DELETE /tags/:id")).
			Or(ui.Empty("No tags", "Your other plugins act on tags: a course opens, a list gets a member.")),
		form,
	}, nil
}

func timelineTab(c *sdk.Ctx, contact sdk.Doc[Contact]) ([]ui.Node, error) {
	line, err := timelineOf(c, contact.ID, 50, c.Query("cursor"))
	if err != nil {
		return nil, err
	}
	entries, err := entriesOf(line.Data)
	if err != nil {
		return nil, err
	}
	return []ui.Node{
		noteForm(ui.Along("contactId", contact.ID)),
		ui.Timeline(entries, line.NextCursor).
			Or(ui.Empty("Nothing yet", "Notes, deals, tasks, and what your other plugins tell of this person appear here.")),
	}, nil
}

// noteForm takes down what happened with what goes along.
func noteForm(along ui.Input) ui.Node {
	form := ui.Form("Write down what happened", "POST /activities", "", along,
		ui.Input{Name: "type", Label: "What", Options: noteOptions, Value: "note"},
		ui.Input{Name: "body", Label: "Text", Format: ui.Long, Required: true, Max: 20_000},
		ui.Input{Name: "occurredAt", Label: "When", Format: ui.Time, Help: "Now without it."},
	)
	form.Button = "Add"
	return form
}

var noteOptions = []ui.Option{
	{Value: "note", Label: "Note"}, {Value: "call", Label: "Call"}, {Value: "email", Label: "Email"}, {Value: "meeting", Label: "Meeting"},
}

// entriesOf are the entries of a timeline for people.
func entriesOf(line []TimelineEntry) ([]ui.Entry, error) {
	entries := make([]ui.Entry, len(line))
	for i, one := range line {
		var doc struct {
			ID                                       sdk.ID
			Type, Body, Title, Status, SourceEventID string
		}
		if err := json.Unmarshal(one.Document, &doc); err != nil {
			return nil, err
		}
		entry := ui.Entry{Time: one.At}
		switch one.Kind {
		case "deal":
			entry.Icon, entry.Title, entry.Text, entry.Path = "money", "Deal: "+doc.Title, doc.Status, "/deals/"+string(doc.ID)
		case "task":
			entry.Icon, entry.Title, entry.Text, entry.Path = "task", "Task: "+doc.Title, doc.Status, "/tasks"
		default:
			entry = noted(doc.Type, doc.Body, doc.SourceEventID != "")
			entry.Time = one.At
		}
		entries[i] = entry
	}
	return entries, nil
}

// noted is an activity for people. What an event told is a title by itself.
func noted(activity, body string, told bool) ui.Entry {
	if told {
		return ui.Entry{Icon: iconOf(activity), Title: body, Text: activity}
	}
	entry := ui.Entry{Icon: iconOf(activity), Title: activity, Text: body}
	for _, option := range noteOptions {
		if option.Value == activity {
			entry.Title = option.Label
		}
	}
	return entry
}

// iconOf is the icon of an activity's type: of a note, or of the plugin whose
// event it was.
func iconOf(activity string) string {
	domain, _, _ := strings.Cut(activity, ".")
	switch domain {
	case "note":
		return "note"
	case "call":
		return "phone"
	case "email":
		return "mail"
	case "meeting", "user":
		return "person"
	case "order", "subscription":
		return "money"
	case "support":
		return "warning"
	case "lms":
		return "done"
	default:
		return ""
	}
}

func tasksTab(c *sdk.Ctx, contact sdk.Doc[Contact]) ([]ui.Node, error) {
	table, err := tableOf(c, tasks.Where("contactId", contact.ID).Sort("-createdAt"), taskColumns)
	if err != nil {
		return nil, err
	}
	return []ui.Node{
		table.Each(taskButtons...).Or(ui.Empty("Nothing to do", "Add a task below.")),
		taskForm(c, ui.Along("contactId", contact.ID)),
	}, nil
}

func dealsTab(c *sdk.Ctx, contact sdk.Doc[Contact]) ([]ui.Node, error) {
	page, next, err := deals.Where("contactId", contact.ID).Sort("-createdAt").Limit(50).Cursor(c.Query("cursor")).Docs(c)
	if err != nil {
		return nil, err
	}
	rows, err := ui.Rows(cardsOf(page))
	if err != nil {
		return nil, err
	}
	table := ui.Table([]ui.Column{
		{Key: "title", Label: "Deal", Link: "/deals/:id"},
		{Key: "value", Label: "Value", Format: ui.Money},
		{Key: "status", Label: "Status", Format: ui.Badge, Options: statusOptions},
		{Key: "expectedCloseAt", Label: "Expected", Format: ui.Time},
	}, rows, next)
	return []ui.Node{
		table.Or(ui.Empty("No deals", "Add the first one below.")),
		ui.Form("New deal", "POST /deals", "/deals/:id", append(dealInputs(c, DealTerms{}), ui.Along("contactId", contact.ID))...),
	}, nil
}

func editTab(c *sdk.Ctx, contact sdk.Doc[Contact]) ([]ui.Node, error) {
	inputs, err := contactInputs(c, contact.Body)
	if err != nil {
		return nil, err
	}
	at := "/contacts/" + string(contact.ID)
	merge := ui.Form("Merge another contact into this one", "POST "+at+"/merge", at,
		ui.Input{Name: "loserEmail", Label: "Email of the other one", Format: ui.Email, Required: true,
			Help: "Its deals, tasks, tags and activities become this one's, and what this one says goes. It can't be undone."})
	merge.Button = "Merge"
	return []ui.Node{ui.Form("", "PATCH "+at, at, inputs...).Fill(contact), merge}, nil
}
