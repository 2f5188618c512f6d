package api

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// History reads what happened in a workspace. Lists are newest first and begin
// after the id before, or at the newest when it is empty; what is not the
// workspace's is not_found.
type History interface {
	// Events are those of a type; "" for all.
	Events(ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) ([]core.Event, error)
	Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error)
	// DeliveriesOf returns the deliveries of events, and Attempts the calls made
	// for deliveries, in the order they were made.
	DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error)
	Attempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.DeliveryID) ([]core.InvocationRecord, error)
	// Deliveries are those in a state; "" for all.
	Deliveries(ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int) ([]core.Delivery, error)
	Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error)
	Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error)
	Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
	// Redrive makes a delivery that was set aside due now, and notes who wished it.
	// Denied: it is not set aside.
	Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, actor core.Actor) (core.Delivery, error)
}

// Invocation is one call of a handler, and what it cost.
type Invocation struct {
	ID           core.InvocationID   `json:"id"`
	Installation core.InstallationID `json:"installation"`
	Handler      string              `json:"handler"`
	Kind         abi.Kind            `json:"kind"`
	Trigger      abi.Trigger         `json:"trigger"`
	Outcome      core.Outcome        `json:"outcome"`
	Runs         int                 `json:"runs" doc:"How often the handler ran: once, again after each conflict, and again when a unique value was taken."`
	Fuel         int64               `json:"fuel"`
	Microseconds int64               `json:"microseconds"`
	Error        string              `json:"error,omitempty"`
	StartedAt    time.Time           `json:"startedAt"`
	Delivery     core.DeliveryID     `json:"delivery,omitempty" doc:"What it was an attempt of."`
	Log          []core.LogLine      `json:"log,omitempty" doc:"The first lines the handler logged."`
	RequestID    core.RequestID      `json:"requestId,omitempty" doc:"Of the request it was made for, or because of: the one in that answer's X-Request-Id header."`
}

func invocationView(r core.InvocationRecord) Invocation {
	return Invocation{r.ID, r.Install, r.Handler, r.Kind, r.Trigger, r.Outcome, r.Runs, r.Fuel, r.Duration.Microseconds(), r.Error, r.Started, r.Delivery, r.Log, r.Request}
}

// enterToManage is enter for owners and admins: what happened in a workspace
// can show what a member has no scope to see.
func (a *API) enterToManage(ctx context.Context, ref string) (place, error) {
	p, err := a.enter(ctx, ref)
	if err == nil && !p.Actor.Role.Manages() {
		err = core.E("api.enterToManage", core.Denied,
			"Your role in this workspace is %s; this needs owner or admin. Ask one of them.", p.Actor.Role)
	}
	return p, err
}

// inOne is the input of an operation on one thing of a workspace.
type inOne struct {
	InWorkspace
	ID string `path:"id"`
}

func (a *API) history() {
	a.events()
	a.deliveries()

	register(a, readInvocations, describe("GET /workspaces/{ws}/invocations", "listInvocations", "Calls of handlers, newest first"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Paging
		}) (*List[Invocation], error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			before, err := in.after("inv_")
			if err != nil {
				return nil, err
			}
			records, err := a.History.Invocations(ctx, p.ID, core.InvocationID(before), in.Limit)
			if err != nil {
				return nil, err
			}
			var next string
			if len(records) == in.Limit {
				next = cursorAfter(string(records[len(records)-1].ID))
			}
			return mapped(records, invocationView, next), nil
		})

	type invocationOutput struct{ Body Invocation }
	register(a, readInvocations, describe("GET /workspaces/{ws}/invocations/{id}", "getInvocation", "Get a call of a handler"),
		func(ctx context.Context, in *inOne) (*invocationOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			record, err := a.History.Invocation(ctx, p.ID, core.InvocationID(in.ID))
			if err != nil {
				return nil, err
			}
			return &invocationOutput{invocationView(record)}, nil
		})
}
