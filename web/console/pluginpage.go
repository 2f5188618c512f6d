package console

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/web/problem"
)

// maxUpload bounds a file sent through a page, in bytes.
const maxUpload = 16 << 20

// pageAddress is a plugin's page as its visitor asks for it.
type pageAddress struct {
	alias, path string
	query       map[string]string // without what is the console's own
}

// pageOf reads the address of a plugin's page. A path that could be more than
// plain segments is no page.
func (v *visit) pageOf() (pageAddress, error) {
	a := pageAddress{alias: param(v.Ctx, "plugin"), path: "/" + param(v.Ctx, "*"), query: map[string]string{}}
	if !isPluginPath(a.path) {
		return a, core.E("console.pageOf", core.NotFound, "There is no such page.")
	}
	for key, value := range v.Context().QueryArgs().All() {
		if name := string(key); name != "done" {
			a.query[name] = string(value)
		}
	}
	return a, nil
}

// address is where a page of the plugin is.
func (v *visit) address(a pageAddress) string {
	address := pageURL(v.ws.Slug, a.alias, a.path)
	query := url.Values{}
	for name, value := range a.query {
		query.Set(name, value)
	}
	if encoded := query.Encode(); encoded != "" {
		address += "?" + encoded
	}
	return address
}

// pluginPage shows a page of a plugin.
func (c *Console) pluginPage(v *visit) error {
	a, err := v.pageOf()
	if err != nil {
		return err
	}
	return c.showPage(v, a, nil)
}

// showPage asks the plugin for a page and renders the tree it answers, with
// what was sent from it and refused.
func (c *Console) showPage(v *visit, a pageAddress, refused *refusedCall) error {
	raw, err := c.Dispatcher.Page(v.UserContext(), v.ws, a.alias, a.path, v.actor, a.query)
	if err != nil {
		return err
	}
	t, err := parseTree(raw, place{
		Page: pageURL(v.ws.Slug, a.alias, a.path), Base: pageURL(v.ws.Slug, a.alias, ""), Query: a.query,
		Zone: zoneOf(v.ws), Now: time.Now(), Once: newOnce(), Refused: refused,
	})
	if err != nil {
		return err
	}
	f := v.frame(t.Title)
	if refused != nil {
		f.Notice = ""
		if places := refused.elsewhere(); !refused.Shown || len(places) > 0 {
			f.Problem = &problemView{Message: refused.Message, Places: places}
		}
	}
	return render(v.Ctx, treePage(f, t))
}

// sent does what a form or a button of a plugin's page asks for: it calls the
// route in the visitor's name, as a program would over the gateway, and goes on
// to the page the component names. What is refused is shown on the page it came
// from.
func (c *Console) sent(v *visit) error {
	a, err := v.pageOf()
	if err != nil {
		return err
	}
	request, asked, fields, err := c.readSent(v)
	if err != nil && asked.Path == "" {
		return err
	}
	if err == nil {
		var answer dispatch.Answer
		if answer, err = c.call(v.UserContext(), v, a.alias, request, fields.Get("-once")); err == nil {
			return v.Redirect(c.after(v, a, asked, answer), http.StatusSeeOther)
		}
	}
	refused := &refusedCall{Call: asked, Fields: fields, Message: core.MessageOf(err), Faults: core.ViolationsOf(err)}
	if core.KindOf(err) == core.NotFound {
		// A missing thing and another workspace's must not be told apart.
		refused.Message, refused.Faults = "It is not there, or not any more.", nil
	}
	problem.Remember(v.Ctx, err)
	v.Status(problem.Status(core.KindOf(err)))
	if c.showPage(v, a, refused) != nil {
		return err // the page is gone, too: what was refused is what matters
	}
	return nil
}

// readSent reads what came from a page. Only the request's body is read: its
// query is the page's.
func (c *Console) readSent(v *visit) (abi.Request, call, url.Values, error) {
	if strings.HasPrefix(v.Get("Content-Type"), "multipart/form-data") {
		return c.readUpload(v)
	}
	fields := url.Values{}
	for key, value := range v.Context().PostArgs().All() {
		fields.Add(string(key), string(value))
	}
	asked, err := readCall(fields.Get("-call"))
	if err != nil {
		return abi.Request{}, asked, fields, err
	}
	request := abi.Request{Method: asked.Method, Path: asked.Path}
	body, err := asked.body(fields, zoneOf(v.ws))
	if len(body) > 0 {
		request.Raw, request.Headers = body, map[string]string{"content-type": "application/json"}
	}
	return request, asked, fields, err
}

// readUpload reads the file of an upload component. Its name is the query's
// fileName.
func (c *Console) readUpload(v *visit) (abi.Request, call, url.Values, error) {
	const op = "console.readUpload"
	form, err := v.MultipartForm()
	if err != nil {
		return abi.Request{}, call{}, nil, core.Wrap(op, core.Invalid, err)
	}
	fields := url.Values{}
	for name, values := range form.Value {
		fields[strings.Clone(name)] = []string{strings.Clone(values[0])}
	}
	asked, err := readCall(fields.Get("-call"))
	if err != nil {
		return abi.Request{}, asked, fields, err
	}
	if len(form.File["file"]) == 0 {
		var wrong core.Violations
		wrong.Add("file", "is missing; choose one and send the form again")
		return abi.Request{}, asked, fields, wrong.Err(op, "No file was sent.")
	}
	header := form.File["file"][0]
	body, err := readFile(header)
	if err != nil {
		return abi.Request{}, asked, fields, err
	}
	query := map[string]string{"fileName": strings.Clone(header.Filename)}
	for name := range fields {
		if inputPattern.MatchString(name) {
			query[name] = fields.Get(name)
		}
	}
	return abi.Request{
		Method: http.MethodPost, Path: asked.Path, Query: query, Raw: body,
		Headers: map[string]string{"content-type": strings.Clone(header.Header.Get("Content-Type"))},
	}, asked, nil, nil
}

// readFile reads a file, of at most maxUpload bytes.
func readFile(header *multipart.FileHeader) ([]byte, error) {
	const op = "console.readFile"
	if header.Size > maxUpload {
		return nil, core.E(op, core.TooLarge, "The file has more than %d MiB.", maxUpload>>20)
	}
	file, err := header.Open()
	if err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxUpload))
	return body, core.Wrap(op, core.Internal, err)
}

// call calls a route of the plugin. The same call from the same showing of a
// page, as a second click on its button sends it, is done once.
func (c *Console) call(ctx context.Context, v *visit, alias string, request abi.Request, once string) (dispatch.Answer, error) {
	key := ""
	if oncePattern.MatchString(once) {
		sum := sha256.Sum256(append([]byte(request.Method+" "+request.Path+"\n"), request.Raw...))
		key = "page-" + once + "-" + hex.EncodeToString(sum[:16])
	}
	answer, err := c.Dispatcher.Request(ctx, dispatch.Request{
		Workspace: v.ws, Alias: alias, Actor: v.actor, HTTP: request, IdempotencyKey: key,
	})
	if err == nil && answer.Response.Status >= http.StatusBadRequest {
		err = core.E("console.call", core.Invalid, "The plugin answered with status %d and no reason.", answer.Response.Status)
	}
	return answer, err
}

// after is the page to show when a call is done: the one it names, with members
// of the answer in its path, or the one it came from.
func (c *Console) after(v *visit, from pageAddress, asked call, answer dispatch.Answer) string {
	to := from
	var members map[string]any
	_ = json.Unmarshal(answer.Response.Body, &members) // an answer that is no object has no members
	if path := expand(asked.Then, members); path != "" {
		to = pageAddress{alias: from.alias, path: path}
	}
	address := v.address(to)
	if strings.Contains(address, "?") {
		return address + "&done=sent"
	}
	return address + "?done=sent"
}

// oncePattern is what newOnce makes.
var oncePattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// newOnce marks one showing of a page.
func newOnce() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}
