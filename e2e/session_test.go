package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// TestAttack47_SignInBeginsASessionOfItsOwn plants a cookie in somebody's browser
// before they sign in, by the API and by the console's form. What was planted is
// worth nothing afterwards, be it made up, the attacker's own session, or the
// person's session before.
func TestAttack47_SignInBeginsASessionOfItsOwn(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.SignUp("alice"), w.SignUp("mallory")
	doors := map[string]func(p *person, planted string) answer{
		"the API": func(p *person, planted string) answer {
			return p.send("POST", "/api/v1/sessions", body{"email": p.email, "password": password},
				header{"Cookie", planted}, header{"Origin", w.url}, header{"Authorization", ""}).want(201)
		},
		"the console": func(p *person, planted string) answer {
			form := url.Values{"email": {p.email}, "password": {password}}
			return p.send("POST", "/console/sign-in", []byte(form.Encode()), header{"Content-Type", "application/x-www-form-urlencoded"},
				header{"Cookie", planted}, header{"Origin", w.url}, header{"Authorization", ""}).want(303)
		},
	}
	for name, signIn := range doors {
		t.Run(name, func(t *testing.T) {
			enter := func(p *person, planted string) (cookie string) {
				t.Helper()
				set := signIn(p, planted).header.Values("Set-Cookie")
				if len(set) != 1 {
					t.Fatalf("cookies are set: %q", set)
				}
				cookie, _, _ = strings.Cut(set[0], ";")
				if cookie == planted || len(cookie) < 40 {
					t.Fatalf("the cookie is %q, and was %q", cookie, planted)
				}
				return cookie
			}
			is := func(cookie string, who *person) {
				t.Helper()
				a := alice.send("GET", "/api/v1/me", nil, header{"Cookie", cookie}, header{"Authorization", ""})
				switch {
				case who == nil && a.status != 401:
					t.Errorf("the cookie is worth %s", a.raw)
				case who != nil && a.want(200).text("email") != who.email:
					t.Errorf("the cookie is %s's, not %s's", a.text("email"), who.name)
				}
			}
			name, _, _ := strings.Cut(enter(mallory, ""), "=")
			madeUp := name + "=" + strings.Repeat("A", 43)
			first := enter(alice, madeUp)
			is(madeUp, nil)
			is(first, alice)

			theirs := enter(mallory, "")
			second := enter(alice, theirs)
			is(theirs, nil)
			is(second, alice)

			third := enter(alice, second)
			is(second, nil)
			is(third, alice)
			is(first, alice) // another browser of hers
		})
	}
}
