package events_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/store"
)

// TestFault02_ARestartGoesOnAtOnce: what a killed process was running is run
// again without waiting for its lease.
func TestFault02_ARestartGoesOnAtOnce(t *testing.T) {
	inBubble(t, events.Config{}, func(b *bench) {
		id := b.put("ws_a", "ok", 0, 1)
		now := time.Now()
		if claimed, err := b.DB.ClaimDeliveries(b.Context(), now, now.Add(30*time.Second), "", nil, 1, 1); err != nil || len(claimed) != 1 {
			t.Fatalf("%v, %v", claimed, err)
		}
		defer b.start()() // that process is gone
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryDone || d.Attempt != 2 || time.Since(now) > time.Second {
			t.Fatalf("after %s: %+v", time.Since(now), d)
		}
	})
}

// TestFault13_TwoClaimers: two of them work on one store, as two nodes would, each
// woken by every commit. Each delivery is done by one of them, once.
func TestFault13_TwoClaimers(t *testing.T) {
	const workspaces, each = 4, 50
	inBubble(t, events.Config{Workers: 4}, func(b *bench) {
		other := b.claimer.Config
		var effects atomic.Int64
		var second *events.Claimer
		deliver := func(ctx context.Context, d core.Delivery) error {
			err := b.complete(ctx, d)
			if err == nil {
				effects.Add(1)
			}
			b.claimer.Wake()
			second.Wake()
			return err
		}
		b.claimer.Deliver, other.Deliver = deliver, deliver
		second = events.New(other)
		for n := range workspaces {
			b.put(core.WorkspaceID(fmt.Sprint("ws_", n)), "ok", 0, each)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var both sync.WaitGroup
		for _, c := range []*events.Claimer{b.claimer, second} {
			both.Go(func() { c.Run(ctx) })
		}
		synctest.Wait()
		cancel()
		both.Wait()
		if n := effects.Load(); n != workspaces*each {
			t.Errorf("%d effects of %d deliveries", n, workspaces*each)
		}
		for n := range workspaces {
			list, err := b.History().Deliveries(b.Context(), core.WorkspaceID(fmt.Sprint("ws_", n)), core.DeliveryDone, "", 2*each)
			if err != nil || len(list) != each {
				t.Errorf("%d are done, %v; want %d", len(list), err, each)
			}
		}
	})
}

// TestFault12_ANodeWhoseClockIsAnHourAhead takes every lease for over, and takes
// deliveries from the one that runs them: there is one effect of each all the same,
// as the attempt that was overtaken has none. (Nodes go by their database's clock,
// so this is not how they work: it is why they may be wrong.)
func TestFault12_ANodeWhoseClockIsAnHourAhead(t *testing.T) {
	const deliveries = 40
	inBubble(t, events.Config{Workers: 4}, func(b *bench) {
		var effects, overtaken atomic.Int64
		deliver := func(ctx context.Context, d core.Delivery) error {
			time.Sleep(100 * time.Millisecond) // by when the other has looked
			err := b.complete(ctx, d)
			switch core.KindOf(err) {
			case "":
				effects.Add(1)
			case core.Stale:
				overtaken.Add(1)
			default:
				t.Error(err)
			}
			return err
		}
		ahead := b.claimer.Config
		b.claimer.Deliver, ahead.Deliver = deliver, deliver
		ahead.Now = func() time.Time { return time.Now().Add(time.Hour) }
		var ids []core.DeliveryID
		for range deliveries {
			ids = append(ids, b.put("ws_a", "ok", 0, 1))
		}
		ctx, cancel := context.WithCancel(context.Background())
		var both sync.WaitGroup
		both.Go(func() { b.claimer.Run(ctx) })
		synctest.Wait() // it runs some
		other := events.New(ahead)
		both.Go(func() { other.Run(ctx) })
		time.Sleep(2 * time.Hour) // whatever was claimed by either clock is over
		synctest.Wait()
		cancel()
		both.Wait()
		for _, id := range ids {
			if d := b.delivery("ws_a", id); d.State != core.DeliveryDone {
				t.Errorf("%+v", d)
			}
		}
		if effects.Load() != deliveries || overtaken.Load() == 0 {
			t.Errorf("%d effects of %d deliveries, %d attempts were overtaken", effects.Load(), deliveries, overtaken.Load())
		}
	})
}

// TestFault21_DownForDays: a plugin that is off for days is told of what happened
// since when it is on: each once, none of its attempts used up, and the oldest
// first, as nothing fails.
func TestFault21_DownForDays(t *testing.T) {
	const days, daily = 5, 20
	var b *bench
	off := true
	var told []core.DeliveryID
	in := core.Installation{
		ID: core.NewInstallationID(), Plugin: core.PluginID{Publisher: "acme", Name: "crm"}, Alias: "crm", State: core.InstallationDisabled, Revision: 1,
	}
	inBubble(t, events.Config{Workers: 1, Deliver: func(ctx context.Context, d core.Delivery) error {
		unit := b.units.Begin(d.Workspace, store.Scope{Now: time.Now(), AuthEpoch: in.Revision})
		if off {
			unit.Add(core.HoldDelivery{ID: d.ID, Attempt: d.Attempt, Reason: "It is off."})
		} else {
			unit.Add(core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt})
			told = append(told, d.ID)
		}
		_, err := unit.Commit(ctx)
		return err
	}}, func(bench *bench) {
		b = bench
		update := func() {
			b.Helper()
			unit := b.units.Begin("ws_a", store.Scope{Now: time.Now(), AuthEpoch: in.Revision - 1})
			in.Updated = time.Now()
			unit.Add(core.PutInstallation{Installation: in})
			if _, err := unit.Commit(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		update()
		stop := b.start()
		var want []core.DeliveryID
		for range days * daily {
			time.Sleep(24 * time.Hour / daily)
			unit := b.units.Begin("ws_a", store.Scope{Now: time.Now(), AuthEpoch: in.Revision})
			d := core.Delivery{ID: core.NewDeliveryID(), Install: in.ID, Event: core.NewEventID(), Handler: "order.paid", Due: time.Now(), Created: time.Now()}
			unit.Add(core.PutDelivery{Delivery: d})
			if _, err := unit.Commit(b.Context()); err != nil {
				b.Fatal(err)
			}
			want = append(want, d.ID)
			b.claimer.Wake()
			synctest.Wait()
		}
		stop()
		if len(told) != 0 || b.delivery("ws_a", want[0]).State != core.DeliveryHeld {
			t.Fatalf("told of %d while it was off", len(told))
		}
		off, in.State = false, core.InstallationEnabled
		in.Revision++
		update()
		stop = b.start()
		synctest.Wait()
		stop()
		if !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		if d := b.delivery("ws_a", want[0]); d.State != core.DeliveryDone || d.Attempt != 1 {
			t.Errorf("the first: %+v", d)
		}
	})
}

// TestFault19_AStopLetsAttemptsFinish: no others begin, those in progress get a
// few seconds, and what is left is due when the server comes back.
func TestFault19_AStopLetsAttemptsFinish(t *testing.T) {
	var b *bench
	inBubble(t, events.Config{Workers: 2, Deliver: func(ctx context.Context, d core.Delivery) error {
		b.note(d)
		work := time.Second
		if d.Handler == "slow" {
			work = time.Hour
		}
		select {
		case <-time.After(work):
			return b.complete(context.WithoutCancel(ctx), d)
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, func(bench *bench) {
		b = bench
		quick, slow := b.put("ws_a", "quick", 0, 1), b.put("ws_b", "slow", 0, 1)
		stop := b.start()
		synctest.Wait()
		next := b.put("ws_c", "quick", 0, 1)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("the stop took %s", took)
		}
		for id, want := range map[core.DeliveryID]core.DeliveryState{quick: core.DeliveryDone, slow: core.DeliveryRetry, next: core.DeliveryPending} {
			ws := map[core.DeliveryID]core.WorkspaceID{quick: "ws_a", slow: "ws_b", next: "ws_c"}[id]
			if d := b.delivery(ws, id); d.State != want {
				t.Errorf("%s: %+v, want %s", ws, d, want)
			}
		}
	})
}

// TestFault19_WhatIsBeingClaimedIsNotForgotten: a claimer that is stopped while its
// claim is on the way to the database runs what it gets.
func TestFault19_WhatIsBeingClaimedIsNotForgotten(t *testing.T) {
	inBubble(t, events.Config{}, func(b *bench) {
		id := b.put("ws_a", "ok", 0, 1)
		ctx, stop := context.WithCancel(context.Background())
		b.claimer.Store = answersLate{b.counting, stop}
		b.claimer.Run(ctx)
		if d := b.delivery("ws_a", id); d.State != core.DeliveryDone || d.Attempt != 1 {
			t.Errorf("%+v", d)
		}
	})
}

// answersLate is a store whose claimer is stopped before it hears of what it
// claimed. Who doesn't wait hears nothing, as from a driver.
type answersLate struct {
	*counting
	stop func()
}

func (s answersLate) ClaimDeliveries(
	ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int,
) ([]core.Delivery, error) {
	claimed, err := s.counting.ClaimDeliveries(ctx, now, lease, after, busy, each, limit)
	s.stop()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return claimed, err
}

// A delivery whose last attempt never ended is not run once more; what is to be
// done at its end is the dispatcher's.
func TestFault02_AnAttemptTooManyIsNotMade(t *testing.T) {
	var ended []string
	var b *bench
	inBubble(t, events.Config{SetAside: func(ctx context.Context, d core.Delivery, message string) error {
		ended = append(ended, message)
		return b.DB.SetAsideDelivery(ctx, d, message)
	}}, func(bench *bench) {
		b = bench
		id := b.put("ws_a", "ok", 0, 1)
		for range 8 {
			now := time.Now()
			if claimed, err := b.DB.ClaimDeliveries(b.Context(), now, now, "", nil, 1, 1); err != nil || len(claimed) != 1 {
				t.Fatalf("%v, %v", claimed, err)
			}
		}
		b.claimer.Store = running{b.counting}
		defer b.start()()
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliverySetAside || len(b.history()) != 0 || len(ended) != 1 {
			t.Fatalf("%+v, run %v, ended %v", d, b.history(), ended)
		}
	})
}

// running is a store that another process still uses: nothing is recovered.
type running struct{ *counting }

func (running) RecoverDeliveries(context.Context, time.Time, int) error { return nil }
