package web_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// player plays the dispatcher: it answers what the test wants, or echoes.
type player struct {
	mu     sync.Mutex
	answer func(dispatch.Request) (dispatch.Answer, error)
}

func (p *player) plays(answer func(dispatch.Request) (dispatch.Answer, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *player) Request(_ context.Context, r dispatch.Request) (dispatch.Answer, error) {
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		return answer(r)
	}
	return echo(r)
}

// echoed is what echo answers: all a guest would get to see.
type echoed struct {
	Workspace string
	Alias     string
	Actor     core.Actor
	Key       string
	HTTP      abi.Request
}

func echo(r dispatch.Request) (dispatch.Answer, error) {
	body, err := json.Marshal(echoed{r.Workspace.Slug, r.Alias, r.Actor, r.IdempotencyKey, r.HTTP})
	return dispatch.Answer{Response: abi.Response{Status: 200, Body: body}, Invocation: "inv_test"}, err
}

// history plays the log of a workspace.
type history struct {
	events      []core.Event
	invocations []core.InvocationRecord
}

func (h *history) Events(_ context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) (page []core.Event, _ error) {
	for _, e := range slices.Backward(h.events) {
		if e.Workspace == ws && (eventType == "" || e.Type == eventType) && (before == "" || e.ID < before) && len(page) < limit {
			page = append(page, e)
		}
	}
	return page, nil
}

func (h *history) Invocations(_ context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) (page []core.InvocationRecord, _ error) {
	for _, r := range slices.Backward(h.invocations) {
		if r.Workspace == ws && (before == "" || r.ID < before) && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (h *history) Invocation(_ context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error) {
	for _, r := range h.invocations {
		if r.Workspace == ws && r.ID == id {
			return r, nil
		}
	}
	return core.InvocationRecord{}, core.E("history", core.NotFound, "There is no such invocation.")
}

func (h *history) Delivery(context.Context, core.WorkspaceID, core.DeliveryID) (core.Delivery, error) {
	return core.Delivery{}, core.E("history", core.NotFound, "There is no such delivery.")
}

func (h *history) Event(_ context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error) {
	for _, e := range h.events {
		if e.Workspace == ws && e.ID == id {
			return e, nil
		}
	}
	return core.Event{}, core.E("history", core.NotFound, "There is no such event.")
}

func (h *history) DeliveriesOf(context.Context, core.WorkspaceID, []core.EventID) ([]core.Delivery, error) {
	return nil, nil
}

func (h *history) Deliveries(context.Context, core.WorkspaceID, core.DeliveryState, core.DeliveryID, int) ([]core.Delivery, error) {
	return nil, nil
}

func (h *history) Attempts(context.Context, core.WorkspaceID, []core.DeliveryID) ([]core.InvocationRecord, error) {
	return nil, nil
}

func (h *history) Redrive(context.Context, core.WorkspaceID, core.DeliveryID, core.Actor) (core.Delivery, error) {
	return core.Delivery{}, core.E("history", core.NotFound, "There is no such delivery.")
}

// hooks commits the changes of a lifecycle without running anything.
type hooks struct{ db *sqlite.DB }

func (h hooks) Lifecycle(ctx context.Context, l workspace.Lifecycle) error {
	return h.db.Change(ctx, l.Workspace.ID, func(core.Access) ([]core.Change, error) { return l.Changes, nil })
}

// anySettings takes whatever settings it is given.
type anySettings struct{}

func (anySettings) Check(_, settings json.RawMessage) (json.RawMessage, error) {
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	return settings, nil
}
