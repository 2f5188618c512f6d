package billing

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Store keeps contracts and sums.
type Store interface {
	// Access and Change are core/workspace's.
	Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error
	// Contracts returns a workspace's contracts, the open one first.
	Contracts(ctx context.Context, ws core.WorkspaceID) ([]core.Contract, error)
	// UsageSums returns what was recorded in a workspace, by meter.
	UsageSums(ctx context.Context, ws core.WorkspaceID) ([]core.UsageSum, error)
}

// The scopes a token that is limited to scopes needs.
const (
	ScopeRead = "core.plan.read"
	ScopePlan = "core.plan.write"
)

// Config is what a Service is made of.
type Config struct {
	Store Store
	Plans *Plans
	Now   func() time.Time // nil: time.Now
}

// Service reads and changes what workspaces pay for. Its methods may be called
// concurrently.
type Service struct {
	store Store
	plans *Plans
	now   func() time.Time
}

// New makes a service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg.Store, cfg.Plans, func() time.Time { return cfg.Now().UTC().Truncate(time.Microsecond) }}
}

// Current returns a workspace's plan and its contracts, the open one first. A
// plan that is no longer in the server's file has its id as title and includes
// nothing.
func (s *Service) Current(ctx context.Context, ws core.WorkspaceID, actor core.Actor) (core.Plan, []core.Contract, error) {
	a, err := s.read(ctx, ws, actor)
	if err != nil {
		return core.Plan{}, nil, err
	}
	plan, _ := s.plans.Plan(a.Workspace.Plan)
	contracts, err := s.store.Contracts(ctx, ws)
	return plan, contracts, core.Wrap("billing.Current", core.Unavailable, err)
}

// Changed says what a change of plan did.
type Changed struct {
	Plan     core.Plan
	Contract core.Contract
	Refused  []string // aliases of installations the new plan doesn't include: they stay, their handlers are refused
}

// ChangePlan begins a contract for another plan and ends the open one. The plan
// the workspace has already is no change: its contract goes on.
func (s *Service) ChangePlan(ctx context.Context, ws core.WorkspaceID, actor core.Actor, id string) (Changed, error) {
	const op = "billing.ChangePlan"
	plan, ok := s.plans.Plan(id)
	if !ok {
		var names []string
		for _, p := range s.plans.List() {
			names = append(names, p.ID)
		}
		var wrong core.Violations
		wrong.Add("plan", "%q is not a plan; choose one of %s", id, strings.Join(names, ", "))
		return Changed{}, wrong.Err(op, "There is no such plan.")
	}
	answer := Changed{Plan: plan}
	found, same := false, false
	err := s.store.Change(ctx, ws, func(a core.Access) ([]core.Change, error) {
		found = true
		if err := authorise(a, actor, ScopePlan); err != nil {
			return nil, err
		}
		answer.Refused = nil
		for _, in := range a.Installations {
			if !plan.Allows(in.Plugin.Name) {
				answer.Refused = append(answer.Refused, in.Alias)
			}
		}
		if same = a.Workspace.Plan == plan.ID; same {
			return nil, nil
		}
		answer.Contract = core.Contract{ID: core.NewContractID(), Workspace: ws, Plan: plan.ID, Began: s.now()}
		return core.WithDeliveries(ctx, a, []core.Change{
			core.PutContract{Contract: answer.Contract},
			core.AppendAudit{Entry: core.AuditEntry{Time: answer.Contract.Began, Actor: string(actor.Account), Action: "plan.changed", Subject: plan.ID}},
			core.Happened(ws, answer.Contract.Began,
				core.PlanChanged{Plan: plan.ID, Was: a.Workspace.Plan, By: string(actor.Account)}),
		}), nil
	})
	if !found {
		return Changed{}, missing(err)
	}
	if err != nil {
		return Changed{}, core.Wrap(op, core.Unavailable, err)
	}
	if same {
		contracts, err := s.store.Contracts(ctx, ws)
		if err != nil || len(contracts) == 0 {
			return Changed{}, core.Wrap(op, core.Unavailable, err)
		}
		answer.Contract = contracts[0]
	}
	return answer, nil
}

// Usage is what a workspace used of a meter.
type Usage struct {
	Meter    string
	Quantity int64
	Quota    int64 // -1: none
}

// Usage returns the sums of a workspace over all its installations, and the
// plan's quotas nothing was used of yet, by meter.
func (s *Service) Usage(ctx context.Context, ws core.WorkspaceID, actor core.Actor) ([]Usage, error) {
	a, err := s.read(ctx, ws, actor)
	if err != nil {
		return nil, err
	}
	sums, err := s.store.UsageSums(ctx, ws)
	if err != nil {
		return nil, core.Wrap("billing.Usage", core.Unavailable, err)
	}
	used := map[string]int64{"core.members": int64(len(a.Members))}
	for _, sum := range sums {
		used[sum.Meter] += sum.Quantity
	}
	plan, _ := s.plans.Plan(a.Workspace.Plan)
	for meter := range plan.Quotas {
		used[meter] += 0
	}
	list := make([]Usage, 0, len(used))
	for meter, quantity := range used {
		quota, ok := plan.Quota(meter)
		if !ok {
			quota = -1
		}
		list = append(list, Usage{meter, quantity, quota})
	}
	slices.SortFunc(list, func(x, y Usage) int { return strings.Compare(x.Meter, y.Meter) })
	return list, nil
}

func (s *Service) read(ctx context.Context, ws core.WorkspaceID, actor core.Actor) (core.Access, error) {
	a, err := s.store.Access(ctx, ws)
	if err != nil {
		return a, missing(err)
	}
	return a, authorise(a, actor, ScopeRead)
}

var errNoWorkspace = core.E("billing.Access", core.NotFound, "There is no such workspace, or you are not a member of it.")

func missing(err error) error {
	if core.KindOf(err) == core.NotFound {
		return errNoWorkspace
	}
	return core.Wrap("billing.Access", core.Unavailable, err)
}

// authorise decides by the role the workspace gives the actor now.
func authorise(a core.Access, actor core.Actor, scope string) error {
	m, ok := a.Member(actor.Account)
	switch {
	case !ok || actor.Type != core.ActorMember && actor.Type != core.ActorToken:
		return errNoWorkspace
	case !m.Role.Manages():
		return core.E("billing.authorise", core.Denied,
			"Your role in this workspace is %s; its plan and usage are for owners and admins.", m.Role)
	case actor.Scopes != nil && !slices.ContainsFunc(actor.Scopes, func(held string) bool { return core.ScopeCovers(held, scope) }):
		return core.E("billing.authorise", core.Denied, "The API token lacks the scope %s. Make one that has it.", scope)
	}
	return nil
}
