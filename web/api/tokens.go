package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carrel-dev/carrel/core"
	accounts "github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/web/session"
)

// Token is an API token without its secret.
type Token struct {
	ID         core.TokenID     `json:"id"`
	Name       string           `json:"name"`
	Workspace  core.WorkspaceID `json:"workspace,omitempty" doc:"The only workspace it works in. Absent: all of the account's."`
	Scopes     []string         `json:"scopes,omitempty" doc:"All it may do. Absent: all the account may do."`
	CreatedAt  time.Time        `json:"createdAt"`
	ExpiresAt  time.Time        `json:"expiresAt,omitzero" doc:"Absent: never."`
	LastUsedAt time.Time        `json:"lastUsedAt,omitzero" doc:"Within an hour. Absent: never used."`
}

func tokenView(t core.Token) Token {
	return Token{t.ID, t.Name, t.Workspace, t.Scopes, t.Created, t.Expires, t.LastUsed}
}

func (a *API) tokens() {
	register(a, owner, describe("GET /tokens", "listTokens", "List my API tokens"),
		func(ctx context.Context, _ *struct{}) (*List[Token], error) {
			who, err := session.Require(ctx)
			if err != nil {
				return nil, err
			}
			tokens, err := a.Accounts.ListTokens(ctx, who.Account.ID)
			return mapped(tokens, tokenView, ""), err
		})

	create := describe("POST /tokens", "createToken", "Make an API token")
	create.Description = "The secret is in this answer and nowhere else, ever."
	create.DefaultStatus = http.StatusCreated
	type createOutput struct {
		Body struct {
			Token
			Secret string `json:"secret" example:"carrel_…"`
		} `nameHint:"NewToken"`
	}
	register(a, owner, create, func(ctx context.Context, in *struct {
		Body struct {
			Name      string    `json:"name" doc:"To tell later what it is for."`
			Workspace string    `json:"workspace,omitempty" doc:"Slug or id; the token then works in this workspace only."`
			Scopes    []string  `json:"scopes,omitempty" minItems:"1" nullable:"false" doc:"Like crm.contacts.read, crm.* or core.installations.read."`
			ExpiresAt time.Time `json:"expiresAt,omitzero"`
		}
	}) (*createOutput, error) {
		who, err := session.Require(ctx)
		if err != nil {
			return nil, err
		}
		r := accounts.TokenRequest{Name: in.Body.Name, Scopes: in.Body.Scopes, Expires: in.Body.ExpiresAt}
		if in.Body.Workspace != "" {
			w, _, err := a.Workspaces.Resolve(ctx, who.Account.ID, in.Body.Workspace)
			if err != nil {
				return nil, named("workspace", err)
			}
			r.Workspace = w.ID
		}
		secret, token, err := a.Accounts.CreateToken(ctx, who.Identity, r)
		if err != nil {
			return nil, inBody(err)
		}
		out := new(createOutput)
		out.Body.Token, out.Body.Secret = tokenView(token), secret
		return out, nil
	})

	register(a, owner, describe("DELETE /tokens/{id}", "revokeToken", "Revoke an API token"),
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			who, err := session.Require(ctx)
			if err != nil {
				return nil, err
			}
			return nil, a.Accounts.RevokeToken(ctx, who.Account.ID, core.TokenID(in.ID))
		})
}
