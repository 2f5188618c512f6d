package gateway

import (
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/dispatch"
)

// sandbox is the policy of everything a plugin answers but HTML. Should a browser show
// it as a page nevertheless, that page has no scripts, no forms, no origin.
const sandbox = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// page is the policy of HTML: a page for people who are not signed in, such as
// the one that asks whether to unsubscribe. It has no origin, so no cookie of
// this server is sent with its forms, which is why they may be there. It has no
// scripts, and nothing is loaded but pictures that are part of it.
const page = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-forms"

// shown are the types a browser may show; the answer is a download otherwise.
// SVG is not among them: it is a program that looks like a picture.
var shown = map[string]bool{
	"text/html":        true,
	"application/json": true, "application/problem+json": true, "text/plain": true, "text/csv": true,
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true,
}

// write sends a handler's answer. core/dispatch has checked its status and
// headers.
func write(c *fiber.Ctx, a dispatch.Answer) error {
	r := a.Response
	if r.Status < 200 || r.Status > 599 {
		return core.E("gateway.write", core.Internal, "The plugin answered with a status that does not exist.")
	}
	contentType := r.Headers["content-type"]
	if r.Raw == nil {
		contentType = fiber.MIMEApplicationJSON
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, params = fiber.MIMEOctetStream, nil
	}
	if isProgram(media) {
		media, params = fiber.MIMEOctetStream, nil
	}
	if strings.HasPrefix(media, "text/") {
		params = map[string]string{"charset": "utf-8"}
	}
	c.Set(fiber.HeaderContentSecurityPolicy, sandbox)
	if media == fiber.MIMETextHTML {
		c.Set(fiber.HeaderContentSecurityPolicy, page)
		// A page without an origin cannot share one: browsers refuse to show it
		// with the policy the other answers have.
		c.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	}
	c.Set("X-Carrel-Invocation", string(a.Invocation))
	for name, value := range r.Headers {
		// What is set already is the server's own, but for the caching.
		if len(c.Response().Header.Peek(name)) == 0 || strings.EqualFold(name, fiber.HeaderCacheControl) {
			c.Set(name, value)
		}
	}
	if a.Replayed {
		c.Set("Idempotency-Replayed", "true")
	}
	c.Status(r.Status)
	body := r.Raw
	if body == nil {
		body = r.Body
	}
	if len(body) == 0 {
		c.Response().Header.Del(fiber.HeaderContentType)
		c.Response().Header.SetNoDefaultContentType(true)
		return nil
	}
	c.Set(fiber.HeaderContentType, mime.FormatMediaType(media, params))
	if !shown[media] {
		c.Set(fiber.HeaderContentDisposition, attachment(r.Headers["content-disposition"]))
	}
	return c.Send(body)
}

// isProgram reports whether a browser runs a type as part of another page. The
// console's policy lets its pages run what comes from this server: that must not
// be what a plugin answers.
func isProgram(media string) bool { return strings.Contains(media, "script") || media == "text/css" }

// attachment is a Content-Disposition that saves the answer, under the name the
// handler gave it.
func attachment(wanted string) string {
	_, params, err := mime.ParseMediaType(wanted)
	if name := params["filename"]; err == nil && name != "" && !strings.ContainsAny(name, `/\`) {
		return mime.FormatMediaType("attachment", map[string]string{"filename": name})
	}
	return "attachment"
}
