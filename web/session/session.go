package session

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

// Authenticator knows the secrets; account.Service implements it. Both methods
// answer an error of kind unauthenticated for a secret that is wrong, expired
// or revoked.
type Authenticator interface {
	Authenticate(ctx context.Context, secret string) (account.Identity, error)
	AuthenticateToken(ctx context.Context, bearer string) (account.Identity, error)
}

// Identity is who a request comes from: an account, by a session, or by a token
// that may do less.
type Identity struct{ account.Identity }

// Allows reports whether the identity may use a scope of the platform itself,
// such as core.installations.write. Sessions and tokens without scopes may use
// all of them; what the account may do with them is decided elsewhere.
func (i Identity) Allows(scope string) bool {
	return i.Token == nil || i.Token.Scopes == nil ||
		slices.ContainsFunc(i.Token.Scopes, func(held string) bool { return core.ScopeCovers(held, scope) })
}

type identityKey struct{}

// With returns a context that carries an identity.
func With(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, i)
}

// From returns the identity of a request's context; false: it is anonymous.
func From(ctx context.Context) (Identity, bool) {
	i, ok := ctx.Value(identityKey{}).(Identity)
	return i, ok
}

// Require returns the identity of a request's context, or an error of kind
// unauthenticated.
func Require(ctx context.Context) (Identity, error) {
	if i, ok := From(ctx); ok {
		return i, nil
	}
	return Identity{}, core.E("session.Require", core.Unauthenticated,
		"Sign in, or send an API token as `Authorization: Bearer carrel_…`.")
}

// Guard authenticates requests and manages the session cookie.
type Guard struct {
	auth   Authenticator
	secure bool
}

// NewGuard makes a Guard. secure says that people reach the server over https:
// the cookie is then called __Host-carrel_session and Secure. Over plain http,
// which is for trying Carrel on one's own machine, it is carrel_session:
// browsers differ on whether localhost may set Secure cookies (Safari refuses),
// and a sign-in that silently fails is worse.
func NewGuard(auth Authenticator, secure bool) *Guard { return &Guard{auth: auth, secure: secure} }

// CookieName is the name of the session cookie.
func (g *Guard) CookieName() string {
	if g.secure {
		return "__Host-carrel_session"
	}
	return "carrel_session"
}

// Cookie is the Set-Cookie value that signs a browser in until expires, or out
// when value is empty.
func (g *Guard) Cookie(value string, expires time.Time) string {
	var b strings.Builder
	b.WriteString(g.CookieName() + "=" + value + "; Path=/; HttpOnly; SameSite=Lax")
	if g.secure {
		b.WriteString("; Secure")
	}
	if value == "" {
		b.WriteString("; Max-Age=0")
	} else {
		b.WriteString("; Expires=" + expires.UTC().Format(time.RFC1123)[:len("Mon, 02 Jan 2006 15:04:05 ")] + "GMT")
	}
	return b.String()
}

// SignIn sets the session cookie on an answer.
func (g *Guard) SignIn(c *fiber.Ctx, value string, expires time.Time) {
	c.Append(fiber.HeaderSetCookie, g.Cookie(value, expires))
}

// SignOut removes the session cookie from the browser. Ending the session
// itself is account.Service's work.
func (g *Guard) SignOut(c *fiber.Ctx) { c.Append(fiber.HeaderSetCookie, g.Cookie("", time.Time{})) }

// Secret returns the session secret in a Cookie header, or "".
func (g *Guard) Secret(header string) string {
	cookies, _ := http.ParseCookie(header)
	for _, c := range cookies {
		if c.Name == g.CookieName() {
			return c.Value
		}
	}
	return ""
}

// Middleware puts the request's identity into its context. A request without
// credentials passes as anonymous: whether that is enough is decided where the
// route is known. An unusable token is refused everywhere, because its owner
// would otherwise take the anonymous answer for theirs; an unusable cookie is
// taken as none, because a browser cannot help sending it.
//
// Requests that change something and come from another site are refused, unless
// they carry a token: browsers never attach those by themselves. Below the open
// prefixes they are refused only with a cookie: without one they are nobody's,
// and what is there for nobody is there for the forms of all sites.
func (g *Guard) Middleware(open ...string) fiber.Handler {
	return func(c *fiber.Ctx) error { return g.identify(c, open) }
}

func (g *Guard) identify(c *fiber.Ctx, open []string) error {
	if header := c.Get(fiber.HeaderAuthorization); header != "" {
		scheme, bearer, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(bearer, account.TokenPrefix) {
			return core.E("session.identify", core.Unauthenticated, "Send the API token as `Authorization: Bearer carrel_…`.")
		}
		who, err := g.auth.AuthenticateToken(c.UserContext(), strings.Clone(bearer))
		if err != nil {
			return err
		}
		c.SetUserContext(With(c.UserContext(), Identity{who}))
		return c.Next()
	}
	cookie := g.Secret(string(c.Request().Header.Peek(fiber.HeaderCookie)))
	if cookie != "" || !slices.ContainsFunc(open, func(prefix string) bool { return strings.HasPrefix(c.Path(), prefix) }) {
		if err := refuseCrossOrigin(c, cookie != ""); err != nil {
			return err
		}
	}
	if cookie == "" {
		return c.Next()
	}
	who, err := g.auth.Authenticate(c.UserContext(), cookie)
	switch {
	case core.KindOf(err) == core.Unauthenticated:
		return c.Next()
	case err != nil:
		return err
	}
	c.SetUserContext(With(c.UserContext(), Identity{who}))
	return c.Next()
}
