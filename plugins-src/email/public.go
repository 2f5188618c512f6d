package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/plugins-src/email/mustache"
	"github.com/carrel-dev/carrel/sdk"
)

// The pages of people who get mail. Looking at one changes nothing, whoever
// follows a link: mail servers follow all of them. A form does what the link is
// for, and so does a mail program that posts to it (RFC 8058).

// goodbye is what a link to unsubscribe leads to.
type goodbye struct {
	subscriber sdk.Doc[Subscriber]
	membership sdk.Doc[Membership] // zero: from everything
	list       sdk.Doc[List]
}

func goodbyeOf(c *sdk.Ctx) (g goodbye, ok bool, err error) {
	t, ok, err := tokenOf(c)
	if err != nil || !ok || t.purpose != forList && t.purpose != forAll {
		return g, false, err
	}
	id := t.id
	if t.purpose == forList {
		if g.membership, err = memberships.Get(c, t.id); err == nil {
			id = g.membership.Body.SubscriberID
			g.list, err = lists.Get(c, g.membership.Body.ListID)
		}
	}
	if err == nil {
		g.subscriber, err = subscribers.Get(c, id)
	}
	if sdk.IsNotFound(err) {
		return g, false, nil
	}
	return g, err == nil, err
}

// from names what is unsubscribed from.
func (g goodbye) from() string {
	if g.membership.ID == "" {
		return "all news"
	}
	return g.list.Body.Name
}

func (g goodbye) gone() bool {
	if g.membership.ID == "" {
		return g.subscriber.Body.Status == unsubscribed
	}
	return g.membership.Body.Status == unsubscribed
}

func (g goodbye) done() sdk.Bytes {
	return page("You are unsubscribed", "<p>"+mustache.HTML(g.subscriber.Body.Email)+" gets no more of "+mustache.HTML(g.from())+".</p>")
}

func showUnsubscribe(c *sdk.Ctx) (sdk.Bytes, error) {
	g, ok, err := goodbyeOf(c)
	switch {
	case err != nil:
		return sdk.Bytes{}, err
	case !ok:
		return badLink(c), nil
	case g.gone():
		return g.done(), nil
	}
	question := "<p>Stop sending " + mustache.HTML(g.from()) + " to " + mustache.HTML(g.subscriber.Body.Email) + "?</p>"
	return page("Unsubscribe?", question+form("", "Unsubscribe")), nil
}

func unsubscribe(c *sdk.Ctx) (sdk.Bytes, error) {
	g, ok, err := goodbyeOf(c)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if !ok {
		return badLink(c), nil
	}
	if !g.gone() {
		if err := g.leave(c); err != nil {
			return sdk.Bytes{}, err
		}
	}
	return g.done(), nil
}

func (g goodbye) leave(c *sdk.Ctx) (err error) {
	change := map[string]any{"status": unsubscribed}
	if g.membership.ID == "" {
		_, err = subscribers.Patch(c, g.subscriber.ID, change)
	} else {
		_, err = memberships.Patch(c, g.membership.ID, change)
	}
	if err != nil {
		return err
	}
	return listUnsubscribed.Emit(c, ListUnsubscribed{g.subscriber.Body.Email, g.list.ID, g.list.Body.Name})
}

// listOf finds the list the request's path names.
func listOf(c *sdk.Ctx) (sdk.Doc[List], bool, error) { return lists.By(c, "slug", c.Param("slug")) }

func showSubscribe(c *sdk.Ctx) (sdk.Bytes, error) {
	list, found, err := listOf(c)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if !found {
		return badLink(c), nil
	}
	fields := `<label>Email <input type="email" name="email" required maxlength="254" autocomplete="email"></label>` +
		`<label>Name <input type="text" name="name" maxlength="200" autocomplete="name"></label>`
	return page("Subscribe to "+list.Body.Name, form(fields, "Subscribe")), nil
}

// subscribe takes a form. What it answers doesn't tell whether the address was
// known.
func subscribe(c *sdk.Ctx) (sdk.Bytes, error) {
	list, found, err := listOf(c)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if !found {
		return badLink(c), nil
	}
	values, ok := formOf(c)
	email := normalizeEmail(values.Get("email"))
	if !ok || email == "" {
		c.SetStatus(400)
		return page("Something is missing", "<p>Enter your email address.</p>"), nil
	}
	if full, err := crowded(c); err != nil || full {
		c.SetStatus(429)
		return page("Please try again later", "<p>Many people subscribe just now. Try again in an hour.</p>"), err
	}
	_, err = join(c, list, email, cut(mustache.Line(values.Get("name")), 200), "", byThemselves)
	if sdk.IsInvalid(err) {
		c.SetStatus(400)
		return page("Something is wrong", "<p>This is not an email address: "+mustache.HTML(cut(email, 254))+"</p>"), nil
	}
	if err != nil {
		return sdk.Bytes{}, err
	}
	if list.Body.Optin == "single" {
		return page("You are subscribed", "<p>You will get "+mustache.HTML(list.Body.Name)+
			". If you had left it, there will be a mail that asks you to confirm.</p>"), nil
	}
	return page("Look into your mailbox", "<p>If you are not on the list yet, there will be a mail that asks you to confirm.</p>"), nil
}

// formOf reads the body of a form, as browsers send it.
func formOf(c *sdk.Ctx) (url.Values, bool) {
	media, _, _ := strings.Cut(c.Header("content-type"), ";")
	if strings.ToLower(strings.TrimSpace(media)) != "application/x-www-form-urlencoded" || len(c.Body()) > 4<<10 {
		return nil, false
	}
	values, err := url.ParseQuery(string(c.Body()))
	return values, err == nil
}

// confirmation finds what a link to confirm is about. One that was answered, or
// is too old, is worth nothing.
func confirmation(c *sdk.Ctx) (m sdk.Doc[Membership], ok bool, err error) {
	t, ok, err := tokenOf(c)
	if err != nil || !ok || t.purpose != forConfirm {
		return m, false, err
	}
	m, err = memberships.Get(c, t.id)
	if sdk.IsNotFound(err) {
		return m, false, nil
	}
	ok = m.Body.Status == confirmed || m.Body.Status == unconfirmed && c.Now().Sub(parseTime(m.Body.RequestedAt)) <= confirmWithin
	return m, err == nil && ok, err
}

func showConfirm(c *sdk.Ctx) (sdk.Bytes, error) {
	m, ok, err := confirmation(c)
	switch {
	case err != nil:
		return sdk.Bytes{}, err
	case !ok:
		return badLink(c), nil
	}
	list, err := lists.Get(c, m.Body.ListID)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if m.Body.Status == confirmed {
		return welcome(list), nil
	}
	return page("Subscribe to "+list.Body.Name+"?", form("", "Confirm")), nil
}

func confirm(c *sdk.Ctx) (sdk.Bytes, error) {
	m, ok, err := confirmation(c)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if !ok {
		return badLink(c), nil
	}
	list, err := lists.Get(c, m.Body.ListID)
	if err != nil {
		return sdk.Bytes{}, err
	}
	if m.Body.Status == unconfirmed {
		change := map[string]any{"status": confirmed, "confirmedAt": c.Now().UTC().Format(time.RFC3339)}
		if _, err := memberships.Patch(c, m.ID, change); err != nil {
			return sdk.Bytes{}, err
		}
		subscriber, err := subscribers.Get(c, m.Body.SubscriberID)
		if err != nil {
			return sdk.Bytes{}, err
		}
		if err := activate(c, subscriber); err != nil {
			return sdk.Bytes{}, err
		}
	}
	return welcome(list), nil
}

func welcome(list sdk.Doc[List]) sdk.Bytes {
	return page("You are subscribed", "<p>You will get "+mustache.HTML(list.Body.Name)+".</p>")
}

func badLink(c *sdk.Ctx) sdk.Bytes {
	c.SetStatus(404)
	return page("This link does not work", "<p>It may be too old, or part of it is missing. Copy the whole link from the mail.</p>")
}

// form is a form that posts to the page's own address.
func form(fields, button string) string {
	return `<form method="post">` + fields + `<button>` + mustache.HTML(button) + `</button></form>`
}

// page is a page with a title, which is escaped, and a body, which is HTML.
func page(title, body string) sdk.Bytes {
	return sdk.HTML(strings.NewReplacer("TITLE", mustache.HTML(title), "BODY", body).Replace(shell))
}

const shell = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>TITLE</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f5f5f4;margin:0;display:grid;min-height:100vh;place-items:center}
main{background:#fff;border-radius:8px;padding:2rem;max-width:26rem;margin:1rem;box-shadow:0 1px 3px #0002;overflow-wrap:anywhere}
h1{font-size:1.25rem;margin:0 0 1rem}
label{display:block;margin:0 0 1rem}
input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #78716c;border-radius:4px}
button{font:inherit;padding:.5rem 1rem;border:0;border-radius:4px;background:#1d4ed8;color:#fff;cursor:pointer}
</style>
</head>
<body><main><h1>TITLE</h1>BODY</main></body>
</html>
`
