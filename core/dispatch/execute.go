package dispatch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxQueue     = 16              // of requests that wait, for each that runs
	maxRuns      = 10              // of one invocation, the first included; but for one that assumed too much
	settleWithin = 2 * time.Second // to validate an outcome when the deadline has passed
)

// task is one invocation to be made, whatever triggered it.
type task struct {
	workspace core.Workspace
	trigger   abi.Trigger
	limits    Limits
	request   string // tasks of a workspace with the same one run one after the other; "" for none
	// authorise finds what to run in a view, or says why it may not be run; the
	// target is then nil, or what was refused. It is asked again when the view
	// turns out to be out of date.
	authorise func(*view) (*target, error)
}

// target is a handler that may be run.
type target struct {
	installation core.Installation
	manifest     *abi.Manifest
	actor        core.Actor
	kind         abi.Kind
	handler      string // empty: there is nothing to run, only changes to commit
	raw          bool   // the answer may be bytes
	hop          int
	delivery     core.DeliveryID // what it is an attempt of; empty: of none
	input        abi.Invocation  // what the handler is told of its cause
	receipt      *receipt        // nil unless the answer is to be remembered
	changes      []core.Change   // committed with what the handler writes
}

// Answer is what a handler answered.
type Answer struct {
	Response   abi.Response
	Invocation core.InvocationID
	Replayed   bool // an earlier request with the same Idempotency-Key was answered so
}

// invocation is a task while it is run.
type invocation struct {
	*Dispatcher
	task
	record core.InvocationRecord
	known  bool // record names a handler
	alone  bool // nobody else commits to the plugin's data
	seed   [32]byte
	dice   uint64
}

// conflict says that what a run relied on was not, or no longer, true: the data
// named by key or, without one, what it was authorised with or wanted to change.
type conflict struct {
	key     string
	epoch   int64 // of the run
	assumed bool  // that it was true: nobody need have changed it
}

// hopeless reports whether a run that followed another's conflict met one that
// no further run will resolve: a change of the caller's own is out of date.
func (c *conflict) hopeless(previous *conflict) bool {
	return previous != nil && c.key == "" && *c == *previous
}

// execute runs a task within the workspace's share of the server.
func (d *Dispatcher) execute(ctx context.Context, t task) (answer Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.limits.Time)
	defer cancel()
	if t.trigger == abi.TriggerRequest { // deliveries are bounded where they are claimed
		d.headroom.came(t.workspace.ID)
		leave, crowded := d.crowds.enterAmong(ctx, t.workspace.ID, d.crowd)
		if crowded != nil {
			return Answer{}, core.E("dispatch.Execute", core.RateLimited,
				"This workspace has as many calls in progress as it may have. Try again in a moment.")
		}
		defer leave()
		defer func() {
			if kind := core.KindOf(err); kind != core.Timeout && kind != core.RateLimited {
				d.headroom.went(t.workspace.ID)
			}
		}()
	}
	if t.request != "" {
		leave, err := d.turns.enter(ctx, turn{t.workspace.ID, byRequest, t.request})
		if err != nil {
			return Answer{}, late(err)
		}
		defer leave()
	}
	if t.trigger != abi.TriggerLifecycle { // it may be what ends the others
		leave, err := d.slots.enter(ctx, slot{t.workspace.ID, t.trigger == abi.TriggerRequest})
		if err != nil {
			return Answer{}, core.E("dispatch.Execute", core.RateLimited,
				"This workspace has as many calls in progress as it may have. Try again in a moment.")
		}
		defer leave()
	}
	return d.perform(ctx, t)
}

// perform runs a task until a run's outcome is valid: until everything it read,
// and the epoch it was authorised with, were still true when it was validated.
// Every run is made in a fresh instance.
func (d *Dispatcher) perform(ctx context.Context, t task) (answer Answer, err error) {
	i := &invocation{Dispatcher: d, task: t, dice: mathrand.Uint64()}
	rand.Read(i.seed[:]) //nolint:errcheck // it never fails
	i.record = core.InvocationRecord{ID: core.NewInvocationID(), Workspace: t.workspace.ID, Trigger: t.trigger, Started: d.now(),
		Request: core.TraceOf(ctx).Request}
	ctx, ended := i.observed(ctx)
	defer ended()
	defer func() {
		if i.known {
			d.records.Record(i.record)
		}
	}()

	var previous *conflict
	wait := turns{invocation: i}
	defer wait.end()
	for n := 1; ; n++ {
		answer, again, err := i.once(ctx)
		if again != nil && again.assumed {
			answer, again, err = i.once(ctx) // it asks, so there is nothing to wait for
		}
		if again == nil {
			if err == nil && !answer.Replayed {
				answer.Invocation = i.record.ID
			}
			return answer, err
		}
		if n == maxRuns || again.hopeless(previous) {
			return Answer{}, i.end(core.OutcomeConflict, core.E("dispatch.Execute", core.Changed,
				"Others kept changing the same data, and %d tries were in vain. Try again.", n))
		}
		previous = again
		if err := wait.before(ctx, n, again.key); err != nil {
			return Answer{}, i.end(core.OutcomeConflict, err)
		}
	}
}

// once makes one run. It returns a conflict when the run must be made again.
func (i *invocation) once(ctx context.Context) (Answer, *conflict, error) {
	v, t, refusal, err := i.authorised(ctx)
	if err != nil {
		return Answer{}, nil, err
	}
	if refusal == nil && i.needsRoom(t) {
		leave, waited, err := i.headroom.enter(ctx, i.workspace.ID, i.line())
		if err != nil {
			return Answer{}, nil, i.end(core.OutcomeTimeout, late(err))
		}
		defer func() { leave() }()
		if waited { // nothing may be as it was
			if i.record.Runs == 0 {
				i.record.Started = i.now()
			}
			if v, t, refusal, err = i.authorised(ctx); err != nil {
				return Answer{}, nil, err
			}
			if refusal == nil && !i.needsRoom(t) { // what it is now may wait for who does
				leave()
				leave = func() {}
			}
		}
	}
	if refusal != nil {
		return i.settle(ctx, v, i.units.Begin(i.workspace.ID, Scope{ReadOnly: true, Now: i.record.Started, AuthEpoch: v.Access.Epoch}),
			Answer{}, i.end(core.OutcomeDenied, refusal))
	}
	unit := i.units.Begin(i.workspace.ID, Scope{
		Plugin: t.installation.Plugin, Installation: t.installation.ID, Tables: t.manifest.Tables,
		ReadOnly: t.kind != abi.KindMutation, Now: i.record.Started, AuthEpoch: v.Access.Epoch,
		AssumeFree: i.record.Runs == 0, // a taken key costs a second run; asking would cost every first one
	})
	if t.kind == abi.KindAction {
		// An action's outcome cannot be taken back, so its authorisation is
		// validated before it begins.
		if _, again, err := i.settle(ctx, v, unit, Answer{}, nil); again != nil || err != nil {
			return Answer{}, again, err
		}
	}
	if t.receipt != nil {
		stored, found, err := unit.Receipt(ctx, t.receipt.scope, t.receipt.key)
		if err != nil {
			return i.settled(v, unit, Answer{}, nil, err)
		}
		if found {
			i.known = false // nothing is run
			answer, err := t.receipt.replay(stored)
			return i.settle(ctx, v, unit, answer, err)
		}
	}
	response, grants, err := i.run(ctx, v, t, unit)
	switch {
	case t.kind == abi.KindAction:
		return Answer{Response: response}, nil, err
	case t.kind == abi.KindQuery || err != nil:
		return i.settle(ctx, v, unit, Answer{Response: response}, err)
	default:
		return i.commit(ctx, v, t, unit, grants, response)
	}
}

// authorised finds what to run in the workspace as it is now, or why it may not be run.
func (i *invocation) authorised(ctx context.Context) (v *view, t *target, refusal, err error) {
	if v, err = i.views.get(ctx, i.workspace.ID); err != nil {
		return nil, nil, nil, late(err)
	}
	t, refusal = i.authorise(v)
	if t != nil {
		i.known = t.handler != "" && (refusal == nil || t.actor.Type != core.ActorAnonymous)
		i.record.Install, i.record.Handler, i.record.Kind = t.installation.ID, t.handler, t.kind
		i.record.Delivery, i.record.Attempt = t.delivery, t.input.Attempt
	}
	return v, t, refusal, nil
}

// needsRoom reports whether a run waits until the others have room. An action mostly
// waits for others anyhow; a run that is alone must not wait, as those who are let on
// wait for it; and who installs or removes a plugin may do so for what it does.
func (i *invocation) needsRoom(t *target) bool {
	return t.kind != abi.KindAction && t.handler != "" && i.trigger != abi.TriggerLifecycle && !i.alone
}

// line is where it waits for that.
func (i *invocation) line() int {
	if i.trigger == abi.TriggerRequest {
		return ofRequests
	}
	return ofOthers
}

// run calls the handler and reads its answer.
func (i *invocation) run(ctx context.Context, v *view, t *target, unit Unit) (response abi.Response, grants []string, err error) {
	if t.handler == "" {
		return response, nil, i.end(core.OutcomeOK, nil)
	}
	input := t.input
	input.ID, input.Kind, input.Handler, input.Trigger = string(i.record.ID), t.kind, t.handler, i.trigger
	input.Attempt, input.Now, input.Seed = max(t.input.Attempt, 1), i.record.Started, i.dice
	input.Actor = actorOf(t.actor)
	input.PublicURL = i.publicURL + "/w/" + v.Access.Workspace.Slug + "/" + t.installation.Alias
	encoded, err := encodeInput(&input)
	if err != nil {
		return response, nil, i.end(core.OutcomeFailed, core.Wrap("dispatch.Run", core.Invalid, err))
	}
	call := Call{
		Workspace: v.Access.Workspace, Installation: t.installation, Manifest: t.manifest, Plan: v.Plan, Actor: t.actor,
		Handler: t.handler, Kind: t.kind, Trigger: i.trigger, Invocation: i.record.ID, Hop: t.hop,
		Now: i.record.Started, Seed: i.seed, Input: encoded, Limits: i.limits.within(v.Plan.Limits).within(t.manifest.Limits),
	}
	if t.kind == abi.KindAction {
		call.Mutate = i.mutate(t)
	} else {
		call.Unit = unit
		call.Grant = func(_ core.Role, scopes []string) { grants = append(grants, scopes...) }
	}
	result, err := i.compute(ctx, call)
	if err != nil {
		return response, nil, i.end(core.OutcomeTimeout, err)
	}
	i.record.Runs++
	i.record.Fuel += result.Fuel
	i.record.Duration += result.Duration
	i.record.Log = result.Log
	if result.Outcome != core.OutcomeOK {
		if result.Outcome == core.OutcomeTimeout && ctx.Err() != nil {
			// The time was that of the whole call, earlier runs and waiting
			// included, not what the engine was given for this run.
			result.Err = &core.Error{Op: "dispatch.Run", Kind: core.Timeout, Err: result.Err,
				Msg: fmt.Sprintf("%s did not answer within %v, which is all a call may take.", t.manifest.Name, i.limits.Time)}
		}
		if result.Err == nil {
			result.Err = core.E("dispatch.Run", core.Internal, "The handler %s of %s failed.", t.handler, t.manifest.Name)
		}
		return response, nil, i.end(result.Outcome, result.Err)
	}
	response, err = parseResponse(result.Output, t, i.trigger)
	if err != nil {
		return response, nil, i.end(core.OutcomeTrap, err)
	}
	if response.Error != nil {
		return abi.Response{}, nil, i.end(core.OutcomeGuestError, guestError(t, response.Error))
	}
	return response, grants, i.end(core.OutcomeOK, nil)
}

// compute runs a handler when there is a processor for it. An action mostly waits for
// others, and waits for none of them here.
func (i *invocation) compute(ctx context.Context, call Call) (Result, error) {
	if call.Kind != abi.KindAction {
		place, err := i.processors.enter(ctx, i.workspace.ID)
		if err != nil {
			return Result{}, err
		}
		defer place.leave()
		call.Yield = place.yield
	}
	return i.runner.Run(ctx, call), nil
}

// commit ends a mutation that went well.
func (i *invocation) commit(ctx context.Context, v *view, t *target, unit Unit, grants []string, response abi.Response) (Answer, *conflict, error) {
	changes := t.withGrants(grants, i.record.Started)
	// The unit fails when the view is no longer current: nobody who came is left
	// out, nobody who went is told. Before the installation's own changes, as one
	// that ends takes its deliveries along.
	events := append(unit.Emitted(), core.EventsOf(changes)...)
	for _, delivery := range core.Deliveries(i.workspace.ID, v.Access.Installations, events) {
		delivery.Trace = core.TraceOf(ctx)
		unit.Add(core.PutDelivery{Delivery: delivery})
	}
	for _, change := range changes {
		unit.Add(change)
	}
	if t.receipt != nil {
		remembered, err := t.receipt.remember(Answer{Response: response, Invocation: i.record.ID}, i.record.Started)
		if err != nil {
			return Answer{}, nil, i.end(core.OutcomeFailed, err)
		}
		unit.Add(core.PutReceipt{Receipt: remembered})
	}
	deliveries, err := i.enlist(ctx, unit)
	if err != nil {
		return i.settled(v, unit, Answer{}, nil, err)
	}
	if deliveries {
		i.wake()
	}
	return Answer{Response: response}, nil, nil
}

// enlist commits a unit, unless another call has the plugin's data for itself.
func (i *invocation) enlist(ctx context.Context, unit Unit) (deliveries bool, err error) {
	if !i.alone {
		leave, err := i.commits.enter(ctx, i.data())
		if err != nil {
			return false, late(err)
		}
		defer leave()
	}
	return unit.Commit(ctx)
}

// data names what units of the installation can collide over: documents are of
// one plugin, and so are meters and receipts.
func (i *invocation) data() core.InstallationID { return i.record.Install }

// settle validates what a run read and reports its outcome, or a conflict. It
// is given time even when the run has used up its own.
func (i *invocation) settle(ctx context.Context, v *view, unit Unit, answer Answer, outcome error) (Answer, *conflict, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return i.settled(v, unit, answer, outcome, unit.Validate(ctx))
}

func (i *invocation) settled(v *view, unit Unit, answer Answer, outcome, validation error) (Answer, *conflict, error) {
	switch {
	case core.KindOf(validation) == core.Changed:
		key := unit.ConflictKey()
		if key == "" { // not the data: the workspace has another epoch
			i.views.dropStale(i.workspace.ID, v)
		}
		return Answer{}, &conflict{key, v.Access.Epoch, unit.Assumed()}, nil
	case validation != nil:
		return Answer{}, nil, i.end(core.OutcomeFailed, validation)
	default:
		return answer, nil, outcome
	}
}

// end notes how a run ended, for the log of invocations.
func (i *invocation) end(outcome core.Outcome, err error) error {
	i.record.Outcome, i.record.Error = outcome, ""
	if err != nil {
		err = late(err)
		i.record.Error = core.MessageOf(err)
		if cause, ok := errors.AsType[*abi.Error](err); ok {
			i.record.Error = cause.Message
		}
	}
	return err
}

// late makes an error of a context that ended one that says so.
func late(err error) error {
	if _, own := errors.AsType[*core.Error](err); own {
		return err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &core.Error{Op: "dispatch.Execute", Kind: core.Timeout, Msg: "The call was not done in time.", Err: err}
	case errors.Is(err, context.Canceled):
		return &core.Error{Op: "dispatch.Execute", Kind: core.Timeout, Msg: "The caller went away before the call was done.", Err: err}
	default:
		return err
	}
}

func actorOf(a core.Actor) abi.Actor {
	id := string(a.Account)
	if a.Type == core.ActorInstallation {
		id = string(a.Install)
	}
	return abi.Actor{Type: string(a.Type), ID: id, Role: string(a.Role)}
}
