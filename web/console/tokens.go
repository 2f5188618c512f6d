package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

// maxTokenDays is the longest life a token is given here; without one it has no end.
const maxTokenDays = 3650

// tokens lists the visitor's API tokens.
func (c *Console) tokens(v *visit) error {
	return c.showTokens(v, v.frame("API tokens"), tokensView{Form: tokenForm{Days: "90"}})
}

func (c *Console) showTokens(v *visit, f frame, view tokensView) error {
	ctx := v.UserContext()
	list, err := c.Workspaces.List(ctx, v.who.Account.ID)
	if err != nil {
		return err
	}
	for _, m := range list {
		view.Workspaces = append(view.Workspaces, m.Workspace)
	}
	if view.Tokens, err = c.Accounts.ListTokens(ctx, v.who.Account.ID); err != nil {
		return err
	}
	f.Trail = []navLink{{Title: "Your workspaces", URL: Prefix + "/workspaces"}}
	return render(v.Ctx, tokensPage(f, view))
}

// createToken makes one and shows its secret: in this answer, which no cache
// keeps, and nowhere else.
func (c *Console) createToken(v *visit) error {
	form := tokenForm{
		Name: field(v.Ctx, "name"), Workspace: field(v.Ctx, "workspace"),
		Scopes: field(v.Ctx, "scopes"), Days: field(v.Ctx, "days"),
	}
	request, err := c.tokenRequest(v, form)
	var secret string
	if err == nil {
		secret, _, err = c.Accounts.CreateToken(v.UserContext(), v.who.Identity, request)
	}
	f := v.frame("API tokens")
	if err != nil {
		f.Problem = v.refused(err, "name", "scopes", "days")
		return c.showTokens(v, f, tokensView{Form: form})
	}
	return c.showTokens(v, f, tokensView{Form: tokenForm{Days: "90"}, Secret: secret})
}

func (c *Console) tokenRequest(v *visit, form tokenForm) (account.TokenRequest, error) {
	const op = "console.tokenRequest"
	r := account.TokenRequest{Name: form.Name}
	if scopes := strings.Fields(form.Scopes); len(scopes) > 0 {
		r.Scopes = scopes
	}
	if form.Days != "" {
		days, err := strconv.Atoi(form.Days)
		var wrong core.Violations
		if err != nil || days < 1 || days > maxTokenDays {
			wrong.Add("days", "must be a number from 1 to %d, or empty", maxTokenDays)
			return r, wrong.Err(op, "The token can't be made like this.")
		}
		r.Expires = time.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	if form.Workspace != "" {
		ws, _, err := c.Workspaces.Resolve(v.UserContext(), v.who.Account.ID, form.Workspace)
		if err != nil {
			return r, err
		}
		r.Workspace = ws.ID
	}
	return r, nil
}

// revokeToken ends one.
func (c *Console) revokeToken(v *visit) error {
	if err := c.Accounts.RevokeToken(v.UserContext(), v.who.Account.ID, core.TokenID(param(v.Ctx, "id"))); err != nil {
		return err
	}
	return v.Redirect(Prefix+"/tokens?done=revoked", http.StatusSeeOther)
}
