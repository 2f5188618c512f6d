package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// Prefix is where the gateway is.
const Prefix = "/w/"

// Dispatcher runs the handler behind a route; dispatch.Dispatcher implements it.
type Dispatcher interface {
	Request(ctx context.Context, r dispatch.Request) (dispatch.Answer, error)
}

// Workspaces finds workspaces.
type Workspaces interface {
	// Resolve finds a workspace the account is a member of, by slug or id;
	// not_found otherwise.
	Resolve(ctx context.Context, account core.AccountID, ref string) (core.Workspace, core.Member, error)
	// Lookup finds a workspace for a stranger.
	Lookup(ctx context.Context, ref string) (core.Workspace, error)
}

// Config is what the gateway is made of. Both are required.
type Config struct {
	Dispatcher Dispatcher
	Workspaces Workspaces
}

// Mount registers the gateway below Prefix.
func Mount(router fiber.Router, cfg Config) {
	for _, method := range []string{fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodPatch, fiber.MethodDelete} {
		router.Add(method, Prefix+":ws/:plugin/*", cfg.serve)
	}
}

// serve answers one request to a plugin.
func (g Config) serve(c *fiber.Ctx) error {
	to, err := parseTarget(string(c.Request().URI().PathOriginal()))
	if err != nil {
		return err
	}
	// Read first: what is wrong with a request must not depend on whether the
	// workspace is there.
	request, err := read(c, to.path)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	who, signedIn := session.From(ctx)
	w, actor, err := g.enter(ctx, who, signedIn, to.workspace)
	switch {
	case core.KindOf(err) == core.NotFound && !signedIn:
		return errSignIn
	case err != nil:
		return err
	}
	answer, err := g.Dispatcher.Request(ctx, dispatch.Request{
		Workspace: w, Alias: to.alias, Actor: actor, HTTP: request,
		IdempotencyKey: strings.Clone(c.Get("Idempotency-Key")),
	})
	if err != nil && actor.Type == core.ActorAnonymous {
		err = hide(err, signedIn)
	}
	if wrong, ok := errors.AsType[*dispatch.MethodError](err); ok {
		c.Set(fiber.HeaderAllow, strings.Join(wrong.Allowed, ", "))
		return core.E("gateway.serve", problem.MethodNotAllowed, "%s", core.MessageOf(err))
	}
	if err != nil {
		return err
	}
	return write(c, answer)
}

// enter finds the workspace and what the request is in it: a member, by session
// or token, or nobody in particular. Somebody who is signed in but no member is
// nobody in particular too: public routes are for everybody.
func (g Config) enter(ctx context.Context, who session.Identity, signedIn bool, ref string) (core.Workspace, core.Actor, error) {
	anonymous := core.Actor{Type: core.ActorAnonymous}
	if signedIn {
		w, m, err := g.Workspaces.Resolve(ctx, who.Account.ID, ref)
		var actor core.Actor
		if err == nil {
			actor, err = workspace.ActorFor(m, who.Token)
		}
		if core.KindOf(err) != core.NotFound {
			return w, actor, err
		}
	}
	w, err := g.Workspaces.Lookup(ctx, ref)
	return w, anonymous, err
}

var (
	errSignIn  = core.E("gateway.serve", core.Unauthenticated, "Sign in, or send an API token of a member of the workspace.")
	errMissing = core.E("gateway.serve", core.NotFound, "")
)

// hide makes every refusal the same that a stranger gets before a handler runs,
// so that nobody can find out which workspaces there are and what is installed
// in them. What the handler of a public route answered passes: its error is the
// plugin's own, not the dispatcher's.
func hide(err error, signedIn bool) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Op != "dispatch.Request" && e.Op != "dispatch.Authorise" {
		return err
	}
	switch {
	case e.Kind == core.Invalid && len(core.ViolationsOf(err)) > 0: // of a public route: the others refuse earlier
		return err
	case signedIn:
		return errMissing
	default:
		return errSignIn
	}
}
