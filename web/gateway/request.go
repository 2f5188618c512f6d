package gateway

import (
	"bytes"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxParameters  = 100
	maxHeaderValue = 4 << 10 // bytes; a longer one is not handed on
)

// guestHeaders are the header fields a guest gets to see, beside those that end
// in "-signature": senders of webhooks sign that way. All others stay here,
// credentials and what proxies add above all.
var guestHeaders = map[string]bool{
	"accept": true, "accept-language": true, "content-type": true, "content-language": true,
	"if-match": true, "if-none-match": true, "user-agent": true,
	"webhook-id": true, "webhook-timestamp": true, "svix-id": true, "svix-timestamp": true, "x-github-event": true, "x-github-delivery": true,
}

// read makes the request a guest gets. The body is handed on as bytes: what it
// must be is known where the route is.
func read(c *fiber.Ctx, path string) (abi.Request, error) {
	query, err := parseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return abi.Request{}, err
	}
	method := strings.Clone(c.Method())
	if method == fiber.MethodHead {
		method = fiber.MethodGet // the server leaves the body out
	}
	r := abi.Request{Method: method, Path: path, Query: query, Headers: headers(c)}
	if body := c.Request().Body(); len(body) > 0 {
		r.Raw = bytes.Clone(body)
	}
	return r, nil
}

// parseQuery reads a query string. A parameter given twice is refused: a guest
// sees one value, and which one must not be a matter of taste.
func parseQuery(raw string) (map[string]string, error) {
	const op = "gateway.parseQuery"
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, core.Violations{{Location: "query", Message: "is not a valid query string"}}.Err(op,
			"The address is not valid.")
	}
	var wrong core.Violations
	if len(values) > maxParameters {
		wrong.Add("query", "has more than %d parameters", maxParameters)
		return nil, wrong.Err(op, "The address is not valid.")
	}
	query := make(map[string]string, len(values))
	for name, given := range values {
		switch {
		case !utf8.ValidString(name) || !utf8.ValidString(given[0]):
			wrong.Add("query", "is not UTF-8")
		case len(given) > 1:
			wrong.Add("query."+name, "is given %d times", len(given))
		}
		query[name] = given[0]
	}
	return query, wrong.Err(op, "The address is not valid.")
}

func headers(c *fiber.Ctx) map[string]string {
	seen := map[string]string{}
	for rawName, rawValue := range c.Request().Header.All() {
		name, value := strings.ToLower(string(rawName)), string(rawValue)
		if !guestHeaders[name] && !strings.HasSuffix(name, "-signature") || len(value) > maxHeaderValue || !utf8.ValidString(value) {
			continue
		}
		if before, ok := seen[name]; ok {
			value = before + ", " + value
		}
		seen[name] = value
	}
	return seen
}
