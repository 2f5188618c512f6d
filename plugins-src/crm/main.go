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
	readDeals      = "crm.deals.read"
	writeDeals     = "crm.deals.write"
	manage         = "crm.settings"
)

func init() {
	sdk.Plugin("crm", "1.1.0", docs).
		Publisher("carrel").
		Title("CRM").
		Summary("Contacts, companies and deals, with all that happens to them on one timeline.").
		License("Apache-2.0").
		Uses(abi.CapabilityData, "To keep your contacts, companies, pipelines and deals.").
		Uses(abi.CapabilityEvents, "To tell your other plugins about contacts and deals, and to note on a contact what they tell.").
		Uses(abi.CapabilityBilling, "To count contacts towards your plan.").
		Uses(abi.CapabilityJobs, "To import files, and to merge and delete large contacts, in the background.").
		Permission(readContacts, "See contacts and their imports", "member").
		Permission(writeContacts, "Add, change, import and delete contacts", "member").
		Permission(readCompanies, "See companies", "member").
		Permission(writeCompanies, "Add, change and delete companies", "member").
		Permission(readDeals, "See deals and what they are worth", "member").
		Permission(writeDeals, "Add, change, move, win, lose and delete deals", "member").
		Permission(manage, "Change pipelines and the plugin's settings").
		Meter(contactMeter, "Contacts in the workspace").
		Tables(contacts, contactTags, companies, pipelines, deals, activities, tasks, imports, importChunks, importErrors, importPreviews).
		Emits(contactCreated, contactMerged, contactTagged, contactUntagged, dealMoved, dealWon).
		Query("GET /contacts", listContacts, sdk.Scope(readContacts), sdk.Summary("List contacts")).
		Mutation("POST /contacts", createContact, sdk.Scope(writeContacts), sdk.Summary("Add a contact")).
		Query("GET /contacts/export", exportContacts, sdk.Raw, sdk.Scope(readContacts), sdk.Summary("Export contacts as a CSV file, in parts")).
		Query("GET /contacts/:id", contacts.Show, sdk.Scope(readContacts), sdk.Summary("Read a contact")).
		Mutation("PATCH /contacts/:id", changeContact, sdk.Scope(writeContacts), sdk.Summary("Change a contact")).
		Mutation("DELETE /contacts/:id", deleteContact, sdk.Scope(writeContacts), sdk.Summary("Delete a contact, its tags and activities; much of it in the background")).
		Query("GET /contacts/:id/timeline", showTimeline, sdk.Scope(readContacts), sdk.Summary("Read what happened with a contact, the latest first")).
		Mutation("POST /contacts/:id/merge", mergeContacts, sdk.Scope(writeContacts), sdk.Summary("Merge another contact into this one")).
		Query("GET /contacts/:id/tags", listTags, sdk.Scope(readContacts), sdk.Summary("List a contact's tags")).
		Mutation("POST /contacts/:id/tags", tagContact, sdk.Scope(writeContacts), sdk.Summary("Give a contact a tag")).
		Mutation("DELETE /contacts/:id/tags/:tag", untagContact, sdk.Scope(writeContacts), sdk.Summary("Take a tag off a contact")).
		Query("GET /tags", contactTags.List, sdk.Scope(readContacts), sdk.Summary("List tags with who has them; filter by tag for the contacts that have one")).
		Mutation("DELETE /tags/:id", removeTag, sdk.Scope(writeContacts), sdk.Summary("Take a tag off a contact, by the tag's id")).
		Job(forgetJob, forget, sdk.Summary("Delete the activities of a large contact, and then the contact")).
		Job(mergeJob, continueMerge, sdk.Summary("Move what refers to a merged contact")).
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
		Mutation("DELETE /pipelines/:id", deletePipeline, sdk.Scope(manage), sdk.Summary("Delete a pipeline without deals")).
		Query("GET /deals", deals.List, sdk.Scope(readDeals), sdk.Summary("List deals")).
		Mutation("POST /deals", createDeal, sdk.Scope(writeDeals), sdk.Summary("Add a deal, at the end of an open stage")).
		Query("GET /deals/:id", deals.Show, sdk.Scope(readDeals), sdk.Summary("Read a deal")).
		Mutation("PATCH /deals/:id", changeDeal, sdk.Scope(writeDeals), sdk.Summary("Change a deal; its stage changes by move, win and lose")).
		Mutation("DELETE /deals/:id", deals.Remove, sdk.Scope(writeDeals), sdk.Summary("Delete a deal")).
		Mutation("POST /deals/:id/move", moveDeal, sdk.Scope(writeDeals), sdk.Summary("Put a deal into a stage, at a place among the others")).
		Mutation("POST /deals/:id/win", winDeal, sdk.Scope(writeDeals), sdk.Summary("Win a deal")).
		Mutation("POST /deals/:id/lose", loseDeal, sdk.Scope(writeDeals), sdk.Summary("Lose a deal")).
		Query("GET /reports/pipeline", reportPipeline, sdk.Scope(readDeals), sdk.Summary("Add up the deals of a pipeline by stage")).
		Query("GET /activities", activities.List, sdk.Scope(readContacts), sdk.Summary("List activities")).
		Mutation("POST /activities", createActivity, sdk.Scope(writeContacts), sdk.Summary("Write down what happened with a contact or a deal")).
		Query("GET /activities/:id", activities.Show, sdk.Scope(readContacts), sdk.Summary("Read an activity")).
		Mutation("PATCH /activities/:id", changeActivity, sdk.Scope(writeContacts), sdk.Summary("Change what a person wrote down")).
		Mutation("DELETE /activities/:id", activities.Remove, sdk.Scope(writeContacts), sdk.Summary("Delete an activity")).
		Query("GET /tasks", tasks.List, sdk.Scope(readContacts), sdk.Summary("List tasks")).
		Mutation("POST /tasks", createTask, sdk.Scope(writeContacts), sdk.Summary("Add a task")).
		Query("GET /tasks/:id", tasks.Show, sdk.Scope(readContacts), sdk.Summary("Read a task")).
		Mutation("PATCH /tasks/:id", changeTask, sdk.Scope(writeContacts), sdk.Summary("Change a task")).
		Mutation("DELETE /tasks/:id", tasks.Remove, sdk.Scope(writeContacts), sdk.Summary("Delete a task")).
		On("user.created", hear).
		On("order.paid", hear).
		On("subscription.*", hear).
		On("support.ticket.created", hear).
		On("lms.*", hear).
		On("email.*", hear).
		Install(install).
		Page("/contacts", "Contacts", contactsPage, sdk.Scope(readContacts), sdk.Icon("users")).
		Page("/contacts/new", "New contact", newContactPage, sdk.Scope(writeContacts), sdk.Hidden).
		Page("/contacts/:id", "Contact", contactPage, sdk.Scope(readContacts), sdk.Hidden).
		Page("/companies", "Companies", companiesPage, sdk.Scope(readCompanies), sdk.Icon("building")).
		Page("/companies/:id", "Company", companyPage, sdk.Scope(readCompanies), sdk.Hidden).
		Page("/deals", "Deals", boardPage, sdk.Scope(readDeals), sdk.Icon("columns")).
		Page("/deals/:id", "Deal", dealPage, sdk.Scope(readDeals), sdk.Hidden).
		Page("/tasks", "Tasks", tasksPage, sdk.Scope(readContacts), sdk.Icon("task")).
		Page("/reports", "Pipeline", reportsPage, sdk.Scope(readDeals), sdk.Icon("chart")).
		Page("/imports", "Imports", importsPage, sdk.Scope(readContacts), sdk.Icon("upload"))
}

func main() {}
