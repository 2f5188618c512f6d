package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var taskColumns = []ui.Column{
	{Key: "title", Label: "Task"},
	{Key: "dueAt", Label: "Due", Format: ui.Time},
	{Key: "status", Label: "Status", Format: ui.Badge, Options: statusOptions},
}

var taskButtons = []ui.Node{
	ui.Button("Done", "PATCH /tasks/:id").With("status", "done").Only("status", "open"),
	ui.Button("Not done", "PATCH /tasks/:id").With("status", "open").Only("status", "done"),
	ui.Button("Delete", "DELETE /tasks/:id").Asking("Delete this task?"),
}

// tasksPage lists what is to do, the most urgent first.
func tasksPage(c *sdk.Ctx) (ui.Tree, error) {
	status := "open"
	if c.Query("status") == "done" {
		status = "done"
	}
	query := tasks.Where("status", status).Sort("dueAt")
	if assignee := c.Query("assignee"); assignee != "" {
		query.Where("assigneeId", assignee)
	}
	page, next, err := query.Limit(50).Cursor(c.Query("cursor")).Docs(c)
	if err != nil {
		return ui.Tree{}, err
	}
	shown, err := withContacts(c, page)
	if err != nil {
		return ui.Tree{}, err
	}
	rows, err := ui.Rows(shown)
	if err != nil {
		return ui.Tree{}, err
	}
	columns := append([]ui.Column{}, taskColumns...)
	table := ui.Table(append(columns, ui.Column{Key: "contact", Label: "Contact", Link: "/contacts/:contactId"}), rows, next)
	return ui.Page("Tasks",
		ui.Filter(
			ui.Input{Name: "status", Label: "Status", Options: []ui.Option{{Value: "open", Label: "Open"}, {Value: "done", Label: "Done"}}},
			ui.Input{Name: "assignee", Label: "Assigned to", Options: mine(c)},
		),
		table.Each(taskButtons...).Or(ui.Empty("Nothing to do", "Add a task below, or on a contact's page.")),
		taskForm(c),
	), nil
}

// taskRow is a task with the name of its contact.
type taskRow struct {
	ID        sdk.ID `json:"id"`
	Title     string `json:"title"`
	DueAt     string `json:"dueAt,omitempty"`
	Status    string `json:"status"`
	ContactID sdk.ID `json:"contactId,omitempty"`
	Contact   string `json:"contact,omitempty"`
}

func withContacts(c *sdk.Ctx, page []sdk.Doc[Task]) ([]taskRow, error) {
	names := map[sdk.ID]string{"": ""}
	rows := make([]taskRow, len(page))
	for i, doc := range page {
		id := doc.Body.ContactID
		name, known := names[id]
		if !known {
			contact, err := contacts.Get(c, id)
			if err != nil {
				return nil, err
			}
			name = contact.Body.Name
			names[id] = name
		}
		rows[i] = taskRow{doc.ID, doc.Body.Title, doc.Body.DueAt, doc.Body.Status, id, name}
	}
	return rows, nil
}

// taskForm takes a new task, with what goes along.
func taskForm(c *sdk.Ctx, along ...ui.Input) ui.Node {
	return ui.Form("New task", "POST /tasks", "", append([]ui.Input{
		{Name: "title", Label: "What to do", Required: true, Max: 200},
		{Name: "dueAt", Label: "Due", Format: ui.Time},
		{Name: "assigneeId", Label: "Assigned to", Options: mine(c)},
	}, along...)...)
}
