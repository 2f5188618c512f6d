package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Event is an immutable fact, CloudEvents 1.0, and what became of it.
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
	Deliveries  []Delivery      `json:"deliveries" nullable:"false" doc:"One for each installation that received it; with their attempts when one event is asked for."`
}

func eventView(e core.Event) Event {
	return Event{"1.0", e.ID, e.Type, e.Source, e.Time, e.Data, e.Version, e.Cause, e.Hop, []Delivery{}}
}

func (a *API) events() {
	register(a, readEvents, describe("GET /workspaces/{ws}/events", "listEvents", "Events, newest first, and where they went"),
		func(ctx context.Context, in *struct {
			InWorkspace
			Paging
			Type string `query:"type" maxLength:"200" doc:"Those of this type only."`
		}) (*List[Event], error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			before, err := in.after("evt_")
			if err != nil {
				return nil, err
			}
			events, err := a.History.Events(ctx, p.ID, in.Type, core.EventID(before), in.Limit)
			if err != nil {
				return nil, err
			}
			var next string
			if len(events) == in.Limit {
				next = cursorAfter(string(events[len(events)-1].ID))
			}
			views, err := a.trace(ctx, p.ID, events, false)
			return list(views, next), err
		})

	type eventOutput struct{ Body Event }
	register(a, readEvents, describe("GET /workspaces/{ws}/events/{id}", "getEvent", "Get an event, its deliveries, and each of their attempts"),
		func(ctx context.Context, in *inOne) (*eventOutput, error) {
			p, err := a.enterToManage(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			event, err := a.History.Event(ctx, p.ID, core.EventID(in.ID))
			if err != nil {
				return nil, err
			}
			views, err := a.trace(ctx, p.ID, []core.Event{event}, true)
			if err != nil {
				return nil, err
			}
			return &eventOutput{views[0]}, nil
		})
}

// trace shows events with their deliveries, and these with their attempts if
// they are wanted.
func (a *API) trace(ctx context.Context, ws core.WorkspaceID, events []core.Event, attempts bool) ([]Event, error) {
	views := make([]Event, len(events))
	ids := make([]core.EventID, len(events))
	at := make(map[core.EventID]*Event, len(events))
	for i, e := range events {
		views[i], ids[i] = eventView(e), e.ID
		at[e.ID] = &views[i]
	}
	deliveries, err := a.History.DeliveriesOf(ctx, ws, ids)
	if err != nil {
		return nil, err
	}
	shown, err := a.withAttempts(ctx, ws, deliveries, attempts)
	for _, d := range shown {
		at[d.Event].Deliveries = append(at[d.Event].Deliveries, d)
	}
	return views, err
}
