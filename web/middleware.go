package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// observe gives the request its id, turns errors and panics into problems, and
// writes the access log.
func (s *Server) observe(c *fiber.Ctx) (err error) {
	begin := time.Now()
	ended := s.begin(c)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
		if err != nil {
			err = problem.Write(c, err)
		}
		s.record(c, begin)
		ended()
	}()
	return c.Next()
}

// record writes one line about an answered request. It has the path but never
// the query, and no header: secrets travel there. The long parts of a path are
// left out, too: they are the signed tokens of links in mails.
func (s *Server) record(c *fiber.Ctx, begin time.Time) {
	now, level, cause := time.Now(), slog.LevelInfo, problem.Cause(c)
	if cause != nil && c.Response().StatusCode() >= fiber.StatusInternalServerError {
		level = slog.LevelError
	}
	// A Logger would find out where this is called from, for nobody.
	line := slog.NewRecord(now, level, "request", 0)
	line.AddAttrs(
		slog.String("request", problem.RequestID(c)),
		slog.String("method", c.Method()),
		slog.String("path", logged(c.Path())),
		slog.Int("status", c.Response().StatusCode()),
	)
	if !begin.IsZero() {
		line.AddAttrs(slog.Duration("took", now.Sub(begin)))
	}
	if who, ok := session.From(c.UserContext()); ok {
		line.AddAttrs(slog.String("account", string(who.Account.ID)))
	}
	if cause != nil {
		line.AddAttrs(slog.String("kind", string(core.KindOf(cause))))
	}
	if level == slog.LevelError {
		line.AddAttrs(slog.String("error", cause.Error()))
	}
	if handler := s.log.Handler(); handler.Enabled(c.UserContext(), level) {
		_ = handler.Handle(c.UserContext(), line) // a Logger would not say either
	}
}

// logged is a path as the log has it: without segments that are longer than any
// id, and not longer than 256 bytes.
func logged(path string) string {
	const longest = 48 // an id has 40
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if len(segment) > longest {
			segments[i] = "…"
		}
	}
	path = strings.Join(segments, "/")
	return path[:min(len(path), 256)]
}

// headers sets what protects a browser that shows an answer. The console and
// the gateway replace the policy with their own.
func headers(secure bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		setHeaders(c, secure)
		return c.Next()
	}
}

func setHeaders(c *fiber.Ctx, secure bool) {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
	if secure {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
}

// framing refuses requests whose length two servers could understand in two
// ways: both Content-Length and Transfer-Encoding, a space before the colon, a
// folded line. A proxy in front that understood it the other way would take the
// rest for another person's request.
func framing(c *fiber.Ctx) error {
	var length, encoding bool
	for line := range bytes.Lines(c.Request().Header.RawHeaders()) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || bytes.ContainsAny(name, " \t") {
			return ambiguous(c)
		}
		length = length || bytes.EqualFold(name, []byte(fiber.HeaderContentLength))
		encoding = encoding || bytes.EqualFold(name, []byte(fiber.HeaderTransferEncoding))
	}
	if length && encoding {
		return ambiguous(c)
	}
	return c.Next()
}

func ambiguous(c *fiber.Ctx) error {
	c.Response().SetConnectionClose()
	return core.E("web.framing", core.Invalid,
		"The request's length can be read in two ways. Send either Content-Length "+
			"or Transfer-Encoding, and no space before a colon.")
}
