package dispatch

import (
	"cmp"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

// router matches the routes of one manifest. Of two patterns that match, the
// one with a fixed segment where the other has a parameter wins, read from the
// left.
type router struct {
	routes []pattern
}

type pattern struct {
	segments []string
	route    *abi.Route
}

func newRouter(routes []abi.Route) *router {
	r := &router{routes: make([]pattern, len(routes))}
	for i := range routes {
		r.routes[i] = pattern{split(routes[i].Path), &routes[i]}
	}
	slices.SortStableFunc(r.routes, func(a, b pattern) int {
		return slices.CompareFunc(a.segments, b.segments, func(a, b string) int {
			return cmp.Compare(parameters(a), parameters(b))
		})
	})
	return r
}

// parameters is 1 for a parameter and 0 for a fixed segment.
func parameters(segment string) int {
	if strings.HasPrefix(segment, ":") {
		return 1
	}
	return 0
}

// match finds the route of a method and path. When only the method is wrong it
// returns the methods the path has.
func (r *router) match(method, path string) (route *abi.Route, params map[string]string, allowed []string) {
	segments := split(path)
	for _, p := range r.routes {
		if !p.matches(segments) {
			continue
		}
		if p.route.Method != method {
			allowed = append(allowed, p.route.Method)
			continue
		}
		return p.route, p.params(segments), nil
	}
	slices.Sort(allowed)
	return nil, nil, slices.Compact(allowed)
}

func (p pattern) matches(segments []string) bool {
	return slices.EqualFunc(p.segments, segments, func(pattern, segment string) bool {
		return pattern == segment || parameters(pattern) == 1 && segment != ""
	})
}

func (p pattern) params(segments []string) map[string]string {
	var params map[string]string
	for i, segment := range p.segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			if params == nil {
				params = map[string]string{}
			}
			params[name] = segments[i]
		}
	}
	return params
}

func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }
