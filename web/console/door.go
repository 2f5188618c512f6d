package console

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/web/problem"
)

// setUp makes the server's first account.
func (c *Console) setUp(ctx *fiber.Ctx) error {
	return c.join(ctx, setupPage, field(ctx, "setupToken"))
}

// signUp makes an account.
func (c *Console) signUp(ctx *fiber.Ctx) error { return c.join(ctx, signUpPage, "") }

// join makes an account and signs it in.
func (c *Console) join(ctx *fiber.Ctx, page func(doorForm) templ.Component, setupToken string) error {
	form := doorForm{Email: field(ctx, "email"), Name: field(ctx, "name")}
	_, err := c.Accounts.SignUp(ctx.UserContext(), account.SignUpRequest{
		Email: form.Email, Name: form.Name, Password: field(ctx, "password"), SetupToken: setupToken,
	})
	if err != nil {
		return again(ctx, page, form, err)
	}
	return c.enter(ctx, page, form)
}

// signIn begins a session.
func (c *Console) signIn(ctx *fiber.Ctx) error {
	return c.enter(ctx, signInPage, doorForm{Email: field(ctx, "email"), SignUp: c.SignUp})
}

func (c *Console) enter(ctx *fiber.Ctx, page func(doorForm) templ.Component, form doorForm) error {
	secret, started, _, err := c.Accounts.SignIn(ctx.UserContext(), account.SignInRequest{
		Email: form.Email, Password: field(ctx, "password"), Previous: c.Guard.Secret(ctx.Get(fiber.HeaderCookie)),
	})
	if err != nil {
		return again(ctx, page, form, err)
	}
	c.Guard.SignIn(ctx, secret, started.Expires)
	return ctx.Redirect(Prefix+"/workspaces", http.StatusSeeOther)
}

// signOut ends the session.
func (c *Console) signOut(ctx *fiber.Ctx) error {
	if err := c.Accounts.SignOut(ctx.UserContext(), c.Guard.Secret(ctx.Get(fiber.HeaderCookie))); err != nil {
		return err
	}
	c.Guard.SignOut(ctx)
	return ctx.Redirect(Prefix+"/sign-in", http.StatusSeeOther)
}

// again shows a form with what was wrong and what was typed, but for secrets.
func again(ctx *fiber.Ctx, page func(doorForm) templ.Component, form doorForm, err error) error {
	problem.Remember(ctx, err)
	form.Problem = asProblem(err)
	ctx.Status(problem.Status(core.KindOf(err)))
	return render(ctx, page(form))
}
