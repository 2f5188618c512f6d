// Command crm is the marketplace's CRM plugin: contacts and what happens with
// them, companies, sales pipelines and their deals, tasks, and the import of
// contacts from CSV files.
//
// It imports the sdk only. Start with main.go, the whole declaration; each
// noun has a file. place.go keeps the deals of a stage in order, timeline.go
// makes one list of three, merge.go one contact of two, hear.go notes what other
// plugins tell; export.go and report.go are what their names say. The import, in
// parts: csv.go reads records, columns.go understands the header, row.go a row,
// imports.go takes a file in, batch.go works it off, upsert.go decides what a row
// does.
package main
