package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// gallery has every component there is, with what a plugin would put into it:
// for eyes, and for the programs that check what eyes may miss.
func gallery(c *sdk.Ctx) (ui.Tree, error) {
	money := func(amount int64) sdk.Money { return sdk.Money{Amount: amount, Currency: "EUR"} }
	people, err := ui.Rows([]map[string]any{
		{"id": "doc_1", "name": "Ada Lovelace", "email": "ada@example.com", "stage": "won", "value": money(1_250_000),
			"seen": c.Now().Add(-26 * time.Hour), "vip": true, "tags": []string{"vip", "press"}},
		{"id": "doc_2", "name": "Grace Hopper, of a company with a long name", "email": "grace.hopper@navy.example.com",
			"stage": "lead", "value": money(99_900), "seen": c.Now().Add(-5 * time.Minute), "birthday": "1906-12-09"},
		{"id": "doc_3", "name": "Alan Turing", "stage": "lost", "value": money(-2_500), "notes": "He answers in the morning.\nSends postcards."},
	})
	if err != nil {
		return ui.Tree{}, err
	}
	stages := []ui.Option{
		{Value: "lead", Label: "Lead", Tone: ui.Info}, {Value: "talking", Label: "In talks", Tone: ui.Warning},
		{Value: "won", Label: "Won", Tone: ui.Good}, {Value: "lost", Label: "Lost", Tone: ui.Danger},
	}
	columns := []ui.Column{
		{Key: "name", Label: "Name", Link: "/notes/:id", Sort: "name"},
		{Key: "email", Label: "Email", Format: ui.Email},
		{Key: "stage", Label: "Stage", Format: ui.Badge, Options: stages},
		{Key: "value", Label: "Value", Format: ui.Money, Sort: "value"},
		{Key: "seen", Label: "Seen", Format: ui.Relative},
	}
	more := append(columns[:len(columns):len(columns)],
		ui.Column{Key: "birthday", Label: "Birthday", Format: ui.Date}, ui.Column{Key: "vip", Label: "Guest list", Format: ui.Bool},
		ui.Column{Key: "tags", Label: "Tags", Format: ui.List}, ui.Column{Key: "notes", Label: "Notes", Format: ui.Long})
	inputs := []ui.Input{
		{Name: "name", Label: "Name", Required: true, Max: 200, Help: "As they write it themselves."},
		{Name: "email", Label: "Email", Format: ui.Email},
		{Name: "stage", Label: "Stage", Options: stages, Required: true, Value: "lead"},
		{Name: "value", Label: "Value", Format: ui.Money, Options: ui.Options("EUR", "USD", "JPY")},
		{Name: "share", Label: "Share", Format: ui.Number, Help: "Percent."},
		{Name: "birthday", Label: "Birthday", Format: ui.Date},
		{Name: "seen", Label: "Seen", Format: ui.Time},
		{Name: "vip", Label: "On the guest list", Format: ui.Bool, Help: "They are told of everything."},
		{Name: "tags", Label: "Tags", Format: ui.List, Options: ui.Options("vip", "press", "friend")},
		{Name: "urls", Label: "Addresses", Format: ui.List, Help: "One a line."},
		{Name: "notes", Label: "Notes", Format: ui.Long},
		ui.Along("source", "gallery"),
	}
	upload := ui.Upload("Import", "A CSV file in UTF-8.", "/notes", "/gallery")
	upload.Accept, upload.Check = "text/csv", ui.Check{Name: "dryRun", Label: "Only check the file, and change nothing"}
	months := []string{"January", "February", "March", "April", "May", "June"}
	board := ui.Board(columns[:4], "POST /notes/:id/move",
		ui.Lane("lead", "Lead", people[1:2]), ui.Lane("talking", "In talks", nil), ui.Lane("won", "Won", people[:1]), ui.Lane("lost", "Lost", people[2:]))
	board.Children[0].Text = "999.00 EUR"
	return ui.Page("Gallery",
		ui.Actions(
			ui.Link("All notes", "/notes").With("title", "First"),
			ui.Button("Do it", "POST /notes").With("title", "From the gallery"),
			ui.Button("Delete", "DELETE /notes/doc_1").Asking("Delete this person and all that is known of them?"),
		),
		ui.Stats(ui.Stat("People", "3"), ui.Figure("Pipeline", money(1_347_400), ui.Money), ui.Figure("Seen", c.Now().Add(-time.Hour), ui.Relative)),
		ui.Filter(
			ui.Input{Name: "q", Label: "Name"}, ui.Input{Name: "stage", Label: "Stage", Options: stages},
			ui.Input{Name: "since", Label: "Seen since", Format: ui.Date}, ui.Input{Name: "vip", Label: "Guest list", Format: ui.Bool},
		),
		ui.Table(columns, people, "more").SortedBy("-value").Each(
			ui.Button("Win", "POST /notes/:id/increment").Only("stage", "lead"),
			ui.Button("Delete", "DELETE /notes/:id").Asking("Delete this person?"),
		),
		ui.Section("One of them", ui.Detail(more, people[2]), ui.Mark("Asleep", ui.Warning)),
		ui.Form("Edit", "PATCH /notes/doc_1", "", inputs...).Fill(people[0]),
		ui.Tabs(c.Query("tab"),
			ui.Tab("story", "Story", ui.Timeline([]ui.Entry{
				{Time: c.Now(), Icon: "mail", Title: "Wrote a mail", Text: "Dear Ada,\nthank you.", Path: "/notes"},
				{Time: c.Now().Add(-time.Hour), Icon: "phone", Title: "Called"}, {Icon: "note", Title: "A note"}, {Icon: "task", Title: "Sent the offer"},
				{Icon: "person", Title: "Met"}, {Icon: "money", Title: "Paid 12.50 EUR"}, {Icon: "tag", Title: "Tagged vip"},
				{Icon: "file", Title: "Sent a file"},
				{Icon: "warning", Title: "Complained"}, {Icon: "?", Title: "Did something else"},
			}, "")),
			ui.Tab("nothing", "Nothing", ui.Timeline(nil, "").Or(ui.Empty("Nothing happened", "It will."))),
		),
		board,
		ui.Bars("Sales", months, ui.Series{Name: "2025", Values: []float64{120_000, 90_000, 150_000, 0, 80_000, 210_000}},
			ui.Series{Name: "2026", Values: []float64{200_000, 140_000, 160_000, -30_000, 250_000, 330_000}}).In("EUR"),
		ui.Lines("Visits", months, ui.Series{Name: "Visits", Values: []float64{12, 19, 3, 5, 2, 30}},
			ui.Series{Name: "Readers", Values: []float64{2, 9, 1, 4, 2, 11}}),
		ui.Funnel("Stages", []string{"Lead", "In talks", "Won"}, ui.Series{Name: "Deals", Values: []float64{420, 130, 36}}),
		ui.Bars("Nothing yet", nil),
		upload,
		ui.Section("Texts", ui.Text("A paragraph\nof two lines."),
			ui.Markdown("# A heading\n\nSome *formatted* **text** with `code`, a [link](https://example.com) and\n\n"+
				"- a list\n- of two\n\n| a | table |\n|---|---|\n| 1 | 2 |\n"),
			ui.Empty("Nothing here", "Add something.")),
		ui.Node{Type: "hologram", Fallback: "A hologram this version of the console cannot show."},
	), nil
}
