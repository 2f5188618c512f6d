package console

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/filesystem"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// Prefix is where the console is.
const Prefix = "/console"

//go:embed static
var static embed.FS

// Dispatcher runs the handlers behind a plugin's pages; dispatch.Dispatcher
// implements it.
type Dispatcher interface {
	Page(ctx context.Context, ws core.Workspace, alias, path string, actor core.Actor, query map[string]string) (json.RawMessage, error)
	Request(ctx context.Context, r dispatch.Request) (dispatch.Answer, error)
}

// Config is the services the console is made of. All are required.
type Config struct {
	Guard         *session.Guard
	Accounts      *account.Service
	Workspaces    *workspace.Service
	Installations *workspace.Installations
	Billing       *billing.Service
	Plans         *billing.Plans
	Registry      *registry.Registry
	Dispatcher    Dispatcher
	History       History
	SignUp        bool // people may make accounts of their own
}

// Console serves the web application.
type Console struct {
	Config
	streams streams
}

// New makes a console; Mount puts it into a server.
func New(cfg Config) *Console { return &Console{Config: cfg} }

// Mount registers the console's routes. Those of a workspace are for its
// members; what a member may do in it is decided by the services.
func (c *Console) Mount(router fiber.Router) {
	r := router.Group(Prefix, policy)
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the embedded folder's own name
	}
	r.Use("/static", filesystem.New(filesystem.Config{Root: http.FS(files)}))

	r.Get("/", func(ctx *fiber.Ctx) error { return ctx.Redirect(Prefix+"/workspaces", http.StatusSeeOther) })
	r.Get("/setup", show(setupPage(doorForm{})))
	r.Post("/setup", c.setUp)
	r.Get("/sign-up", show(signUpPage(doorForm{})))
	r.Post("/sign-up", c.signUp)
	r.Get("/sign-in", show(signInPage(doorForm{SignUp: c.SignUp})))
	r.Post("/sign-in", c.signIn)
	r.Post("/sign-out", c.signOut)

	r.Get("/workspaces", c.signedIn(c.workspaces))
	r.Post("/workspaces", c.signedIn(c.createWorkspace))
	r.Get("/tokens", c.signedIn(c.tokens))
	r.Post("/tokens", c.signedIn(c.createToken))
	r.Post("/tokens/:id/revoke", c.signedIn(c.revokeToken))

	r.Get("/w/:ws", c.inside(c.home))
	r.Get("/w/:ws/live", c.live)
	r.Get("/w/:ws/settings", c.inside(c.managing(c.settings)))
	r.Post("/w/:ws/settings", c.inside(c.changeSettings))
	r.Get("/w/:ws/plan", c.inside(c.plan))
	r.Post("/w/:ws/plan", c.inside(c.changePlan))
	r.Get("/w/:ws/members", c.inside(c.members))
	r.Post("/w/:ws/members", c.inside(c.addMember))
	r.Get("/w/:ws/members/:account", c.inside(c.member))
	r.Post("/w/:ws/members/:account", c.inside(c.setRole))
	r.Post("/w/:ws/members/:account/remove", c.inside(c.removeMember))
	r.Get("/w/:ws/events", c.inside(c.managing(c.events)))
	r.Get("/w/:ws/events/:id", c.inside(c.managing(c.event)))
	r.Get("/w/:ws/deliveries", c.inside(c.managing(c.deliveries)))
	r.Get("/w/:ws/deliveries/:id", c.inside(c.managing(c.delivery)))
	r.Post("/w/:ws/deliveries/:id/redrive", c.inside(c.managing(c.redrive)))
	r.Get("/w/:ws/invocations", c.inside(c.managing(c.invocations)))
	r.Get("/w/:ws/invocations/:id", c.inside(c.managing(c.invocation)))
	r.Get("/w/:ws/marketplace", c.inside(c.marketplace))
	r.Get("/w/:ws/marketplace/:plugin", c.inside(c.plugin))
	r.Get("/w/:ws/marketplace/:plugin/install", c.inside(c.consent))
	r.Post("/w/:ws/marketplace/:plugin/install", c.inside(c.install))
	r.Get("/w/:ws/installations/:plugin", c.inside(c.managing(c.installation)))
	r.Post("/w/:ws/installations/:plugin", c.inside(c.switchState))
	r.Post("/w/:ws/installations/:plugin/settings", c.inside(c.managing(c.configure)))
	r.Get("/w/:ws/installations/:plugin/data", c.inside(c.tables))
	r.Get("/w/:ws/installations/:plugin/data/:table", c.inside(c.documents))
	r.Get("/w/:ws/installations/:plugin/data/:table/:id", c.inside(c.document))
	r.Get("/w/:ws/installations/:plugin/uninstall", c.inside(c.confirmUninstall))
	r.Post("/w/:ws/installations/:plugin/uninstall", c.inside(c.uninstall))
	r.Get("/w/:ws/p/:plugin/*", c.inside(c.pluginPage))
	r.Post("/w/:ws/p/:plugin/*", c.inside(c.sent))
	r.Use(c.lost)
}

// policy replaces the API's headers with those of pages: our own files and
// nothing else, no inline script or style.
func policy(ctx *fiber.Ctx) error {
	ctx.Set(fiber.HeaderContentSecurityPolicy,
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	// Not no-referrer: browsers would then send `Origin: null` with our own
	// forms, and the check for requests from elsewhere would refuse them.
	ctx.Set(fiber.HeaderReferrerPolicy, "same-origin")
	return ctx.Next()
}

// visit is a request of somebody signed in, in a workspace if its route names one.
type visit struct {
	*fiber.Ctx
	who   session.Identity
	ws    core.Workspace
	actor core.Actor
	nav   []navGroup
	pulse pulse // of the workspace, before anything else was read of it
}

// signedIn sends visitors to the sign-in page.
func (c *Console) signedIn(handle func(*visit) error) fiber.Handler {
	return func(ctx *fiber.Ctx) error {
		who, ok := session.From(ctx.UserContext())
		if !ok || who.Token != nil {
			return ctx.Redirect(Prefix+"/sign-in", http.StatusSeeOther)
		}
		v := &visit{Ctx: ctx, who: who}
		if err := handle(v); err != nil {
			return c.fail(v, err)
		}
		return nil
	}
}

// inside lets members into the workspace of the route; for everybody else it
// does not exist.
func (c *Console) inside(handle func(*visit) error) fiber.Handler {
	return c.signedIn(func(v *visit) error {
		ctx := v.UserContext()
		ws, member, err := c.Workspaces.Resolve(ctx, v.who.Account.ID, param(v.Ctx, "ws"))
		if err != nil {
			return err
		}
		v.ws = ws
		if v.pulse, err = c.pulse(ctx, ws.ID); err != nil {
			return err
		}
		if v.actor, err = workspace.ActorFor(member, nil); err != nil {
			return err
		}
		if v.nav, err = c.navigation(v); err != nil {
			return err
		}
		return handle(v)
	})
}

func pageURL(slug, alias, path string) string { return Prefix + "/w/" + slug + "/p/" + alias + path }

// frame is the visit's page frame.
func (v *visit) frame(title string, above ...navLink) frame {
	return frame{
		Title: title, Account: v.who.Account.Name, Workspace: v.ws.Name, Slug: v.ws.Slug, Zone: zoneOf(v.ws), Nav: v.nav, Trail: above,
		Pulse:  v.pulse.String(),
		Notice: noticeTexts[v.Query("done")],
	}
}

// zoneOf is where a workspace's clocks are.
func zoneOf(ws core.Workspace) *time.Location {
	zone, err := time.LoadLocation(ws.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// above is a link to a page above the present one.
func (v *visit) above(title, path string) navLink {
	return navLink{Title: title, URL: Prefix + "/w/" + v.ws.Slug + path}
}

// to redirects to a page of the workspace, to say there what was done.
func (v *visit) to(path, done string) error {
	return v.Redirect(Prefix+"/w/"+v.ws.Slug+path+"?done="+done, http.StatusSeeOther)
}

// noticeTexts are what a page may say after a redirect. The URL names one, it can't
// bring a text of its own.
var noticeTexts = map[string]string{
	"installed": "Installed. You find its pages in the navigation.",
	"enabled":   "Enabled.",
	"disabled":  "Disabled. Its data is kept.",
	"plan":      "The plan is changed.",
	"saved":     "Saved.",
	"added":     "Added.",
	"removed":   "Removed.",
	"left":      "You have left the workspace.",
	"revoked":   "Revoked. The next request with it is refused.",
	"redriven":  "It is due again now, with all its attempts.",
	"role":      "The role is changed.",
	"sent":      "Done.",
}

// fail shows an error as a page.
func (c *Console) fail(v *visit, err error) error {
	f := v.frame("Something is in the way")
	f.Problem = v.refused(err)
	if core.KindOf(err) == core.NotFound {
		// A missing page and another workspace's must not be told apart.
		f = frame{Title: "Not found", Account: v.who.Account.Name, Problem: &problemView{Message: "There is nothing here for you under this address."}}
	}
	return render(v.Ctx, problemPage(f, f.Title))
}

// refused makes the answer one of an error, and returns it for people to read.
// Faults of the fields are shown at them.
func (v *visit) refused(err error, fields ...string) *problemView {
	problem.Remember(v.Ctx, err)
	v.Status(problem.Status(core.KindOf(err)))
	return asProblem(err, fields...)
}

// lost answers addresses that no route knows.
func (c *Console) lost(ctx *fiber.Ctx) error {
	return c.signedIn(func(*visit) error { return core.E("console.lost", core.NotFound, "") })(ctx)
}

// asProblem is an error for people to read. A page that has fields of the names
// shows their faults there; fields lists them.
func asProblem(err error, fields ...string) *problemView {
	p := &problemView{Message: core.MessageOf(err), Fields: map[string]string{}}
	for _, v := range core.ViolationsOf(err) {
		at := strings.TrimPrefix(v.Location, "body.")
		if slices.Contains(fields, at) {
			p.Fields[at] = v.Message
		} else {
			p.Places = append(p.Places, at+": "+v.Message)
		}
	}
	return p
}

func show(page templ.Component) fiber.Handler {
	return func(ctx *fiber.Ctx) error { return render(ctx, page) }
}

func render(ctx *fiber.Ctx, page templ.Component) error {
	ctx.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return page.Render(ctx.UserContext(), ctx.Response().BodyWriter())
}

// field returns a form's field. Fiber reuses the memory of a request's strings,
// so they are copied where they are read.
func field(ctx *fiber.Ctx, name string) string { return strings.Clone(ctx.FormValue(name)) }

func param(ctx *fiber.Ctx, name string) string { return strings.Clone(ctx.Params(name)) }
