package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carrel-dev/carrel/core"
	accounts "github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/web/session"
)

// Account is a person, as they see themselves.
type Account struct {
	ID        core.AccountID `json:"id" example:"acc_01890a5d-ac96-774b-bcce-b302099a8057"`
	Email     string         `json:"email"`
	Name      string         `json:"name"`
	Operator  bool           `json:"operator" doc:"May publish releases and administer the server."`
	CreatedAt time.Time      `json:"createdAt"`
}

func accountView(a core.Account) Account {
	return Account{a.ID, a.Email, a.Name, a.Operator, a.Created}
}

type accountOutput struct{ Body Account }

func (a *API) accounts() {
	signUp := describe("POST /accounts", "signUp", "Sign up")
	signUp.DefaultStatus = http.StatusCreated
	signUp.Description = "The server's first account is made with the one-time set-up token that `carrel serve` prints, and is its operator."
	register(a, anyone, signUp, func(ctx context.Context, in *struct {
		Body struct {
			Email    string `json:"email" example:"ada@example.com"`
			Name     string `json:"name" example:"Ada Lovelace"`
			Password string `json:"password" doc:"At least 10 characters."`
			Setup    string `json:"setupToken,omitempty" doc:"For the first account."`
		}
	}) (*accountOutput, error) {
		who, err := a.Accounts.SignUp(ctx, accounts.SignUpRequest{
			Email: in.Body.Email, Name: in.Body.Name, Password: in.Body.Password, SetupToken: in.Body.Setup,
		})
		if err != nil {
			return nil, inBody(err)
		}
		return &accountOutput{accountView(who)}, nil
	})

	register(a, known, describe("GET /me", "me", "Who am I"), func(ctx context.Context, _ *struct{}) (*accountOutput, error) {
		who, err := session.Require(ctx)
		return &accountOutput{accountView(who.Account)}, err
	})
}
