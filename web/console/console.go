package console

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"

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
	SignUp        bool // people may make accounts of their own
}

// Console serves the web application.
type Console struct{ Config }

// New makes a console; Mount puts it into a server.
func New(cfg Config) *Console { return &Console{cfg} }

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

	r.Get("/w/:ws", c.inside(c.home))
	r.Post("/w/:ws/plan", c.inside(c.changePlan))
	r.Get("/w/:ws/marketplace", c.inside(c.marketplace))
	r.Get("/w/:ws/marketplace/:plugin", c.inside(c.plugin))
	r.Get("/w/:ws/marketplace/:plugin/install", c.inside(c.consent))
	r.Post("/w/:ws/marketplace/:plugin/install", c.inside(c.install))
	r.Post("/w/:ws/installations/:plugin", c.inside(c.switchState))
	r.Get("/w/:ws/installations/:plugin/uninstall", c.inside(c.confirmUninstall))
	r.Post("/w/:ws/installations/:plugin/uninstall", c.inside(c.uninstall))
	r.Get("/w/:ws/p/:plugin/*", c.inside(c.pluginPage))
	r.Post("/w/:ws/p/:plugin/*", c.inside(c.upload))
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
		if v.actor, err = workspace.ActorFor(member, nil); err != nil {
			return err
		}
		if v.nav, err = c.navigation(v); err != nil {
			return err
		}
		return handle(v)
	})
}

// navigation lists what the workspace enabled, and nothing else.
func (c *Console) navigation(v *visit) ([]navGroup, error) {
	here := string(v.Request().URI().Path())
	link := func(title, url string) navLink { return navLink{title, url, url == here} }
	base := Prefix + "/w/" + v.ws.Slug
	groups := []navGroup{{Title: "Workspace", Links: []navLink{link("Home", base), link("Marketplace", base+"/marketplace")}}}
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	if err != nil {
		return nil, err
	}
	for _, in := range list {
		if in.State != core.InstallationEnabled || !in.Included {
			continue
		}
		release, err := c.Registry.ByDigest(v.UserContext(), in.Digest)
		if core.KindOf(err) == core.NotFound {
			continue // the registry has lost it: the page says so where it is used
		}
		if err != nil {
			return nil, err
		}
		group := navGroup{Title: in.Title}
		for _, p := range release.Manifest.Pages {
			if p.Nav {
				group.Links = append(group.Links, link(p.Title, pageURL(v.ws.Slug, in.Alias, p.Path)))
			}
		}
		if len(group.Links) > 0 {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

func pageURL(slug, alias, path string) string { return Prefix + "/w/" + slug + "/p/" + alias + path }

// frame is the visit's page frame.
func (v *visit) frame(title string) frame {
	return frame{
		Title: title, Account: v.who.Account.Name, Workspace: v.ws.Name, Slug: v.ws.Slug, Nav: v.nav,
		Notice: noticeTexts[v.Query("done")],
	}
}

// noticeTexts are what a page may say after a redirect. The URL names one, it can't
// bring a text of its own.
var noticeTexts = map[string]string{
	"installed": "Installed. You find its pages on the left.",
	"enabled":   "Enabled.",
	"disabled":  "Disabled. Its data is kept.",
	"plan":      "The plan is changed.",
}

// fail shows an error as a page.
func (c *Console) fail(v *visit, err error) error {
	problem.Remember(v.Ctx, err)
	kind := core.KindOf(err)
	f := v.frame("Something is in the way")
	f.Problem = asProblem(err)
	if kind == core.NotFound {
		// A missing page and another workspace's must not be told apart.
		f = frame{Title: "Not found", Account: v.who.Account.Name, Problem: &problemView{Message: "There is nothing here for you under this address."}}
	}
	v.Status(problem.Status(kind))
	return render(v.Ctx, problemPage(f, f.Title))
}

// lost answers addresses that no route knows.
func (c *Console) lost(ctx *fiber.Ctx) error {
	return c.signedIn(func(*visit) error { return core.E("console.lost", core.NotFound, "") })(ctx)
}

// asProblem is an error for people to read.
func asProblem(err error) *problemView {
	p := &problemView{Message: core.MessageOf(err)}
	for _, v := range core.ViolationsOf(err) {
		p.Places = append(p.Places, strings.TrimPrefix(v.Location, "body.")+": "+v.Message)
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
