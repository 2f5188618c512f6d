package session

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
)

// refuseCrossOrigin refuses a request that changes something and was caused by
// another origin. Browsers say so themselves in Sec-Fetch-Site, older ones (and
// all of them over plain http) in Origin; nothing that runs in a page can forge
// either. A request that says neither comes from a program: it passes only
// without a cookie.
func refuseCrossOrigin(c *fiber.Ctx, hasCookie bool) error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return nil
	}
	refused := core.E("session.refuseCrossOrigin", core.Denied,
		"This request came from another site, or does not say where it comes from. Use an API token, or send it from Carrel's own pages.")
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none": // none: the person typed it
		return nil
	case "":
	default:
		return refused
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		if hasCookie {
			return refused
		}
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, string(c.Request().Host())) {
		return refused
	}
	return nil
}
