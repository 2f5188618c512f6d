package session

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/web/problem"
)

// oneOfEach knows one session and one token.
type oneOfEach struct{}

func (oneOfEach) Authenticate(_ context.Context, secret string) (account.Identity, error) {
	if secret != "good" {
		return account.Identity{}, core.E("test", core.Unauthenticated, "The session has ended.")
	}
	return account.Identity{Account: core.Account{ID: "acc_session"}}, nil
}

func (oneOfEach) AuthenticateToken(_ context.Context, bearer string) (account.Identity, error) {
	if bearer != "carrel_good" {
		return account.Identity{}, core.E("test", core.Unauthenticated, "The token is unknown.")
	}
	return account.Identity{Account: core.Account{ID: "acc_token"}, Token: &core.Token{Scopes: []string{"crm.*"}}}, nil
}

// who answers whom the middleware found.
func who(t *testing.T, secure bool, what string, header map[string]string) (int, string) {
	t.Helper()
	app := fiber.New(fiber.Config{ErrorHandler: problem.Write})
	app.Use(NewGuard(oneOfEach{}, secure).Middleware("/open/"))
	app.All("/*", func(c *fiber.Ctx) error {
		if i, ok := From(c.UserContext()); ok {
			return c.SendString(string(i.Account.ID))
		}
		return c.SendString("anonymous")
	})
	method, path, _ := strings.Cut(what, " ")
	req := httptest.NewRequest(method, cmp.Or(path, "/"), nil)
	req.Host = "carrel.example"
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := make([]byte, 64)
	n, _ := res.Body.Read(body)
	return res.StatusCode, string(body[:n])
}

func TestWhoIsAsking(t *testing.T) {
	for _, c := range []struct {
		name   string
		secure bool
		method string
		header map[string]string
		status int
		body   string
	}{
		{"nobody", true, "GET", nil, 200, "anonymous"},
		{"a session", true, "GET", map[string]string{"Cookie": "__Host-carrel_session=good"}, 200, "acc_session"},
		{"a session among others", true, "GET", map[string]string{"Cookie": "a=b; __Host-carrel_session=good; c=d"}, 200, "acc_session"},
		{"an ended session", true, "GET", map[string]string{"Cookie": "__Host-carrel_session=old"}, 200, "anonymous"},
		{"a cookie any site of the domain could set", true, "GET", map[string]string{"Cookie": "carrel_session=good"}, 200, "anonymous"},
		{"a session over plain http", false, "GET", map[string]string{"Cookie": "carrel_session=good"}, 200, "acc_session"},
		{"a token", true, "POST", map[string]string{"Authorization": "Bearer carrel_good"}, 200, "acc_token"},
		{"a token, in lower case", true, "GET", map[string]string{"Authorization": "bearer carrel_good"}, 200, "acc_token"},
		{"a token beside a session", true, "GET", map[string]string{"Authorization": "Bearer carrel_good", "Cookie": "__Host-carrel_session=good"}, 200, "acc_token"},
		{"a bad token beside a session", true, "GET", map[string]string{"Authorization": "Bearer carrel_bad", "Cookie": "__Host-carrel_session=good"}, 401, ""},
		{"another scheme", true, "GET", map[string]string{"Authorization": "Basic Zm9v"}, 401, ""},
		{"not our token", true, "GET", map[string]string{"Authorization": "Bearer ghp_x"}, 401, ""},
		{"a change from this site", true, "POST", map[string]string{"Cookie": "__Host-carrel_session=good", "Sec-Fetch-Site": "same-origin"}, 200, "acc_session"},
		{"a change from this site, an older browser", true, "POST", map[string]string{"Cookie": "__Host-carrel_session=good", "Origin": "https://CARREL.example"}, 200, "acc_session"},
		{"a change from another site", true, "POST", map[string]string{"Cookie": "__Host-carrel_session=good", "Origin": "https://carrel.example.evil"}, 403, ""},
		{"a change from who knows where", true, "POST", map[string]string{"Cookie": "__Host-carrel_session=good"}, 403, ""},
		{"a change by a program", true, "POST", nil, 200, "anonymous"},
		{"a change from a page without an origin", true, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403, ""},
		{"one of what is open", true, "POST /open/form", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 200, "anonymous"},
		{"one of what is open, with a cookie", true, "POST /open/form", map[string]string{"Origin": "null", "Cookie": "__Host-carrel_session=good"}, 403, ""},
		{"one of what looks open", true, "POST /openings", map[string]string{"Origin": "null"}, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := who(t, c.secure, c.method, c.header)
			if status != c.status || c.body != "" && body != c.body {
				t.Errorf("%d %s, want %d %s", status, body, c.status, c.body)
			}
		})
	}
}

func TestTheCookieIsOnlyForThisServerAndNoScript(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	cookie := func(header string) *http.Cookie {
		c, err := http.ParseSetCookie(header)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := cookie(NewGuard(nil, true).Cookie("secret", at))
	if c.Name != "__Host-carrel_session" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !c.Expires.Equal(at) {
		t.Errorf("%+v", c)
	}
	if c := cookie(NewGuard(nil, false).Cookie("secret", at)); c.Secure || strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("no browser would keep this over http: %+v", c)
	}
	if c := cookie(NewGuard(nil, true).Cookie("", time.Time{})); c.MaxAge >= 0 {
		t.Errorf("signing out leaves the cookie: %+v", c)
	}
}

func TestATokenIsLimitedToItsScopes(t *testing.T) {
	with := func(scopes []string) Identity {
		return Identity{account.Identity{Token: &core.Token{Scopes: scopes}}}
	}
	for _, c := range []struct {
		who   Identity
		scope string
		want  bool
	}{
		{Identity{}, "core.members.write", true},
		{with(nil), "core.members.write", true},
		{with([]string{}), "core.members.read", false},
		{with([]string{"crm.*"}), "core.members.read", false},
		{with([]string{"core.members.read"}), "core.members.read", true},
		{with([]string{"core.members.read"}), "core.members.write", false},
		{with([]string{"core.*"}), "core.members.write", true},
	} {
		if got := c.who.Allows(c.scope); got != c.want {
			t.Errorf("%+v allows %s: %v", c.who.Token, c.scope, got)
		}
	}
}
