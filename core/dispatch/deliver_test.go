package dispatch_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
)

// delivery stores a due job and claims it.
func (b *bench) delivery(handler string, change ...func(*core.Delivery)) core.Delivery {
	b.Helper()
	d := core.Delivery{
		ID: core.NewDeliveryID(), Workspace: b.ws.ID, Install: b.in.ID, Handler: handler,
		Payload: json.RawMessage(`{"row":1}`), Due: noon, Created: noon, Hop: 4,
	}
	for _, f := range change {
		f(&d)
	}
	access, err := b.db.Access(b.Context(), b.ws.ID)
	must(b.T, err)
	unit := b.units.Begin(b.ws.ID, store.Scope{Now: noon, AuthEpoch: access.Epoch})
	unit.Add(core.PutDelivery{Delivery: d})
	_, err = unit.Commit(b.Context())
	must(b.T, err)
	return b.claim()
}

func (b *bench) claim() core.Delivery {
	b.Helper()
	now := time.Now()
	claimed, err := b.db.ClaimDeliveries(b.Context(), now, now, "", nil, 1, 1)
	if err != nil || len(claimed) != 1 {
		b.Fatalf("claimed %v, %v", claimed, err)
	}
	return claimed[0]
}

func (b *bench) state(d core.Delivery) core.DeliveryState {
	b.Helper()
	got, err := b.db.History().Delivery(b.Context(), d.Workspace, d.ID)
	must(b.T, err)
	return got.State
}

func TestAJobAndItsCompletionAreOneUnit(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	job := b.delivery("bump")
	fails := true
	b.handle("bump", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if in.Trigger != abi.TriggerSchedule || string(in.Payload) != `{"row":1}` || in.Attempt != 1 || in.Actor.Type != "installation" || in.Actor.ID != string(b.in.ID) || in.IdempotencyKey != string(job.ID) {
			t.Errorf("invocation: %+v", in)
		}
		// The hop of what caused it goes on to what it causes.
		if _, err := call[abi.IDResponse](ctx, host, abi.OpEventsEmit, map[string]any{"type": "crm.counted", "version": 1, "data": map[string]any{}}); err != nil {
			return nil, err
		}
		if fails {
			fails = false
			return nil, core.E("", core.Unavailable, "Not yet.")
		}
		return insert(ctx, host, "done")
	})
	wantError(t, d.Deliver(t.Context(), job), core.Unavailable, "Not yet.")
	if b.state(job) != core.DeliveryRunning || len(b.counters()) != 0 {
		t.Fatalf("a failed job is %s and left %v", b.state(job), b.counters())
	}
	must(t, d.Deliver(t.Context(), job))
	if b.state(job) != core.DeliveryDone || len(b.counters()) != 1 {
		t.Fatalf("the job is %s and left %v", b.state(job), b.counters())
	}
	events, err := b.db.History().Events(t.Context(), b.ws.ID, "", "", 10)
	if err != nil || len(events) != 1 || events[0].Hop != 4 {
		t.Fatalf("events: %+v, %v", events, err)
	}
}

// TestFault13_OneEffectOfTwoAttempts: an attempt that lost its lease has no
// effect, however far it came, and however often it is tried.
func TestFault13_OneEffectOfTwoAttempts(t *testing.T) {
	b := newBench(t)
	b.handle("bump", insertNew)
	first := b.delivery("bump")
	second := b.claim() // its lease was over at once
	if second.ID != first.ID || second.Attempt != 2 {
		t.Fatalf("claimed %+v", second)
	}
	results := make([]error, 20)
	var all sync.WaitGroup
	for i := range results {
		d := b.dispatcher()
		all.Go(func() {
			if i%2 == 0 {
				results[i] = d.Deliver(t.Context(), first)
			} else {
				results[i] = d.Deliver(t.Context(), second)
			}
		})
	}
	all.Wait()
	done := 0
	for _, err := range results {
		if err == nil {
			done++
		} else if core.KindOf(err) != core.Stale {
			t.Errorf("%v, want stale", err)
		}
	}
	if done != 1 || len(b.counters()) != 1 || b.state(first) != core.DeliveryDone {
		t.Fatalf("%d completions, %d effects, %s", done, len(b.counters()), b.state(first))
	}
}

func TestAnActionsDeliveryIsCompletedAfterIt(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	sent := 0
	b.handle("send", func(_ context.Context, in abi.Invocation, _ *hostfuncs.Host) (any, error) {
		sent++
		b.update(func(in *core.Installation) { in.Settings = json.RawMessage(`{"n":1}`) }) // the epoch passes meanwhile
		return "{}", nil
	})
	job := b.delivery("send")
	must(t, d.Deliver(t.Context(), job))
	if sent != 1 || b.state(job) != core.DeliveryDone {
		t.Fatalf("sent %d times, and it is %s", sent, b.state(job))
	}
}

// An action whose plugin is disabled while it runs is not refused for good: its
// next attempt is held.
func TestFault21_AnActionIsInterruptedByItsPluginGoingOff(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("bump", insertNew)
	b.handle("send", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		b.update(func(in *core.Installation) { in.State = core.InstallationDisabled })
		return call[any](ctx, host, abi.OpMutate, map[string]any{"handler": "bump"})
	})
	job := b.delivery("send")
	wantError(t, d.Deliver(t.Context(), job), core.Unavailable, "disabled")
	must(t, d.Deliver(t.Context(), b.claim()))
	if b.state(job) != core.DeliveryHeld {
		t.Fatalf("it is %s", b.state(job))
	}
}

func TestDeliveriesThatCannotBeRun(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("bump", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	of := func(id core.EventID) func(*core.Delivery) { return func(d *core.Delivery) { d.Event = id } }
	wantError(t, d.Deliver(t.Context(), b.delivery("bump", of(core.NewEventID()))), core.NotFound)
	wantError(t, d.Deliver(t.Context(), b.claim()), core.NotFound) // the same one, still there
	b.handle("mutation", emit("crm.counted", 1, nil))
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	events, err := b.db.History().Events(t.Context(), b.ws.ID, "", "", 1)
	must(t, err)
	wantError(t, d.Deliver(t.Context(), b.delivery("bump", of(events[0].ID))), core.Invalid, "does not listen to crm.counted")
	wantError(t, d.Deliver(t.Context(), core.Delivery{Workspace: b.ws.ID, Install: b.in.ID, Handler: "mutation"}), core.Invalid, "job")
	wantError(t, d.Deliver(t.Context(), core.Delivery{Workspace: b.ws.ID, Install: core.NewInstallationID(), Handler: "bump"}), core.NotFound)
}

// TestFault21_JobsWaitForAPluginThatIsOff: an attempt made while the
// installation is disabled, or not in the plan, is none. It isn't logged, and
// the job goes on when that changes.
func TestFault21_JobsWaitForAPluginThatIsOff(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("bump", insertNew)
	job := b.delivery("bump")
	contract := func(plan string) func() {
		return func() {
			must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
				return []core.Change{core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Workspace: b.ws.ID, Plan: plan, Began: noon}}}, nil
			}))
		}
	}
	state := func(to core.InstallationState) func() {
		return func() { b.update(func(in *core.Installation) { in.State = to }) }
	}
	for _, c := range []struct {
		off, on func()
		why     string
	}{
		{state(core.InstallationDisabled), state(core.InstallationEnabled), "is disabled in this workspace"},
		{contract("empty"), contract("starter"), "The plan Empty does not include crm"},
	} {
		for range 20 { // more than any delivery is tried
			logged := len(b.log.all())
			c.off()
			must(t, d.Deliver(t.Context(), job))
			held, err := b.db.History().Delivery(t.Context(), b.ws.ID, job.ID)
			if err != nil || held.State != core.DeliveryHeld || held.Attempt != 0 || !held.Due.IsZero() || !strings.Contains(held.LastError, c.why) {
				t.Fatalf("it is %+v, %v", held, err)
			}
			if n := len(b.log.all()); n != logged || len(b.counters()) != 0 {
				t.Fatalf("%d invocations were logged, and there are %v", n-logged, b.counters())
			}
			select {
			case <-b.db.Resumed(): // of what happened before
			default:
			}
			c.on()
			select {
			case <-b.db.Resumed():
			default:
				t.Fatal("nobody is told that it is due")
			}
			if job = b.claim(); job.ID != held.ID || job.Attempt != 1 {
				t.Fatalf("claimed %+v", job)
			}
		}
	}
	must(t, d.Deliver(t.Context(), job))
	if b.state(job) != core.DeliveryDone || len(b.counters()) != 1 {
		t.Fatalf("it is %s, and there are %v", b.state(job), b.counters())
	}

	// Who is told late that it is off may find it on, and the other way round.
	job = b.delivery("bump")
	state(core.InstallationDisabled)()
	must(t, d.Deliver(t.Context(), job)) // with a view of before
	if b.state(job) != core.DeliveryHeld {
		t.Fatalf("it is %s", b.state(job))
	}
	state(core.InstallationEnabled)()
	job = b.claim()
	must(t, d.Deliver(t.Context(), job)) // with a view of when it was off
	if b.state(job) != core.DeliveryDone || len(b.counters()) != 2 {
		t.Fatalf("it is %s, and there are %v", b.state(job), b.counters())
	}
	state(core.InstallationDisabled)()
	wantError(t, d.Deliver(t.Context(), job), core.Stale) // done already
}

// TestAttack56_AJobForkBombIsBounded: jobs that schedule two jobs each come to
// an end at the number an installation may have, while one that schedules its
// own continuation goes on even then.
func TestAttack56_AJobForkBombIsBounded(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	continues := func(n int) guest {
		return func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
			for range n {
				if _, err := call[abi.IDResponse](ctx, host, abi.OpJobsSchedule, map[string]any{"handler": "bump", "payload": 1}); err != nil {
					return nil, err
				}
			}
			return "{}", nil
		}
	}
	access, err := b.db.Access(t.Context(), b.ws.ID)
	must(t, err)
	for n := core.MaxWaitingJobs - 2; n > 0; n -= store.MaxChanges {
		unit := b.units.Begin(b.ws.ID, store.Scope{Now: noon, AuthEpoch: access.Epoch})
		for range min(n, store.MaxChanges) {
			unit.Add(core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Workspace: b.ws.ID, Install: b.in.ID, Handler: "bump", Due: noon, Created: noon}})
		}
		_, err := unit.Commit(t.Context())
		must(t, err)
	}
	b.handle("bump", continues(2))
	for range 2 { // one ends and two begin
		must(t, d.Deliver(t.Context(), b.claim()))
	}
	bomb := b.claim()
	wantError(t, d.Deliver(t.Context(), bomb), core.RateLimited, "10000 jobs")
	if record := b.log.last(); record.Outcome != core.OutcomeFailed || b.state(bomb) != core.DeliveryRunning {
		t.Fatalf("the job is %s; record %+v", b.state(bomb), record)
	}
	b.handle("mutation", continues(1))
	_, err = b.ask(d, b.owner, "POST", "/run")
	wantError(t, err, core.RateLimited, "10000 jobs")

	b.handle("bump", continues(1))
	for range 3 {
		must(t, d.Deliver(t.Context(), b.claim()))
	}
}
