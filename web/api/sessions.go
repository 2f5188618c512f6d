package api

import (
	"context"
	"net/http"
	"time"

	accounts "github.com/carrel-dev/carrel/core/account"
)

// Browser is the part of an input that holds the session of the browser, if
// the request comes from one.
type Browser struct {
	Cookie string `header:"Cookie" hidden:"true"`
}

func (a *API) sessions() {
	signIn := describe("POST /sessions", "signIn", "Sign in")
	signIn.Description = "Sets the session cookie. The session the browser had before ends. Programs use an API token instead."
	signIn.DefaultStatus = http.StatusCreated
	type signInOutput struct {
		SetCookie string `header:"Set-Cookie"`
		Body      struct {
			Account   Account   `json:"account"`
			ExpiresAt time.Time `json:"expiresAt"`
		} `nameHint:"Session"`
	}
	register(a, anyone, signIn, func(ctx context.Context, in *struct {
		Browser
		Body struct {
			Email    string `json:"email"`
			Password string `json:"password"`
		}
	}) (*signInOutput, error) {
		secret, session, who, err := a.Accounts.SignIn(ctx, accounts.SignInRequest{
			Email: in.Body.Email, Password: in.Body.Password, Previous: a.guard.Secret(in.Cookie),
		})
		if err != nil {
			return nil, inBody(err)
		}
		out := &signInOutput{SetCookie: a.guard.Cookie(secret, session.Expires)}
		out.Body.Account, out.Body.ExpiresAt = accountView(who), session.Expires
		return out, nil
	})

	signOut := describe("DELETE /sessions/current", "signOut", "Sign out")
	type signOutOutput struct {
		SetCookie string `header:"Set-Cookie"`
	}
	register(a, anyone, signOut, func(ctx context.Context, in *struct{ Browser }) (*signOutOutput, error) {
		if secret := a.guard.Secret(in.Cookie); secret != "" {
			if err := a.Accounts.SignOut(ctx, secret); err != nil {
				return nil, err
			}
		}
		return &signOutOutput{a.guard.Cookie("", time.Time{})}, nil
	})
}
