package api

import (
	"context"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/registry"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// Prefix is where the API is.
const Prefix = "/api/v1"

// Config is the services the API is made of. All are required.
type Config struct {
	Version       string // of the server, for the OpenAPI document
	Accounts      *account.Service
	Workspaces    *workspace.Service
	Installations *workspace.Installations
	Billing       *billing.Service
	Plans         *billing.Plans
	Registry      *registry.Registry
	History       History
}

// API holds what the operations share.
type API struct {
	Config
	guard   *session.Guard
	huma    huma.API
	uploads uploads
}

// Mount registers every operation below Prefix.
func Mount(router fiber.Router, guard *session.Guard, cfg Config) {
	a := &API{Config: cfg, guard: guard}
	a.huma = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Carrel", Version: cfg.Version,
				Description: "The platform: accounts, workspaces, installations, the marketplace. What the plugins of a workspace add is described by that workspace's own document, /api/v1/workspaces/{ws}/openapi.json.",
				License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: Prefix}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":   {Type: "http", Scheme: "bearer", Description: "An API token, carrel_…"},
					"session": {Type: "apiKey", In: "cookie", Name: guard.CookieName(), Description: "Set by POST /sessions. Requests that change something must come from the same origin."},
				},
			},
		},
		// No schema links, no documentation page from a CDN, and one document
		// made once.
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}, adapter{router.Group(Prefix)})

	a.accounts()
	a.sessions()
	a.tokens()
	a.workspaces()
	a.members()
	a.installations()
	a.plan()
	a.audit()
	a.history()
	a.documents()
	a.marketplace()
	a.releases()

	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		panic(err) // of our own types only: the first test finds it
	}
	router.Get(Prefix+"/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/openapi+json")
		return c.Send(document)
	})
}

// place is a workspace a request may enter, and what it is there.
type place struct {
	core.Workspace
	Actor core.Actor
}

// enter finds the workspace of a request. One that does not exist, one the
// account is no member of, and one that the token is not for are the same
// not_found.
func (a *API) enter(ctx context.Context, ref string) (place, error) {
	who, err := session.Require(ctx)
	if err != nil {
		return place{}, err
	}
	w, m, err := a.Workspaces.Resolve(ctx, who.Account.ID, ref)
	if err != nil {
		return place{}, err
	}
	actor, err := workspace.ActorFor(m, who.Token)
	return place{w, actor}, err
}

// refuse answers a huma request with a problem.
func refuse(ctx huma.Context, err error) {
	_ = problem.Write(fiberOf(ctx), err)
}
