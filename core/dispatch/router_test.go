package dispatch

import (
	"maps"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core/abi"
)

func TestRouter(t *testing.T) {
	r := newRouter([]abi.Route{
		{Method: "GET", Path: "/contacts/:id", Handler: "get"},
		{Method: "DELETE", Path: "/contacts/:id", Handler: "delete"},
		{Method: "GET", Path: "/contacts/export", Handler: "export"},
		{Method: "GET", Path: "/contacts/:id/notes/:note", Handler: "note"},
		{Method: "GET", Path: "/:table/recent", Handler: "recent"},
		{Method: "POST", Path: "/contacts", Handler: "create"},
		{Method: "GET", Path: "/", Handler: "home"},
	})
	for _, c := range []struct {
		method, path, handler string
		params                map[string]string
		allowed               []string
	}{
		{"GET", "/", "home", nil, nil},
		{"GET", "", "home", nil, nil},
		{"GET", "/contacts/doc_1", "get", map[string]string{"id": "doc_1"}, nil},
		{"GET", "/contacts/export", "export", nil, nil},                                  // fixed before parameter
		{"DELETE", "/contacts/export", "delete", map[string]string{"id": "export"}, nil}, // of another method
		{"GET", "/contacts/recent", "get", map[string]string{"id": "recent"}, nil},       // fixed from the left
		{"GET", "/deals/recent", "recent", map[string]string{"table": "deals"}, nil},
		{"GET", "/contacts/1/notes/2", "note", map[string]string{"id": "1", "note": "2"}, nil},
		{"PUT", "/contacts/1", "", nil, []string{"DELETE", "GET"}},
		{"GET", "/contacts", "", nil, []string{"POST"}},
		{"GET", "/contacts/", "", nil, nil}, // a parameter is never empty
		{"GET", "/nowhere/at/all", "", nil, nil},
		{"GET", "/contacts//notes/2", "", nil, nil},
	} {
		route, params, allowed := r.match(c.method, c.path)
		handler := ""
		if route != nil {
			handler = route.Handler
		}
		if handler != c.handler || !maps.Equal(params, c.params) || !slices.Equal(allowed, c.allowed) {
			t.Errorf("%s %s: %q %v %v, want %q %v %v", c.method, c.path, handler, params, allowed, c.handler, c.params, c.allowed)
		}
	}
}
