package api

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Delivery is work an installation has to do: a job, an occurrence of a
// schedule, or an event it listens to.
type Delivery struct {
	ID           core.DeliveryID     `json:"id"`
	Installation core.InstallationID `json:"installation"`
	Event        core.EventID        `json:"event,omitempty" doc:"Absent: a job."`
	Schedule     string              `json:"schedule,omitempty" doc:"The schedule a job is an occurrence of."`
	Handler      string              `json:"handler" doc:"Of a job. Of an event its type: the listener is found when it is due, and named by the calls made."`
	State        core.DeliveryState  `json:"state" enum:"pending,running,retry,held,done,set_aside" doc:"held: its installation is disabled or outside the plan; it goes on when that changes."`
	Attempt      int                 `json:"attempt" doc:"Tries begun."`
	DueAt        time.Time           `json:"dueAt,omitzero" doc:"Absent: nothing more is to be done."`
	LastError    string              `json:"lastError,omitempty" doc:"Of the last attempt, or why it is held."`
	CreatedAt    time.Time           `json:"createdAt"`
	RequestID    core.RequestID      `json:"requestId,omitempty" doc:"Of the request it was put because of. What a schedule puts, and a job that was put off, has one of its own."`
	Attempts     []Attempt           `json:"attempts,omitempty" doc:"The calls made for it, when one delivery or one event is asked for. The newest may be missing for a moment."`
}

// Attempt is one call made for a delivery, and how it ended.
type Attempt struct {
	Attempt      int               `json:"attempt" doc:"From 1; again from 1 after it was redriven."`
	Invocation   core.InvocationID `json:"invocation"`
	Outcome      core.Outcome      `json:"outcome"`
	Fuel         int64             `json:"fuel"`
	Microseconds int64             `json:"microseconds"`
	Error        string            `json:"error,omitempty"`
	Log          []core.LogLine    `json:"log,omitempty" doc:"The first lines the handler logged."`
	StartedAt    time.Time         `json:"startedAt"`
}

func deliveryView(d core.Delivery) Delivery {
	return Delivery{d.ID, d.Install, d.Event, d.Schedule, d.Handler, d.State, d.Attempt, d.Due, d.LastError, d.Created, d.Trace.Request, nil}
}

func attemptView(r core.InvocationRecord) Attempt {
	return Attempt{r.Attempt, r.ID, r.Outcome, r.Fuel, r.Duration.Microseconds(), r.Error, r.Log, r.Started}
}

// withAttempts shows deliveries, with their attempts if they are wanted.
func (a *API) withAttempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.Delivery, wanted bool) ([]Delivery, error) {
	views := make([]Delivery, len(deliveries))
	ids := make([]core.DeliveryID, len(deliveries))
	at := make(map[core.DeliveryID]*Delivery, len(deliveries))
	for i, d := range deliveries {
		views[i], ids[i] = deliveryView(d), d.ID
		at[d.ID] = &views[i]
	}
	if !wanted || len(ids) == 0 {
		return views, nil
	}
	attempts, err := a.History.Attempts(ctx, ws, ids)
	for _, r := range attempts {
		at[r.Delivery].Attempts = append(at[r.Delivery].Attempts, attemptView(r))
	}
	return views, err
}

func (a *API) deliveries() {
	register(a, readEvents, describe("GET /workspaces/{ws}/deliveries", "listDeliveries", "Deliveries, newest first"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Paging
			State core.DeliveryState `query:"state" enum:"pending,running,retry,held,done,set_aside" doc:"Those in this state only."`
		}) (*List[Delivery], error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			before, err := in.after("dlv_")
			if err != nil {
				return nil, err
			}
			deliveries, err := a.History.Deliveries(ctx, p.ID, in.State, core.DeliveryID(before), in.Limit)
			if err != nil {
				return nil, err
			}
			var next string
			if len(deliveries) == in.Limit {
				next = cursorAfter(string(deliveries[len(deliveries)-1].ID))
			}
			return mapped(deliveries, deliveryView, next), nil
		})

	type deliveryOutput struct{ Body Delivery }
	shown := func(ctx context.Context, ws core.WorkspaceID, d core.Delivery, err error) (*deliveryOutput, error) {
		if err != nil {
			return nil, err
		}
		views, err := a.withAttempts(ctx, ws, []core.Delivery{d}, true)
		if err != nil {
			return nil, err
		}
		return &deliveryOutput{views[0]}, nil
	}
	register(a, readEvents, describe("GET /workspaces/{ws}/deliveries/{id}", "getDelivery", "Get a delivery and its attempts"),
		func(ctx context.Context, in *inOne) (*deliveryOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			delivery, err := a.History.Delivery(ctx, p.ID, core.DeliveryID(in.ID))
			return shown(ctx, p.ID, delivery, err)
		})

	register(a, writeEvents, describe("POST /workspaces/{ws}/deliveries/{id}/redrive", "redriveDelivery", "Try a delivery that was set aside again"),
		func(ctx context.Context, in *inOne) (*deliveryOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			delivery, err := a.History.Redrive(ctx, p.ID, core.DeliveryID(in.ID), p.Actor)
			return shown(ctx, p.ID, delivery, err)
		})
}
