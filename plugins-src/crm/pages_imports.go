package main

import (
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// importsPage takes a file in, and shows how far the last one is and what was
// wrong with it. It keeps itself up to date while an import runs.
func importsPage(c *sdk.Ctx) (ui.Tree, error) {
	page, err := imports.All().Sort("-createdAt").Limit(20).Cursor(c.Query("cursor")).Page(c)
	if err != nil {
		return ui.Tree{}, err
	}
	rows, next, err := page.Rows()
	if err != nil {
		return ui.Tree{}, err
	}
	upload := ui.Upload("Import contacts",
		"A CSV file in UTF-8. Its first line names the columns: email, name, phone, company, domain, lifecycle, source.",
		"/contacts/import", "/imports")
	upload.Accept, upload.Check = ".csv,text/csv", ui.Check{Name: "dryRun", Label: "Only check the file, and change nothing"}
	nodes := []ui.Node{upload}
	running := false
	last, found, err := imports.All().Sort("-createdAt").First(c)
	if err != nil {
		return ui.Tree{}, err
	}
	if found {
		running = last.Body.Status != "done"
		report, err := importReport(c, last)
		if err != nil {
			return ui.Tree{}, err
		}
		nodes = append(nodes, report)
	}
	columns := []ui.Column{
		{Key: "createdAt", Label: "Started", Format: ui.Time},
		{Key: "fileName", Label: "File"},
		{Key: "status", Label: "Status", Format: ui.Badge},
		{Key: "dryRun", Label: "Only checked"},
		{Key: "total", Label: "Rows"},
		{Key: "created", Label: "Created"},
		{Key: "updated", Label: "Updated"},
		{Key: "unchanged", Label: "Unchanged"},
		{Key: "failed", Label: "Refused"},
	}
	nodes = append(nodes, ui.Section("Imports", ui.Table(columns, rows, next).Or(ui.Empty("No imports yet", "Choose a file above."))))
	tree := ui.Page("Imports", nodes...)
	if running {
		tree = tree.Every(2)
	}
	return tree, nil
}

// importReport shows one import, with the first of its refused rows.
func importReport(c *sdk.Ctx, doc sdk.Doc[Import]) (ui.Node, error) {
	report := doc.Body
	title := "Last import"
	if report.DryRun {
		title = "Last check"
	}
	section := ui.Section(title, ui.Stats(
		ui.Stat("Rows", fmt.Sprintf("%d of %d", report.Processed, report.Total)),
		ui.Stat("Created", fmt.Sprint(report.Created)),
		ui.Stat("Updated", fmt.Sprint(report.Updated)),
		ui.Stat("Unchanged", fmt.Sprint(report.Unchanged)),
		ui.Stat("Refused", fmt.Sprint(report.Failed)),
	))
	if len(report.Ignored) > 0 {
		section.Children = append(section.Children, ui.Text("Columns that were not understood: "+strings.Join(report.Ignored, ", ")+"."))
	}
	if report.DryRun && report.Status == "done" {
		section.Children = append(section.Children, ui.Text("Nothing was changed. To import the file, send it again without the tick."))
	}
	if report.Failed == 0 {
		return section, nil
	}
	page, err := importErrors.Where("importId", doc.ID).Sort("line").Page(c)
	if err != nil {
		return section, err
	}
	rows, next, err := page.Rows()
	if err != nil {
		return section, err
	}
	columns := []ui.Column{{Key: "line", Label: "Line"}, {Key: "reason", Label: "Refused because"}, {Key: "raw", Label: "Row"}}
	section.Children = append(section.Children, ui.Table(columns, rows, ""))
	if next != "" {
		section.Children = append(section.Children,
			ui.Text(fmt.Sprintf("These are the first %d; GET /imports/%s/errors answers all of them.", len(rows), doc.ID)))
	}
	return section, nil
}
