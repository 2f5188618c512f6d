package dispatch

import (
	"context"
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Deliver runs the handler of a delivery that has been claimed: a job, or a
// listener of an event. The effects of a mutation and the delivery's completion
// are one unit of work. An action's delivery is completed after it, so a crash
// in between runs it again, with the delivery's id as its idempotency key.
//
// A delivery of an installation that is disabled, or outside the plan, is held
// until that changes; the attempt doesn't count.
//
// Stale means that this attempt is no longer the running one, and that nothing
// was done. Invalid, Denied and TooLarge are refusals, which another attempt would
// meet again; every other error may pass.
func (d *Dispatcher) Deliver(ctx context.Context, dl core.Delivery) error {
	workspace := core.Workspace{ID: dl.Workspace}
	done := core.CompleteDelivery{ID: dl.ID, Attempt: dl.Attempt}
	trigger := abi.TriggerSchedule
	var event *core.Event
	if dl.Event != "" {
		trigger = abi.TriggerEvent
		stored, err := d.events.Event(ctx, dl.Workspace, dl.Event)
		if err != nil {
			return core.Wrap("dispatch.Deliver", core.Unavailable, err)
		}
		event = &stored
	}
	var kind abi.Kind
	_, err := d.execute(ctx, task{
		workspace: workspace, trigger: trigger, limits: d.background,
		authorise: func(v *view) (*target, error) {
			t, err := d.delivery(v, dl, event)
			if err != nil {
				return nil, err
			}
			kind = t.kind
			if t.handler == "" {
				return t, nil
			}
			if kind == abi.KindMutation {
				t.changes, err = d.ending(v, dl, done)
			}
			return t, err
		},
	})
	if err != nil || kind == abi.KindMutation {
		return err
	}
	return d.end(ctx, dl, done)
}

// Waiting are the workspaces with deliveries that wait because the workspace is held
// back for others: more of theirs need not be claimed for now.
func (d *Dispatcher) Waiting() []core.WorkspaceID { return d.headroom.waiting() }

// SetAside ends a delivery that has had all its attempts. If it is an occurrence
// of a schedule the next one is put with it: one failure isn't the end of it.
func (d *Dispatcher) SetAside(ctx context.Context, dl core.Delivery, message string) error {
	return d.end(ctx, dl, core.SetAsideDelivery{ID: dl.ID, Attempt: dl.Attempt, Reason: message})
}

func (d *Dispatcher) delivery(v *view, dl core.Delivery, event *core.Event) (*target, error) {
	const op = "dispatch.Deliver"
	actor := core.Actor{Type: core.ActorInstallation, Install: dl.Install}
	in := v.byID[dl.Install]
	switch err := d.usable(v, in, string(dl.Install), actor); core.KindOf(err) {
	case "":
	case core.Denied:
		// A unit like a handler's: should the installation become usable before
		// it is committed, it is Changed, and the handler is run after all.
		return &target{
			installation: in.Installation, manifest: &abi.Manifest{}, actor: actor, kind: abi.KindMutation,
			changes: []core.Change{core.HoldDelivery{ID: dl.ID, Attempt: dl.Attempt, Reason: core.MessageOf(err)}},
		}, nil
	default:
		return nil, err
	}
	t := &target{
		installation: in.Installation, manifest: in.manifest, actor: actor, kind: abi.KindMutation, handler: dl.Handler, hop: dl.Hop, delivery: dl.ID,
		input: abi.Invocation{Attempt: dl.Attempt, Payload: dl.Payload, IdempotencyKey: string(dl.ID)},
	}
	if event != nil {
		var listens bool
		if t.handler, listens = core.ListenerOf(in.manifest, *event); !listens || !in.Receives(*event) {
			return nil, core.E(op, core.Invalid, "Version %s of %s does not listen to %s here.", in.Version, in.Alias, event.Type)
		}
		t.input.Event = eventOf(*event)
		return t, nil
	}
	declared, ok := in.job(dl.Handler)
	if !ok {
		return nil, core.E(op, core.Invalid, "Version %s of %s has no job %q.", in.Version, in.Alias, dl.Handler)
	}
	t.kind = declared.Kind
	return t, nil
}

// eventOf is an event as a guest receives it.
func eventOf(e core.Event) *abi.Event {
	return &abi.Event{
		SpecVersion: "1.0", ID: string(e.ID), Type: e.Type, Source: e.Source, Time: e.Time,
		Data: e.Data, DataVersion: e.Version, Cause: e.Cause, Hop: e.Hop,
	}
}

// end ends a delivery in a unit of its own. It is given time even when its
// attempt has used up its own.
func (d *Dispatcher) end(ctx context.Context, dl core.Delivery, how core.Change) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return d.change(ctx, dl.Workspace, func(v *view) ([]core.Change, error) { return d.ending(v, dl, how) })
}

// change writes what is decided from the workspace's current view.
func (d *Dispatcher) change(ctx context.Context, ws core.WorkspaceID, decide func(*view) ([]core.Change, error)) error {
	for n := 1; ; n++ {
		v, err := d.views.get(ctx, ws)
		if err != nil {
			return err
		}
		unit := d.units.Begin(ws, Scope{Now: d.now(), AuthEpoch: v.Access.Epoch})
		changes, err := decide(v)
		if err != nil {
			return err
		}
		for _, change := range changes {
			unit.Add(change)
		}
		deliveries, err := unit.Commit(ctx)
		if err == nil && deliveries {
			d.wake()
		}
		if core.KindOf(err) != core.Changed || n == maxRuns {
			return err
		}
		d.views.dropStale(ws, v)
	}
}

// mutate is how an action changes data: it runs a mutation job of the same
// installation, for the same actor, as a unit of its own. It needs no slot of
// the workspace, as the action that waits for it has one.
func (i *invocation) mutate(t *target) func(context.Context, string, json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, handler string, payload json.RawMessage) (json.RawMessage, error) {
		const op = "dispatch.Mutate"
		// Any page of another site can have a browser make a GET, with its
		// cookies: it takes no more than a link or an image.
		if r := t.input.Request; r != nil && (r.Method == "GET" || r.Method == "HEAD") {
			return nil, core.E(op, core.Denied,
				"%s answers a %s, which changes nothing, so it can't run the mutation %s. Make its route a POST.",
				t.handler, r.Method, handler)
		}
		answer, err := i.perform(ctx, task{
			workspace: i.workspace, trigger: abi.TriggerSchedule, limits: i.limits,
			authorise: func(v *view) (*target, error) {
				actor, err := v.current(t.actor)
				if err != nil {
					return nil, err
				}
				in := v.byID[t.installation.ID]
				if err := i.usable(v, in, t.installation.Alias, actor); err != nil {
					if t.delivery != "" { // it was usable when this began: the next attempt is held
						err = &core.Error{Op: op, Kind: core.Unavailable, Msg: core.MessageOf(err), Err: err}
					}
					return nil, err
				}
				declared, ok := in.job(handler)
				if !ok || declared.Kind != abi.KindMutation {
					return nil, core.E(op, core.Invalid, "%s has no mutation job %q.", in.Alias, handler)
				}
				return &target{
					installation: in.Installation, manifest: in.manifest, actor: actor, kind: abi.KindMutation, handler: handler,
					hop: t.hop, input: abi.Invocation{Payload: payload},
				}, nil
			},
		})
		if core.KindOf(err) == core.Changed {
			// To the action it is not its own run that must be made again.
			return nil, &core.Error{Op: op, Kind: core.Unavailable, Msg: core.MessageOf(err), Err: err}
		}
		return answer.Response.Body, err
	}
}
