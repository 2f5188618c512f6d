package api

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Contract is a plan a workspace has or had.
type Contract struct {
	ID      core.ContractID `json:"id"`
	Plan    string          `json:"plan"`
	BeganAt time.Time       `json:"beganAt"`
	EndedAt time.Time       `json:"endedAt,omitzero" doc:"Absent: it goes on."`
}

func contractView(c core.Contract) Contract { return Contract{c.ID, c.Plan, c.Began, c.Ended} }

// Usage is what a workspace used of a meter.
type Usage struct {
	Meter    string `json:"meter" example:"crm.contacts"`
	Quantity int64  `json:"quantity"`
	Quota    *int64 `json:"quota,omitempty" doc:"Absent: the plan sets none."`
}

func (a *API) plan() {
	register(a, known, describe("GET /plans", "listPlans", "List the plans of this server"),
		func(context.Context, *struct{}) (*List[core.Plan], error) {
			return list(a.Plans.List(), ""), nil
		})

	type planOutput struct {
		Body struct {
			Plan      core.Plan  `json:"plan"`
			Contracts []Contract `json:"contracts" nullable:"false" doc:"The open one first."`
		} `nameHint:"CurrentPlan"`
	}
	register(a, readPlan, describe("GET /workspaces/{ws}/plan", "getPlan", "Get the workspace's plan"),
		func(ctx context.Context, in *InWorkspace) (*planOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			plan, contracts, err := a.Billing.Current(ctx, p.ID, p.Actor)
			if err != nil {
				return nil, err
			}
			out := new(planOutput)
			out.Body.Plan = plan
			out.Body.Contracts = mapped(contracts, contractView, "").Body.Data
			return out, nil
		})

	type changeOutput struct {
		Body struct {
			Plan     core.Plan `json:"plan"`
			Contract Contract  `json:"contract"`
			Refused  []string  `json:"refused" nullable:"false" doc:"Installations the new plan does not include: they stay, but do not run."`
		} `nameHint:"PlanChange"`
	}
	register(a, writePlan, describe("PUT /workspaces/{ws}/plan", "changePlan", "Change the workspace's plan"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Body struct {
				Plan string `json:"plan" doc:"The id of a plan."`
			}
		}) (*changeOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			changed, err := a.Billing.ChangePlan(ctx, p.ID, p.Actor, in.Body.Plan)
			if err != nil {
				return nil, inBody(err)
			}
			out := new(changeOutput)
			out.Body.Plan, out.Body.Contract, out.Body.Refused = changed.Plan, contractView(changed.Contract), orEmpty(changed.Refused)
			return out, nil
		})

	register(a, readPlan, describe("GET /workspaces/{ws}/usage", "listUsage", "What the workspace used, by meter"),
		func(ctx context.Context, in *InWorkspace) (*List[Usage], error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			used, err := a.Billing.Usage(ctx, p.ID, p.Actor)
			if err != nil {
				return nil, err
			}
			var views []Usage
			for _, u := range used {
				view := Usage{Meter: u.Meter, Quantity: u.Quantity}
				if u.Quota >= 0 {
					view.Quota = &u.Quota
				}
				views = append(views, view)
			}
			return list(views, ""), nil
		})
}
