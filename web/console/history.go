package console

import (
	"context"
	"strings"

	"github.com/carrel-dev/carrel/core"
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
	Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
	// Redrive makes a delivery that was set aside due now, and notes who wished it.
	// Denied: it is not set aside.
	Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, actor core.Actor) (core.Delivery, error)
	Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error)
	Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error)
	// Pulse says how far a workspace has come: the number of its last commit, and
	// the last call on record.
	Pulse(ctx context.Context, ws core.WorkspaceID) (commits int64, call core.InvocationID, err error)
}

// listed is how many entries a page of a list has.
const listed = 50

// managing lets in those who manage the workspace: what happened in it can show
// what a member has no scope to see.
func (c *Console) managing(handle func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.actor.Role.Manages() {
			return core.E("console.managing", core.Denied,
				"Your role in this workspace is %s; this needs owner or admin. Ask one of them.", v.actor.Role)
		}
		return handle(v)
	}
}

// before is where a page of a list begins: after the id of an entry, as the
// link on the page before names it.
func (v *visit) before(prefix string) (string, error) {
	id := strings.Clone(v.Query("before"))
	if id != "" && !core.ValidID(prefix, id) {
		return "", core.E("console.before", core.Invalid, "There is no such page of this list. Begin it again.")
	}
	return id, nil
}

// names are the titles of the installations of a workspace, by their ids.
type names map[core.InstallationID]string

// of is a title; what is gone has none.
func (n names) of(id core.InstallationID) string {
	if title, ok := n[id]; ok {
		return title
	}
	return "uninstalled"
}

func (c *Console) names(v *visit) (names, error) {
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	titles := names{}
	for _, in := range list {
		titles[in.ID] = in.Title
	}
	return titles, err
}
