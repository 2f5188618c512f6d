package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// History reads what happened in a workspace. Lists are newest first and begin
// after the id before, or at the newest when it is empty; what is not the
// workspace's is not_found.
type History interface {
	Events(ctx context.Context, ws core.WorkspaceID, before core.EventID, limit int) ([]core.Event, error)
	Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error)
	Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error)
	Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
	// Redrive makes a delivery that was set aside due now. Denied: it is not set aside.
	Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
}

// Event is an immutable fact, CloudEvents 1.0.
type Event struct {
	SpecVersion string          `json:"specversion" example:"1.0"`
	ID          core.EventID    `json:"id"`
	Type        string          `json:"type" example:"crm.contact.created"`
	Source      string          `json:"source" example:"/crm"`
	Time        time.Time       `json:"time"`
	Data        json.RawMessage `json:"data"`
	DataVersion int             `json:"dataversion" doc:"Of the type's schema."`
	Cause       string          `json:"carrelcause" doc:"The invocation that emitted it."`
	Hop         int             `json:"carrelhop" doc:"Deliveries between it and the first cause."`
}

func eventView(e core.Event) Event {
	return Event{"1.0", e.ID, e.Type, e.Source, e.Time, e.Data, e.Version, e.Cause, e.Hop}
}

// Invocation is one call of a handler, and what it cost.
type Invocation struct {
	ID           core.InvocationID   `json:"id"`
	Installation core.InstallationID `json:"installation"`
	Handler      string              `json:"handler"`
	Kind         abi.Kind            `json:"kind"`
	Trigger      abi.Trigger         `json:"trigger"`
	Outcome      core.Outcome        `json:"outcome"`
	Attempts     int                 `json:"attempts" doc:"Runs, those after a conflict included."`
	Fuel         int64               `json:"fuel"`
	Microseconds int64               `json:"microseconds"`
	Error        string              `json:"error,omitempty"`
	StartedAt    time.Time           `json:"startedAt"`
}

func invocationView(r core.InvocationRecord) Invocation {
	return Invocation{r.ID, r.Install, r.Handler, r.Kind, r.Trigger, r.Outcome, r.Attempts, r.Fuel, r.Duration.Microseconds(), r.Error, r.Started}
}

// Delivery is work an installation has to do: a job, or an event it listens to.
type Delivery struct {
	ID           core.DeliveryID     `json:"id"`
	Installation core.InstallationID `json:"installation"`
	Event        core.EventID        `json:"event,omitempty" doc:"Absent: a job."`
	Handler      string              `json:"handler"`
	State        core.DeliveryState  `json:"state" enum:"pending,running,retry,held,done,set_aside" doc:"held: its installation is disabled or outside the plan; it goes on when that changes."`
	Attempt      int                 `json:"attempt" doc:"Tries begun."`
	DueAt        time.Time           `json:"dueAt"`
	LastError    string              `json:"lastError,omitempty" doc:"Of the last attempt, or why it is held."`
	CreatedAt    time.Time           `json:"createdAt"`
}

func deliveryView(d core.Delivery) Delivery {
	return Delivery{d.ID, d.Install, d.Event, d.Handler, d.State, d.Attempt, d.Due, d.LastError, d.Created}
}

// enterToManage is enter for owners and admins: what happened in a workspace
// can show what a member has no scope to see.
func (a *API) enterToManage(ctx context.Context, ref string) (place, error) {
	p, err := a.enter(ctx, ref)
	if err == nil && !p.Actor.Role.Manages() {
		err = core.E("api.enterToManage", core.Denied, "Your role in this workspace is %s; this needs owner or admin. Ask one of them.", p.Actor.Role)
	}
	return p, err
}

func (a *API) history() {
	register(a, readEvents, describe("GET /workspaces/{ws}/events", "listEvents", "Events, newest first"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Paging
		}) (*List[Event], error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			before, err := in.after("evt_")
			if err != nil {
				return nil, err
			}
			events, err := a.History.Events(ctx, p.ID, core.EventID(before), in.Limit)
			if err != nil {
				return nil, err
			}
			var next string
			if len(events) == in.Limit {
				next = cursorAfter(string(events[len(events)-1].ID))
			}
			return mapped(events, eventView, next), nil
		})

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

	type inOne struct {
		InWorkspace
		ID string `path:"id"`
	}
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

	type deliveryOutput struct{ Body Delivery }
	register(a, readEvents, describe("GET /workspaces/{ws}/deliveries/{id}", "getDelivery", "Get a delivery"),
		func(ctx context.Context, in *inOne) (*deliveryOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			delivery, err := a.History.Delivery(ctx, p.ID, core.DeliveryID(in.ID))
			if err != nil {
				return nil, err
			}
			return &deliveryOutput{deliveryView(delivery)}, nil
		})

	register(a, writeEvents, describe("POST /workspaces/{ws}/deliveries/{id}/redrive", "redriveDelivery", "Try a delivery that was set aside again"),
		func(ctx context.Context, in *inOne) (*deliveryOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			delivery, err := a.History.Redrive(ctx, p.ID, core.DeliveryID(in.ID))
			if err != nil {
				return nil, err
			}
			return &deliveryOutput{deliveryView(delivery)}, nil
		})
}
