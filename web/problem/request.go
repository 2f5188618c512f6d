package problem

import (
	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
)

type (
	requestIDKey struct{}
	causeKey     struct{}
)

// RequestID returns the request's id, a core.RequestID, making one when it has
// none. The client cannot choose it, so that it can be trusted in logs; it is in
// the X-Request-Id header of every answer.
func RequestID(c *fiber.Ctx) string {
	if id, ok := c.Locals(requestIDKey{}).(string); ok {
		return id
	}
	id := string(core.NewRequestID())
	c.Locals(requestIDKey{}, id)
	c.Set(fiber.HeaderXRequestID, id)
	return id
}

// Remember keeps the error a request failed with for the access log: its cause
// is not shown to the client, so the log is the only place it can be found.
func Remember(c *fiber.Ctx, err error) { c.Locals(causeKey{}, err) }

// Cause returns the error the request failed with, or nil.
func Cause(c *fiber.Ctx) error {
	err, _ := c.Locals(causeKey{}).(error)
	return err
}
