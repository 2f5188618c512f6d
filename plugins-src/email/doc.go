// Command email is the marketplace's mail plugin: mail that other plugins'
// events cause, lists people join and leave by themselves, and campaigns.
//
// It imports the sdk and its own mustache only. Start with main.go, the whole
// declaration; each noun has a file. The way of a mail: automations.go hears of
// an event (or campaigns.go walks a list), compose.go writes a message into the
// outbox of messages.go, send.go hands it to the mail server and keeps what
// became of it. public.go are the pages of people who get mail; links to them
// are signed in tokens.go.
package main
