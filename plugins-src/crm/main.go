package main

import (
	"embed"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

//go:embed docs/*.md
var docs embed.FS

// The scopes the plugin defines for people.
const (
	readContacts   = "crm.contacts.read"
	writeContacts  = "crm.contacts.write"
	readCompanies  = "crm.companies.read"
	writeCompanies = "crm.companies.write"
	manage         = "crm.settings"
)

func init() {
	sdk.Plugin("crm", "1.0.0", docs).
		Publisher("carrel").
		Title("CRM").
		Summary("Contacts and companies, imported from the spreadsheets you have.").
		License("Apache-2.0").
		Uses(abi.CapabilityData, "To keep your contacts, companies and pipelines.").
		Uses(abi.CapabilityEvents, "To tell your other plugins about new contacts.").
		Uses(abi.CapabilityBilling, "To count contacts towards your plan.").
		Uses(abi.CapabilityJobs, "To import files in the background.").
		Permission(readContacts, "See contacts and their imports", "member").
		Permission(writeContacts, "Add, change, import and delete contacts", "member").
		Permission(readCompanies, "See companies", "member").
		Permission(writeCompanies, "Add, change and delete companies", "member").
		Permission(manage, "Change pipelines and the plugin's settings").
		Meter(contactMeter, "Contacts in the workspace").
		Tables(contacts, companies, pipelines, imports, importChunks, importErrors, importPreviews).
		Emits(contactCreated).
		Query("GET /contacts", contacts.List, sdk.Scope(readContacts), sdk.Summary("List contacts")).
		Mutation("POST /contacts", createContact, sdk.Scope(writeContacts), sdk.Summary("Add a contact")).
		Query("GET /contacts/:id", contacts.Show, sdk.Scope(readContacts), sdk.Summary("Read a contact")).
		Mutation("PATCH /contacts/:id", changeContact, sdk.Scope(writeContacts), sdk.Summary("Change a contact")).
		Mutation("DELETE /contacts/:id", deleteContact, sdk.Scope(writeContacts), sdk.Summary("Delete a contact")).
		Mutation("POST /contacts/import", startImport, sdk.Raw, sdk.Scope(writeContacts), sdk.Summary("Import contacts from a CSV file, the request's body")).
		Query("GET /imports", imports.List, sdk.Scope(readContacts), sdk.Summary("List imports")).
		Query("GET /imports/:id", imports.Show, sdk.Scope(readContacts), sdk.Summary("Read an import's progress and report")).
		Query("GET /imports/:id/errors", listErrors, sdk.Scope(readContacts), sdk.Summary("List the rows an import refused")).
		Job(importJob, runBatch, sdk.Summary("Import the next rows of a file")).
		Job(tidyJob, tidy, sdk.Summary("Delete the notes of a dry run")).
		Query("GET /companies", companies.List, sdk.Scope(readCompanies), sdk.Summary("List companies")).
		Mutation("POST /companies", createCompany, sdk.Scope(writeCompanies), sdk.Summary("Add a company")).
		Query("GET /companies/:id", companies.Show, sdk.Scope(readCompanies), sdk.Summary("Read a company")).
		Mutation("PATCH /companies/:id", changeCompany, sdk.Scope(writeCompanies), sdk.Summary("Change a company")).
		Mutation("DELETE /companies/:id", companies.Remove, sdk.Scope(writeCompanies), sdk.Summary("Delete a company; its contacts stay")).
		Query("GET /pipelines", pipelines.List, sdk.Scope(readContacts), sdk.Summary("List pipelines")).
		Query("GET /pipelines/:id", pipelines.Show, sdk.Scope(readContacts), sdk.Summary("Read a pipeline")).
		Mutation("POST /pipelines", createPipeline, sdk.Scope(manage), sdk.Summary("Add a pipeline")).
		Mutation("PATCH /pipelines/:id", changePipeline, sdk.Scope(manage), sdk.Summary("Change a pipeline")).
		Install(install).
		Page("/contacts", "Contacts", contactsPage, sdk.Scope(readContacts), sdk.Icon("users")).
		Page("/imports", "Imports", importsPage, sdk.Scope(readContacts), sdk.Icon("upload"))
}

func main() {}
