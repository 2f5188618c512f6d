package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// The workspace acme has the plugin crm, and ada as its owner. Bob has an
// account and is no member.
var (
	acme    = core.Workspace{ID: "ws_acme", Slug: "acme", Plan: "all"}
	ada     = core.Member{Workspace: acme.ID, Account: "acc_ada", Role: core.RoleOwner}
	release = abi.Manifest{Name: "crm", Routes: []abi.Route{
		{Method: "GET", Path: "/contacts", Kind: abi.KindQuery, Handler: "list"},
		{Method: "POST", Path: "/contacts", Kind: abi.KindMutation, Handler: "create"},
		{Method: "GET", Path: "/pages/:id", Kind: abi.KindQuery, Handler: "page", Public: true},
		{Method: "POST", Path: "/form", Kind: abi.KindMutation, Handler: "form", Public: true},
		{Method: "POST", Path: "/hook", Kind: abi.KindMutation, Handler: "hook", Public: true, Raw: true},
	}}
)

// world plays everything around the real dispatcher: the store, the engine, and
// who is who. The handler page finds nothing; all others answer their request.
type world struct{ state core.InstallationState }

func (w world) View(context.Context, core.WorkspaceID) (dispatch.View, error) {
	return dispatch.View{
		Access: core.Access{Workspace: acme, Members: []core.Member{ada}, Installations: []core.Installation{
			{ID: "ins_crm", Workspace: acme.ID, Plugin: core.PluginID{Publisher: "carrel", Name: "crm"}, Alias: "crm", State: w.state, Digest: "sha256:x"},
		}},
		Plan:      core.Plan{ID: "all", Plugins: []string{"*"}},
		Manifests: map[core.Digest]*abi.Manifest{"sha256:x": &release},
	}, nil
}

func (w world) Begin(core.WorkspaceID, dispatch.Scope) dispatch.Unit { return unit{} }
func (w world) Record(core.InvocationRecord)                         {}
func (w world) Run(_ context.Context, call dispatch.Call) dispatch.Result {
	var in abi.Invocation
	if err := json.Unmarshal(call.Input, &in); err != nil {
		panic(err)
	}
	answer := abi.Response{}
	if call.Handler == "page" {
		answer.Error = &abi.Error{Kind: string(core.NotFound), Message: "There is no such page."}
	} else {
		answer.Body, _ = json.Marshal(in.Request)
	}
	output, _ := json.Marshal(answer)
	return dispatch.Result{Output: output, Outcome: core.OutcomeOK}
}

func (w world) Resolve(_ context.Context, account core.AccountID, ref string) (core.Workspace, core.Member, error) {
	if account == ada.Account && ref == acme.Slug {
		return acme, ada, nil
	}
	return core.Workspace{}, core.Member{}, core.E("test", core.NotFound, "There is no such workspace.")
}

func (w world) Lookup(_ context.Context, ref string) (core.Workspace, error) {
	if ref == acme.Slug {
		return acme, nil
	}
	return core.Workspace{}, core.E("test", core.NotFound, "There is no such workspace.")
}

func (w world) Authenticate(context.Context, string) (account.Identity, error) {
	return account.Identity{}, core.E("test", core.Unauthenticated, "The session has ended.")
}

func (w world) AuthenticateToken(_ context.Context, bearer string) (account.Identity, error) {
	who := core.AccountID(strings.TrimPrefix(bearer, "carrel_"))
	return account.Identity{Account: core.Account{ID: who}, Token: &core.Token{}}, nil
}

// unit is a unit of work that reads and writes nothing.
type unit struct{}

func (unit) Receipt(context.Context, string, string) (core.Receipt, bool, error) {
	return core.Receipt{}, false, nil
}
func (unit) Emitted() []core.Event                { return nil }
func (unit) Add(core.Change)                      {}
func (unit) Validate(context.Context) error       { return nil }
func (unit) Commit(context.Context) (bool, error) { return false, nil }
func (unit) ConflictKey() string                  { return "" }
func (unit) Assumed() bool                        { return false }

// ask sends a request as ada, bob or nobody ("").
func (w world) ask(t *testing.T, who, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	app := fiber.New(fiber.Config{ErrorHandler: problem.Write})
	app.Use(session.NewGuard(w, true).Middleware(Prefix))
	Mount(app, Config{Workspaces: w, Dispatcher: dispatch.New(dispatch.Config{Views: w, Units: w, Runner: w, Records: w})})
	req := httptest.NewRequest(method, "/", strings.NewReader(body))
	req.RequestURI = path
	if who != "" {
		req.Header.Set("Authorization", "Bearer carrel_acc_"+who)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(all)
}

func TestStrangersLearnNothingButWhatIsPublic(t *testing.T) {
	here := world{core.InstallationEnabled}
	for _, who := range []string{"", "bob"} {
		status := 401
		if who == "bob" {
			status = 404
		}
		_, missing := here.ask(t, who, "GET", "/w/nowhere/crm/contacts", "")
		for name, ask := range map[string]func() (*http.Response, string){
			"a route for members":  func() (*http.Response, string) { return here.ask(t, who, "GET", "/w/acme/crm/contacts", "") },
			"a change for members": func() (*http.Response, string) { return here.ask(t, who, "POST", "/w/acme/crm/contacts", "{}") },
			"no such route":        func() (*http.Response, string) { return here.ask(t, who, "GET", "/w/acme/crm/nope", "") },
			"no such method":       func() (*http.Response, string) { return here.ask(t, who, "DELETE", "/w/acme/crm/contacts", "") },
			"no such plugin":       func() (*http.Response, string) { return here.ask(t, who, "GET", "/w/acme/shop/contacts", "") },
			"a disabled plugin": func() (*http.Response, string) {
				return world{core.InstallationDisabled}.ask(t, who, "POST", "/w/acme/crm/form", "{}")
			},
			"a bad body for members": func() (*http.Response, string) { return here.ask(t, who, "POST", "/w/acme/crm/contacts", "{") },
			"a bad key for members": func() (*http.Response, string) {
				return here.ask(t, who, "POST", "/w/acme/crm/contacts", "{}", "Idempotency-Key", "a b")
			},
			"the public page of nowhere": func() (*http.Response, string) { return here.ask(t, who, "GET", "/w/nowhere/crm/pages/1", "") },
		} {
			res, got := ask()
			if res.StatusCode != status || stripID(got) != stripID(missing) {
				t.Errorf("%q asks for %s: %d %s\nmissing: %s", who, name, res.StatusCode, got, missing)
			}
		}
		for _, bad := range []string{"?a=1&a=2", "?a=%zz", "/../x"} {
			_, there := here.ask(t, who, "GET", "/w/acme/crm/contacts"+bad, "")
			if res, nowhere := here.ask(t, who, "GET", "/w/nowhere/crm/contacts"+bad, ""); res.StatusCode != 400 || stripID(there) != stripID(nowhere) {
				t.Errorf("%q asks for %s\nthere: %s\nnowhere: %s", who, bad, there, nowhere)
			}
		}
		if res, got := here.ask(t, who, "POST", "/w/acme/crm/form", `{"a":1}`); res.StatusCode != 200 || !strings.Contains(got, `"body":{"a":1}`) {
			t.Errorf("%q sends a public form: %d %s", who, res.StatusCode, got)
		}
		if res, got := here.ask(t, who, "GET", "/w/acme/crm/pages/1", ""); res.StatusCode != 404 {
			t.Errorf("%q asks for a public page that is missing: %d %s", who, res.StatusCode, got)
		}
		if res, got := here.ask(t, who, "POST", "/w/acme/crm/form", `{"a":`); res.StatusCode != 400 || !strings.Contains(got, "byte 5") {
			t.Errorf("%q sends half a form: %d %s", who, res.StatusCode, got)
		}
	}
}

func stripID(body string) string {
	before, after, _ := strings.Cut(body, `"requestId":"`)
	if len(after) > 36 {
		after = after[36:]
	}
	return before + after
}

func TestBodiesAreWhatTheRouteDeclares(t *testing.T) {
	here := world{core.InstallationEnabled}
	for _, c := range []struct{ name, path, contentType, body, says string }{
		{"JSON", "/contacts", "application/json", `{"a": 1}`, `"body":{"a":1}`},
		{"JSON of another name", "/contacts", "application/merge-patch+json; charset=utf-8", `{"a":1}`, `"body":{"a":1}`},
		{"JSON without a name", "/contacts", "", `[1,2]`, `"body":[1,2]`},
		{"nothing", "/contacts", "application/json", ``, `"path":"/contacts"`},
		{"a form", "/contacts", "application/x-www-form-urlencoded", `a=1`, `"location":"header.content-type"`},
		{"cut", "/contacts", "application/json", `{"a":`, `at byte 5`},
		{"two values", "/contacts", "application/json", `{} {}`, `at byte 4`},
		{"not UTF-8", "/contacts", "application/json", "\"\xff\"", `UTF-8`},
		{"too deep", "/contacts", "application/json", strings.Repeat("[", 20_000), `not JSON`},
		{"bytes", "/hook", "application/json", `{"a": `, `"raw":"eyJhIjog"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got := here.ask(t, "ada", "POST", "/w/acme/crm"+c.path, c.body, "Content-Type", c.contentType)
			if !strings.Contains(got, c.says) {
				t.Errorf("%s does not say %s", got, c.says)
			}
		})
	}
}

func TestTheGuestSeesTheQueryAndFewHeaders(t *testing.T) {
	here := world{core.InstallationEnabled}
	_, got := here.ask(t, "ada", "GET", "/w/acme/crm/contacts?filter%5Bstage%5D=lead&sort=-createdAt&q=a%20b%2Bc", "",
		"X-Secret", "no", "Accept-Language", "fr", "Stripe-Signature", "t=1", "Referer", "no", "X-Forwarded-For", "no", "Cookie", "a=no")
	var seen abi.Request
	if err := json.Unmarshal([]byte(got), &seen); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if len(seen.Query) != 3 || seen.Query["filter[stage]"] != "lead" || seen.Query["q"] != "a b+c" {
		t.Errorf("query %v", seen.Query)
	}
	if len(seen.Headers) != 2 || seen.Headers["accept-language"] != "fr" || seen.Headers["stripe-signature"] != "t=1" {
		t.Errorf("headers %v", seen.Headers)
	}
	for query, says := range map[string]string{
		"a=1&a=2": `"location":"query.a"`, "a=%zz": `"location":"query"`, "a=%ff": `not UTF-8`, "a;b=1": `"location":"query"`,
		manyParameters(): `more than 100`,
	} {
		if res, got := here.ask(t, "ada", "GET", "/w/acme/crm/contacts?"+query, ""); res.StatusCode != 400 || !strings.Contains(got, says) {
			t.Errorf("%s: %d %s", query, res.StatusCode, got)
		}
	}
	if res, got := here.ask(t, "ada", "HEAD", "/w/acme/crm/contacts", ""); res.StatusCode != 200 || got != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, got)
	}
	if res, got := here.ask(t, "ada", "PUT", "/w/acme/crm/contacts", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, POST" {
		t.Errorf("a method the route hasn't: %d %s", res.StatusCode, got)
	}
}

func manyParameters() string {
	var b strings.Builder
	for i := range 101 {
		b.WriteString("p" + strconv.Itoa(i) + "=1&")
	}
	return strings.TrimSuffix(b.String(), "&")
}

func TestAnswersAreReplayedVisibly(t *testing.T) {
	app := fiber.New(fiber.Config{ErrorHandler: problem.Write})
	var answer dispatch.Answer
	app.Get("/", func(c *fiber.Ctx) error { return write(c, answer) })
	ask := func() *http.Response {
		res, err := app.Test(httptest.NewRequest("GET", "/", nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	answer = dispatch.Answer{Invocation: "inv_1", Replayed: true, Response: abi.Response{Status: 201, Body: []byte(`{}`)}}
	if res := ask(); res.StatusCode != 201 || res.Header.Get("Idempotency-Replayed") != "true" || res.Header.Get("X-Carrel-Invocation") != "inv_1" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	answer = dispatch.Answer{Response: abi.Response{Status: 204}}
	if res := ask(); res.StatusCode != 204 || res.Header.Get("Content-Type") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	for contentType, want := range map[string]string{
		"text/csv": "text/csv; charset=utf-8", "image/png": "image/png", "image/svg+xml": "image/svg+xml", "": "application/octet-stream", "a/b/c": "application/octet-stream",
	} {
		answer = dispatch.Answer{Response: abi.Response{Status: 200, Raw: []byte("x"), Headers: map[string]string{"content-type": contentType, "content-disposition": `inline; filename="report.csv"`}}}
		res := ask()
		disposition := res.Header.Get("Content-Disposition")
		if res.Header.Get("Content-Type") != want || shown[contentType] == strings.HasPrefix(disposition, "attachment") {
			t.Errorf("%s: %q, %q", contentType, res.Header.Get("Content-Type"), disposition)
		}
	}
	answer = dispatch.Answer{Response: abi.Response{Status: 99}}
	if res := ask(); res.StatusCode != 500 {
		t.Errorf("a status that does not exist: %d", res.StatusCode)
	}
}
