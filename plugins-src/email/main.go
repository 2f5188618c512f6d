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
	readTemplates  = "email.templates.read"
	writeTemplates = "email.templates.write"
	readLists      = "email.lists.read"
	writeLists     = "email.lists.write"
	readCampaigns  = "email.campaigns.read"
	writeCampaigns = "email.campaigns.write"
	readMessages   = "email.messages.read"
	writeMessages  = "email.messages.write"
	manage         = "email.settings"
)

func init() {
	sdk.Plugin("email", "1.0.0", docs).
		Publisher("carrel").
		Title("Email").
		Summary("Mail when something happens, lists people join and leave by themselves, and campaigns.").
		License("Apache-2.0").
		Uses(abi.CapabilityData, "To keep your templates, lists and an outbox.").
		Uses(abi.CapabilityEvents, "To send mail when something happens, and to tell what became of it.").
		Uses(abi.CapabilityJobs, "To send in the background, and again later when a mail server is busy.").
		Uses(abi.CapabilityMail, "To send mail through your mail server.").
		Permission(readTemplates, "See templates", "member").
		Permission(writeTemplates, "Add, change and delete templates", "member").
		Permission(readLists, "See lists and who is on them", "member").
		Permission(writeLists, "Change lists and who is on them", "member").
		Permission(readCampaigns, "See campaigns", "member").
		Permission(writeCampaigns, "Write campaigns and send them").
		Permission(readMessages, "See the outbox", "member").
		Permission(writeMessages, "Send single mails, and tests of templates").
		Permission(manage, "Change automations and which addresses get no mail").
		Settings(Settings{}).
		Tables(templates, lists, subscribers, memberships, campaigns, messages, suppressions, automations, keys, paces, hooks).
		Emits(mailSent, mailFailed, mailBounced, mailComplained, listUnsubscribed, mailReceived).
		Query("GET /templates", templates.List, sdk.Scope(readTemplates), sdk.Summary("List templates")).
		Query("GET /templates/:id", templates.Show, sdk.Scope(readTemplates), sdk.Summary("Read a template")).
		Mutation("POST /templates", createTemplate, sdk.Scope(writeTemplates), sdk.Summary("Add a template")).
		Mutation("PATCH /templates/:id", changeTemplate, sdk.Scope(writeTemplates), sdk.Summary("Change a template")).
		Mutation("DELETE /templates/:id", templates.Remove, sdk.Scope(writeTemplates), sdk.Summary("Delete a template that nothing uses")).
		Query("POST /templates/:id/preview", previewTemplate, sdk.Scope(readTemplates), sdk.Summary("Render a template with values, and list the variables that have none")).
		Mutation("POST /templates/:id/test", testTemplate, sdk.Scope(writeMessages), sdk.Summary("Send a template to an address, with values")).
		Query("GET /lists", lists.List, sdk.Scope(readLists), sdk.Summary("List lists")).
		Query("GET /lists/:id", lists.Show, sdk.Scope(readLists), sdk.Summary("Read a list")).
		Mutation("POST /lists", createList, sdk.Scope(writeLists), sdk.Summary("Add a list")).
		Mutation("PATCH /lists/:id", changeList, sdk.Scope(writeLists), sdk.Summary("Change a list")).
		Mutation("DELETE /lists/:id", lists.Remove, sdk.Scope(writeLists), sdk.Summary("Delete a list; its subscribers stay")).
		Query("GET /subscribers", subscribers.List, sdk.Scope(readLists), sdk.Summary("List subscribers")).
		Query("GET /subscribers/:id", subscribers.Show, sdk.Scope(readLists), sdk.Summary("Read a subscriber")).
		Mutation("PATCH /subscribers/:id", changeSubscriber, sdk.Scope(writeLists), sdk.Summary("Change a subscriber")).
		Mutation("DELETE /subscribers/:id", subscribers.Remove, sdk.Scope(writeLists), sdk.Summary("Delete a subscriber, from all lists")).
		Query("GET /memberships", memberships.List, sdk.Scope(readLists), sdk.Summary("List who is on which list")).
		Mutation("POST /memberships", addMembership, sdk.Scope(writeLists), sdk.Summary("Put an address on a list")).
		Mutation("DELETE /memberships/:id", memberships.Remove, sdk.Scope(writeLists), sdk.Summary("Take an address off a list")).
		Query("GET /campaigns", campaigns.List, sdk.Scope(readCampaigns), sdk.Summary("List campaigns")).
		Query("GET /campaigns/:id", campaigns.Show, sdk.Scope(readCampaigns), sdk.Summary("Read a campaign")).
		Query("GET /campaigns/:id/report", reportCampaign, sdk.Scope(readCampaigns), sdk.Summary("Count a campaign's messages by what became of them")).
		Mutation("POST /campaigns", createCampaign, sdk.Scope(writeCampaigns), sdk.Summary("Add a campaign, as a draft")).
		Mutation("PATCH /campaigns/:id", changeCampaign, sdk.Scope(writeCampaigns), sdk.Summary("Change a draft")).
		Mutation("DELETE /campaigns/:id", removeCampaign, sdk.Scope(writeCampaigns), sdk.Summary("Delete a campaign that is not under way")).
		Mutation("POST /campaigns/:id/schedule", scheduleCampaign, sdk.Scope(writeCampaigns), sdk.Summary("Send a campaign, now or later; go on with a paused one")).
		Mutation("POST /campaigns/:id/pause", pauseCampaign, sdk.Scope(writeCampaigns), sdk.Summary("Pause a campaign")).
		Mutation("POST /campaigns/:id/cancel", cancelCampaign, sdk.Scope(writeCampaigns), sdk.Summary("End a campaign before its end")).
		Query("GET /messages", messages.List, sdk.Scope(readMessages), sdk.Summary("List the outbox")).
		Query("GET /messages/:id", messages.Show, sdk.Scope(readMessages), sdk.Summary("Read a message")).
		Mutation("POST /messages", sendMessage, sdk.Scope(writeMessages), sdk.Summary("Send a mail from a template")).
		Mutation("POST /messages/:id/retry", retryMessage, sdk.Scope(writeMessages), sdk.Summary("Try again to send a message that was not sent")).
		Query("GET /suppressions", suppressions.List, sdk.Scope(readMessages), sdk.Summary("List addresses that get no mail")).
		Mutation("POST /suppressions", createSuppression, sdk.Scope(manage), sdk.Summary("Send no more mail to an address")).
		Mutation("DELETE /suppressions/:id", suppressions.Remove, sdk.Scope(manage), sdk.Summary("Let an address have mail again")).
		Query("GET /automations", automations.List, sdk.Scope(readTemplates), sdk.Summary("List automations")).
		Query("GET /automations/:id", automations.Show, sdk.Scope(readTemplates), sdk.Summary("Read an automation")).
		Mutation("POST /automations", createAutomation, sdk.Scope(manage), sdk.Summary("Add an automation")).
		Mutation("PATCH /automations/:id", changeAutomation, sdk.Scope(manage), sdk.Summary("Change an automation")).
		Mutation("DELETE /automations/:id", automations.Remove, sdk.Scope(manage), sdk.Summary("Delete an automation")).
		Query("GET /u/:token", showUnsubscribe, sdk.Public, sdk.Raw, sdk.Summary("Ask whether to unsubscribe")).
		Mutation("POST /u/:token", unsubscribe, sdk.Public, sdk.Raw, sdk.Summary("Unsubscribe with one click (RFC 8058)")).
		Query("GET /subscribe/:slug", showSubscribe, sdk.Public, sdk.Raw, sdk.Summary("Show a list's form")).
		Mutation("POST /subscribe/:slug", subscribe, sdk.Public, sdk.Raw, sdk.Summary("Subscribe to a list")).
		Query("GET /confirm/:token", showConfirm, sdk.Public, sdk.Raw, sdk.Summary("Ask whether to confirm a subscription")).
		Mutation("POST /confirm/:token", confirm, sdk.Public, sdk.Raw, sdk.Summary("Confirm a subscription")).
		Mutation("POST /hooks/:provider", takeHook, sdk.Public, sdk.Raw, sdk.Summary("Take in what a mail provider tells of bounces and complaints: standard, resend or mailgun")).
		Mutation("POST /inbound", takeMail, sdk.Public, sdk.Raw, sdk.Summary("Take in a mail that came to the workspace, signed as Standard Webhooks are")).
		On("*", hear).
		ActionJob(sendJob, send, sdk.Summary("Send a message")).
		Job(claimJob, claim, sdk.Summary("Decide whether a message may be sent")).
		Job(settleJob, settle, sdk.Summary("Keep what became of a message")).
		Job(campaignJob, walk, sdk.Summary("Write to the next subscribers of a campaign")).
		Every(sweepCron, sweepJob, sweep, sdk.Summary("Begin what is due in the outbox")).
		Install(install).
		Page("/outbox", "Outbox", outboxPage, sdk.Scope(readMessages), sdk.Icon("mail")).
		Page("/messages/:id", "Message", messagePage, sdk.Scope(readMessages), sdk.Hidden).
		Page("/templates", "Templates", templatesPage, sdk.Scope(readTemplates), sdk.Icon("file")).
		Page("/templates/:id", "Template", templatePage, sdk.Scope(readTemplates), sdk.Hidden).
		Page("/lists", "Lists", listsPage, sdk.Scope(readLists), sdk.Icon("users")).
		Page("/lists/:id", "List", listPage, sdk.Scope(readLists), sdk.Hidden).
		Page("/campaigns", "Campaigns", campaignsPage, sdk.Scope(readCampaigns), sdk.Icon("megaphone")).
		Page("/campaigns/:id", "Campaign", campaignPage, sdk.Scope(readCampaigns), sdk.Hidden).
		Page("/automations", "Automations", automationsPage, sdk.Scope(readTemplates), sdk.Icon("bolt")).
		Page("/automations/:id", "Automation", automationPage, sdk.Scope(readTemplates), sdk.Hidden).
		Page("/suppressions", "No mail to", suppressionsPage, sdk.Scope(readMessages), sdk.Icon("ban"))
}

func main() {}
