package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Request is an HTTP request to a plugin's route. Its bytes are the
// dispatcher's to keep: a server that recycles buffers copies them first.
type Request struct {
	Workspace      core.Workspace
	Alias          string // of the installation, in the URL
	Actor          core.Actor
	HTTP           abi.Request // Path is below /w/{workspace}/{plugin}; the body is in Raw
	IdempotencyKey string      // "" for none
}

// Request answers a request to a plugin's route. The response's status is set.
//
// Errors: NotFound for an unknown plugin or path, and to strangers also for a
// plugin that is disabled or outside the plan; Invalid for a method the path
// doesn't have, naming those it has; Unauthenticated and Denied as they say;
// RateLimited when the workspace has too many calls in progress; Changed when
// conflicts never ended; the handler's own error; or how its run ended.
func (d *Dispatcher) Request(ctx context.Context, r Request) (Answer, error) {
	t := task{
		workspace: r.Workspace, trigger: abi.TriggerRequest, limits: d.request,
		authorise: func(v *view) (*target, error) { return d.route(v, r) },
	}
	if r.IdempotencyKey != "" {
		// The receipt makes it right; waiting for the first of several equal
		// requests saves the others from being run in vain.
		t.request = r.Alias + " " + string(r.Actor.Account) + " " + r.IdempotencyKey
	}
	return d.execute(ctx, t)
}

func (d *Dispatcher) route(v *view, r Request) (*target, error) {
	const op = "dispatch.Request"
	actor, err := v.current(r.Actor)
	if err != nil {
		return nil, err
	}
	in := v.byAlias[r.Alias]
	if err := d.usable(v, in, r.Alias, actor); err != nil {
		return nil, err
	}
	route, params, allowed := in.routes.match(r.HTTP.Method, r.HTTP.Path)
	if route == nil {
		if len(allowed) > 0 {
			return nil, &core.Error{Op: op, Kind: core.Invalid, Err: &MethodError{allowed},
				Msg: fmt.Sprintf("%s has no %s. It has %s.", r.HTTP.Path, r.HTTP.Method, strings.Join(allowed, ", "))}
		}
		return nil, core.E(op, core.NotFound, "%s has no route %s.", r.Alias, r.HTTP.Path)
	}
	request := r.HTTP
	request.Params = params
	t := &target{
		installation: in.Installation, manifest: in.manifest, actor: actor,
		kind: route.Kind, handler: route.Handler, raw: route.Raw,
		input: abi.Invocation{IdempotencyKey: r.IdempotencyKey, Request: &request},
	}
	if !route.Public {
		if err := mayUse(in, actor, route.Permission); err != nil {
			return t, err
		}
	}
	if err := readBody(route, &request); err != nil {
		return t, err
	}
	if r.IdempotencyKey != "" {
		remembered, err := newReceipt(in.ID, actor, r.IdempotencyKey, request)
		if err != nil {
			return t, err
		}
		if route.Kind == abi.KindMutation {
			t.receipt = remembered
		}
	}
	return t, nil
}

// MethodError is the cause of an Invalid error: the path is there, for other
// methods.
type MethodError struct{ Allowed []string }

// Error implements error.
func (e *MethodError) Error() string { return "allowed are " + strings.Join(e.Allowed, ", ") }

// Page answers the interface tree of a page of the manifest, made by its
// handler, which is a query. Errors are those of Request.
func (d *Dispatcher) Page(ctx context.Context, ws core.Workspace, alias, path string, actor core.Actor, query map[string]string) (json.RawMessage, error) {
	answer, err := d.execute(ctx, task{
		workspace: ws, trigger: abi.TriggerRequest, limits: d.request,
		authorise: func(v *view) (*target, error) { return d.page(v, alias, path, actor, query) },
	})
	return answer.Response.Body, err
}

func (d *Dispatcher) page(v *view, alias, path string, actor core.Actor, query map[string]string) (*target, error) {
	actor, err := v.current(actor)
	if err != nil {
		return nil, err
	}
	in := v.byAlias[alias]
	if err := d.usable(v, in, alias, actor); err != nil {
		return nil, err
	}
	page, params, _ := in.pages.match("GET", path)
	if page == nil {
		return nil, core.E("dispatch.Page", core.NotFound, "%s has no page %s.", alias, path)
	}
	return &target{
		installation: in.Installation, manifest: in.manifest, actor: actor, kind: abi.KindQuery, handler: page.Handler,
		input: abi.Invocation{Request: &abi.Request{Method: "GET", Path: path, Params: params, Query: query}},
	}, mayUse(in, actor, page.Permission)
}

// pageRoutes are pages as what they are to a router: queries with a GET.
func pageRoutes(pages []abi.ManifestPage) []abi.Route {
	routes := make([]abi.Route, len(pages))
	for i, p := range pages {
		routes[i] = abi.Route{Method: "GET", Path: p.Path, Kind: abi.KindQuery, Handler: p.Handler, Permission: p.Permission}
	}
	return routes
}
