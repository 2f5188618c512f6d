package core

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

var (
	segmentPattern = regexp.MustCompile(`^(:[a-z][A-Za-z0-9]*|[a-z0-9][a-z0-9._-]*)$`)
	methods        = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
)

func (c *manifestCheck) routes() {
	seen := map[string]int{}
	for i, r := range c.m.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		if !slices.Contains(methods, r.Method) {
			c.wrong.Add(at+".method", "%q is none of %s", r.Method, join(methods))
		}
		c.path(at+".path", r.Path)
		shape := r.Method + " " + shapeOf(r.Path)
		if first, taken := seen[shape]; taken {
			c.wrong.Add(at, "%s %s is declared twice; routes[%d] matches the same requests", r.Method, r.Path, first)
		} else {
			seen[shape] = i
		}
		c.handler(at, r.Handler, r.Kind)
		if r.Method == "GET" && (r.Kind == abi.KindMutation || r.Kind == abi.KindAction && !r.Raw) {
			c.wrong.Add(at+".kind", "a GET changes nothing: make it a query, or a raw action that answers bytes")
		}
		if r.Public && r.Permission != "" {
			c.wrong.Add(at+".permission", "a public route is open to everybody; remove public or the permission")
		}
		c.permission(at+".permission", r.Permission)
		c.schema(at+".request", r.Request)
		c.schema(at+".response", r.Response)
		names := map[string]bool{}
		for j, parameter := range r.Query {
			if parameter.Name == "" || names[parameter.Name] {
				c.wrong.Add(fmt.Sprintf("%s.query[%d].name", at, j), "must be there, and only once")
			}
			names[parameter.Name] = true
		}
	}
}

// path checks the path of a route or a page: "/", or segments of lower-case
// letters, digits, dots, dashes and underscores, or `:parameter`.
func (c *manifestCheck) path(at, path string) {
	if path == "/" {
		return
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		c.wrong.Add(at, `%q must begin with "/"`, path)
		return
	}
	seen := map[string]bool{}
	for segment := range strings.SplitSeq(rest, "/") {
		switch {
		case segment == "-":
			c.wrong.Add(at, `%q: the segment "-" is the host's own`, path)
		case !segmentPattern.MatchString(segment):
			c.wrong.Add(at, "%q: the segment %q must be lower-case letters, digits and dashes, or a :parameter", path, segment)
		case segment[0] == ':' && seen[segment]:
			c.wrong.Add(at, "%q names the parameter %s twice", path, segment)
		}
		seen[segment] = true
	}
}

// shapeOf is a path without the names of its parameters.
func shapeOf(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, ":") {
			segments[i] = ":"
		}
	}
	return strings.Join(segments, "/")
}

// handler checks a reference to a handler of a kind. One handler has one kind,
// because the host decides by it what the handler may do.
func (c *manifestCheck) handler(at, name string, kind abi.Kind) {
	if !slices.Contains([]abi.Kind{abi.KindQuery, abi.KindMutation, abi.KindAction}, kind) {
		c.wrong.Add(at+".kind", "%q must be query, mutation or action", kind)
		return
	}
	if !handlerPattern.MatchString(name) {
		c.wrong.Add(at+".handler", "must name a handler, in 1 to 128 characters")
		return
	}
	if other, ok := c.kinds[name]; ok && other != kind {
		c.wrong.Add(at+".handler", "%q is a %s elsewhere in the manifest and cannot be a %s here", name, other, kind)
		return
	}
	c.kinds[name] = kind
}

func (c *manifestCheck) schema(at string, schema json.RawMessage) {
	if len(schema) > 0 {
		_, wrong := CheckSchema(at, schema)
		c.wrong = append(c.wrong, wrong...)
	}
}
