package main

import (
	"encoding/json"
	"fmt"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

var columns = []ui.Column{
	{Key: "title", Label: "Title", Link: "/notes/:id", Sort: "title"},
	{Key: "label", Label: "Label"},
	{Key: "count", Label: "Count", Format: ui.Number},
	{Key: "updatedAt", Label: "Changed", Format: ui.Relative},
}

var fields = []ui.Input{
	{Name: "title", Label: "Title", Required: true, Max: 200, Help: "What it is about."},
	{Name: "label", Label: "Label"},
	{Name: "count", Label: "Count", Format: ui.Number},
}

// page lists notes: those of a title or all, in the order of the address.
func page(c *sdk.Ctx) (ui.Tree, error) {
	query, order := notes.All(), "-createdAt"
	if title := c.Query("title"); title != "" {
		query = notes.Where("title", title)
	}
	if sort := c.Query("sort"); sort == "title" || sort == "-title" {
		order = sort
	}
	found, err := query.Sort(order).Limit(20).Cursor(c.Query("cursor")).Page(c)
	if err != nil {
		return ui.Tree{}, err
	}
	rows, next, err := found.Rows()
	return ui.Page("Notes",
		ui.Filter(ui.Input{Name: "title", Label: "Title"}),
		ui.Table(columns, rows, next).SortedBy("-createdAt").Or(ui.Empty("No notes", "Add one below.")).Each(
			ui.Button("Increment", "POST /notes/:id/increment"),
			ui.Button("Delete", "DELETE /notes/:id").Asking("Delete this note?").Only("count", "0", "1"),
		),
		ui.Form("New note", "POST /notes", "/notes/:id", fields...),
	), err
}

// notePage is one note.
func notePage(c *sdk.Ctx) (ui.Tree, error) {
	doc, err := notes.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return ui.Tree{}, err
	}
	return ui.Page(doc.Body.Title,
		ui.Actions(ui.Link("All notes", "/notes"), ui.Button("Delete", "DELETE /notes/"+string(doc.ID)).Asking("Delete this note?").After("/notes")),
		ui.Tabs(c.Query("tab"),
			ui.Tab("facts", "Facts", ui.Detail(columns, doc)),
			ui.Tab("edit", "Edit", ui.Form("Edit", "PATCH /notes/"+string(doc.ID), "", fields...).Fill(doc)),
		),
	), nil
}

// lanes are where a note can be on the board, by its count.
var lanes = []string{"new", "old"}

// boardPage shows the notes that were never incremented, and the others.
func boardPage(c *sdk.Ctx) (ui.Tree, error) {
	var cards [2][]json.RawMessage
	for i := range lanes {
		query := notes.Where("count", 0)
		if i == 1 {
			query = notes.All().Gt("count", 0)
		}
		found, err := query.Sort("count").Limit(20).Page(c)
		if err != nil {
			return ui.Tree{}, err
		}
		if cards[i], _, err = found.Rows(); err != nil {
			return ui.Tree{}, err
		}
	}
	return ui.Page("Board", ui.Board(columns[:2], "POST /notes/:id/move", ui.Lane(lanes[0], "New", cards[0]), ui.Lane(lanes[1], "Old", cards[1]))), nil
}

// move takes a note to a lane, and writes down what it was told.
func move(c *sdk.Ctx, in struct {
	To       string `json:"to"`
	Position int    `json:"position"`
}) (sdk.RawDoc[note], error) {
	count := 0
	if in.To == lanes[1] {
		count = 1
	}
	return notes.Patch(c, sdk.ID(c.Param("id")), map[string]any{"label": fmt.Sprintf("%s at %d", in.To, in.Position), "count": count})
}
