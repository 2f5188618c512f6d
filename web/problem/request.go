package problem

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/gofiber/fiber/v2"
)

type (
	requestIDKey struct{}
	causeKey     struct{}
)

// RequestID returns the request's id, making one when it has none: `req_` and
// 32 hexadecimal digits, always the same length. The client cannot choose it,
// so that it can be trusted in logs; it is in the X-Request-Id header of every
// answer.
func RequestID(c *fiber.Ctx) string {
	if id, ok := c.Locals(requestIDKey{}).(string); ok {
		return id
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	id := "req_" + hex.EncodeToString(random[:])
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
