package api

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/web/problem"
)

// object is a JSON object of an OpenAPI document. The documents of workspaces
// are put together from what plugins declare, so there is no type to make them
// of: huma's schemas would drop the keywords they don't know.
type object = map[string]any

func (a *API) documents() {
	type documentOutput struct {
		ContentType string `header:"Content-Type"`
		Body        json.RawMessage
	}
	op := describe("GET /workspaces/{ws}/openapi.json", "getWorkspaceDocument", "The API of a workspace, OpenAPI 3.1")
	op.Description = "Lists the routes of what the workspace installed, enabled and has in its plan, and nothing else."
	register(a, readInstalled, op, func(ctx context.Context, in *InWorkspace) (*documentOutput, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		document, err := a.document(ctx, p)
		if err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(document)
		return &documentOutput{"application/openapi+json", encoded}, core.Wrap("api.documents", core.Internal, err)
	})
}

// document describes what a workspace's plugins add to it.
func (a *API) document(ctx context.Context, p place) (object, error) {
	installed, err := a.Installations.List(ctx, p.ID, p.Actor)
	if err != nil {
		return nil, err
	}
	tags, paths := []object{}, object{}
	for _, in := range installed {
		if in.State != core.InstallationEnabled || !in.Included {
			continue
		}
		release, err := a.Registry.ByDigest(ctx, in.Digest)
		if core.KindOf(err) == core.NotFound {
			continue // lost: its routes are refused
		}
		if err != nil {
			return nil, core.Wrap("api.document", core.Unavailable, err)
		}
		tags = append(tags, object{
			"name":        in.Alias,
			"description": strings.TrimSpace(in.Title + " " + in.Version + ". " + in.Summary + "\n\n" + release.Manifest.Docs.API),
		})
		for _, route := range release.Manifest.Routes {
			path, params := openPath(route.Path)
			at, ok := paths["/"+in.Alias+path].(object)
			if !ok {
				at = object{}
				paths["/"+in.Alias+path] = at
			}
			at[strings.ToLower(route.Method)] = routeOperation(in.Alias, route, params)
		}
	}
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": p.Name, "version": a.Version,
			"description": "What the plugins of the workspace " + p.Name + " can do over HTTP.",
		},
		"servers": []object{{"url": "/w/" + p.Slug}},
		"tags":    tags,
		"paths":   paths,
		"components": object{
			"schemas":         maps.Collect(reachable(schemas, "Problem")),
			"securitySchemes": a.huma.OpenAPI().Components.SecuritySchemes,
		},
	}, nil
}

// routeOperation describes one route of an installation.
func routeOperation(alias string, route abi.Route, params []string) object {
	parameters := []object{}
	for _, name := range params {
		parameters = append(parameters, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range route.Query {
		parameters = append(parameters,
			object{"name": q.Name, "in": "query", "description": q.Doc, "schema": object{"type": "string"}})
	}
	if route.Kind == abi.KindMutation {
		parameters = append(parameters, object{
			"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "maxLength": 255},
			"description": "Sent again with the same key and body, the request is answered as the first time and done once.",
		})
	}
	operation := object{
		"operationId": alias + "." + route.Handler + "." + strings.ToLower(route.Method),
		"tags":        []string{alias},
		"summary":     cmp.Or(route.Doc, route.Method+" "+route.Path),
		"parameters":  parameters,
		"responses": object{
			"2XX":     object{"description": "Done.", "content": content(route.Raw, route.Response)},
			"default": object{"description": "Refused.", "content": object{problem.ContentType: object{"schema": object{"$ref": "#/components/schemas/Problem"}}}},
		},
		"security":      []object{{"token": []string{}}, {"session": []string{}}},
		"x-carrel-kind": route.Kind,
	}
	if route.Public {
		operation["security"] = []object{}
	}
	if route.Permission != "" {
		operation["description"] = "Needs the scope `" + route.Permission + "`."
	}
	if len(route.Request) > 0 || route.Raw && route.Method != "GET" {
		operation["requestBody"] = object{"content": content(route.Raw, route.Request)}
	}
	return operation
}

// content is a body: bytes, or JSON of a schema.
func content(raw bool, schema json.RawMessage) object {
	switch {
	case raw:
		return object{"application/octet-stream": object{}}
	case len(schema) == 0:
		return object{"application/json": object{}}
	default:
		return object{"application/json": object{"schema": schema}}
	}
}

// openPath turns "/contacts/:id" into "/contacts/{id}" and the names in it.
func openPath(path string) (open string, params []string) {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segments[i] = "{" + name + "}"
			params = append(params, name)
		}
	}
	return strings.Join(segments, "/"), params
}

// reachable yields a schema and those it refers to.
func reachable(schemas map[string]*huma.Schema, names ...string) func(yield func(string, *huma.Schema) bool) {
	return func(yield func(string, *huma.Schema) bool) {
		for i := 0; i < len(names); i++ {
			schema := schemas[names[i]]
			if !yield(names[i], schema) {
				return
			}
			for _, property := range schema.Properties {
				for _, s := range []*huma.Schema{property, property.Items} {
					if s == nil || s.Ref == "" {
						continue
					}
					if name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]; !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
		}
	}
}
