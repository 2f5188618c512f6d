package web

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/problem"
)

// Observer is told of each request by the request, which waits for it to return.
type Observer interface {
	// Request begins one. The traceparent is what the client sent, whoever that
	// is. The request is answered with the context, whose core.Trace names it. The
	// function is called when the answer is known, with the pattern of the address,
	// "" when there is none, and the status.
	Request(ctx context.Context, method, traceparent string) (context.Context, func(route string, status int))
}

// begin names the request, and tells the observer of it.
func (s *Server) begin(c *fiber.Ctx) (ended func()) {
	ctx := core.WithTrace(c.UserContext(), core.Trace{Request: core.RequestID(problem.RequestID(c))})
	if s.observer == nil {
		c.SetUserContext(ctx)
		return func() {}
	}
	ctx, answered := s.observer.Request(ctx, strings.Clone(c.Method()), strings.Clone(c.Get("traceparent")))
	c.SetUserContext(ctx)
	return func() { answered(s.pattern(c), c.Response().StatusCode()) }
}

// pattern is that of the address that answered. What no address did is the last
// middleware's, which is no pattern of an address.
func (s *Server) pattern(c *fiber.Ctx) string {
	if path := c.Route().Path; s.patterns[path] {
		return path
	}
	return ""
}
