package console

import (
	"io"
	"net/http"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
)

// maxUpload bounds a file sent through a page, in bytes.
const maxUpload = 16 << 20

// pluginPage asks the plugin for a page and renders the tree it answers.
func (c *Console) pluginPage(v *visit) error {
	alias, path := param(v.Ctx, "plugin"), "/"+param(v.Ctx, "*")
	query := map[string]string{}
	for key, value := range v.Context().QueryArgs().All() {
		query[string(key)] = string(value)
	}
	raw, err := c.Dispatcher.Page(v.UserContext(), v.ws, alias, path, v.actor, query)
	if err != nil {
		return err
	}
	base := pageURL(v.ws.Slug, alias, "")
	here := base + path
	t, err := parseTree(raw, here, base, zoneOf(v.ws))
	if err != nil {
		return err
	}
	if len(query) > 0 {
		here += "?" + strings.Clone(string(v.Context().QueryArgs().QueryString()))
	}
	return render(v.Ctx, treePage(v.frame(t.Title), t, here))
}

// upload sends the file of an upload component to the route it names, as a
// program would over the gateway, with its name as the query's fileName, and
// goes on to the page it names.
func (c *Console) upload(v *visit) error {
	const op = "console.upload"
	alias, path := param(v.Ctx, "plugin"), "/"+param(v.Ctx, "*")
	header, err := v.FormFile("file")
	if err != nil {
		var wrong core.Violations
		wrong.Add("file", "is missing; choose one and send the form again")
		return wrong.Err(op, "No file was sent.")
	}
	file, err := header.Open()
	if err != nil {
		return core.Wrap(op, core.Internal, err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxUpload))
	if err != nil {
		return core.Wrap(op, core.Internal, err)
	}
	form, err := v.MultipartForm()
	if err != nil {
		return core.Wrap(op, core.Invalid, err)
	}
	query := map[string]string{"fileName": strings.Clone(header.Filename)}
	for name, values := range form.Value {
		query[strings.Clone(name)] = strings.Clone(values[0])
	}
	_, err = c.Dispatcher.Request(v.UserContext(), dispatch.Request{
		Workspace: v.ws, Alias: alias, Actor: v.actor,
		HTTP: abi.Request{
			Method: http.MethodPost, Path: path, Query: query, Raw: body,
			Headers: map[string]string{"content-type": strings.Clone(header.Header.Get("Content-Type"))},
		},
	})
	if err != nil {
		return err
	}
	then := strings.Clone(v.Query("then"))
	if !pluginPath.MatchString(then) {
		return v.Redirect(Prefix+"/w/"+v.ws.Slug, http.StatusSeeOther)
	}
	return v.Redirect(pageURL(v.ws.Slug, alias, then), http.StatusSeeOther)
}
