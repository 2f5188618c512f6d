package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// bench is a real store in a bubble whose clock is synctest's.
type bench struct {
	*testing.T
	*counting
	units   *store.Store
	claimer *events.Claimer

	mu  sync.Mutex
	ran []string // "workspace handler attempt" in the order of the attempts
	at  []time.Time
}

// counting counts what a claimer asks its store.
type counting struct {
	*sqlite.DB
	asked atomic.Int64
}

func (c *counting) ClaimDeliveries(ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	c.asked.Add(1)
	return c.DB.ClaimDeliveries(ctx, now, lease, after, busy, each, limit)
}

// inBubble runs a test with a store and a claimer that is not running yet.
// What a handler does is its name's: "ok", or an error of that kind.
func inBubble(t *testing.T, c events.Config, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		b := &bench{T: t, counting: &counting{DB: db}, units: store.New(db.Documents())}
		c.Store = b.counting
		if c.Deliver == nil {
			c.Deliver = b.deliver
		}
		if c.Jitter == nil {
			c.Jitter = func() float64 { return 0 }
		}
		b.claimer = events.New(c)
		test(b)
	})
}

// start runs the claimer until the returned function is called.
func (b *bench) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.claimer.Run(ctx) }()
	return func() { cancel(); <-done }
}

func (b *bench) note(d core.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ran = append(b.ran, fmt.Sprint(d.Workspace, " ", d.Handler, " ", d.Attempt))
	b.at = append(b.at, time.Now())
}

func (b *bench) history() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ran)
}

func (b *bench) deliver(ctx context.Context, d core.Delivery) error {
	b.note(d)
	if d.Handler != "ok" {
		return core.E("test", core.Kind(d.Handler), "It is %s.", d.Handler)
	}
	return b.complete(ctx, d)
}

func (b *bench) complete(ctx context.Context, d core.Delivery) error {
	unit := b.units.Begin(d.Workspace, store.Scope{Now: time.Now()})
	unit.Add(core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt})
	_, err := unit.Commit(ctx)
	return err
}

// put stores deliveries of a handler, due after a delay.
func (b *bench) put(ws core.WorkspaceID, handler string, delay time.Duration, n int) core.DeliveryID {
	b.Helper()
	unit := b.units.Begin(ws, store.Scope{Now: time.Now()})
	var id core.DeliveryID
	for range n {
		id = core.NewDeliveryID()
		unit.Add(core.PutDelivery{Delivery: core.Delivery{ID: id, Install: "ins_1", Handler: handler, Due: time.Now().Add(delay), Created: time.Now()}})
	}
	if _, err := unit.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	return id
}

func (b *bench) delivery(ws core.WorkspaceID, id core.DeliveryID) core.Delivery {
	b.Helper()
	d, err := b.History().Delivery(b.Context(), ws, id)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// A claimer sleeps until a commit wakes it or something is due, to the moment.
func TestNothingIsPolled(t *testing.T) {
	inBubble(t, events.Config{}, func(b *bench) {
		defer b.start()()
		time.Sleep(365 * 24 * time.Hour)
		synctest.Wait()
		if n := b.asked.Load(); n > 2 {
			t.Errorf("an idle claimer asked %d times", n)
		}
		now := b.put("ws_a", "ok", 0, 1)
		later := b.put("ws_a", "ok", time.Hour, 1)
		b.claimer.Wake()
		synctest.Wait()
		if d := b.delivery("ws_a", now); d.State != core.DeliveryDone || d.Attempt != 1 {
			t.Fatalf("it was woken, but the delivery is %+v", d)
		}
		begun := time.Now()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if d := b.delivery("ws_a", later); d.State != core.DeliveryDone {
			t.Fatalf("it was due, but it is %+v", d)
		}
		if late := b.at[1].Sub(begun.Add(time.Hour)); late < 0 || late > time.Millisecond {
			t.Errorf("it was run %s late", late)
		}
		if n := b.asked.Load(); n > 10 {
			t.Errorf("two deliveries took %d looks", n)
		}
	})
}

// A delivery that keeps failing is tried eight times, further and further
// apart, and set aside with its error.
func TestBackoffUntilSetAside(t *testing.T) {
	inBubble(t, events.Config{Jitter: func() float64 { return 0.5 }}, func(b *bench) {
		id := b.put("ws_a", string(core.Unavailable), 0, 1)
		defer b.start()()
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryRetry || d.LastError != "It is unavailable." {
			t.Fatalf("after the first attempt: %+v", d)
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliverySetAside || d.Attempt != 8 || d.LastError != "It is unavailable." {
			t.Fatalf("in the end: %+v", d)
		}
		var waits []string
		for i := range len(b.at) - 1 {
			waits = append(waits, b.at[i+1].Sub(b.at[i]).Round(time.Millisecond).String())
		}
		// Half of the jitter, which is up to a quarter.
		if got, want := strings.Join(waits, " "), "1.125s 5.625s 33.75s 2m15s 11m15s 1h7m30s 6h45m0s"; got != want {
			t.Errorf("waits: %s, want %s", got, want)
		}
	})
}

// TestAttack55_ARefusalIsSetAsideAtOnce: what no further attempt can change costs
// none, and begins with all of them when a person redrives it.
func TestAttack55_ARefusalIsSetAsideAtOnce(t *testing.T) {
	for _, kind := range core.Kinds {
		refusal := kind == core.Invalid || kind == core.Denied || kind == core.TooLarge
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, events.Config{}, func(b *bench) {
				id := b.put("ws_a", string(kind), 0, 1)
				stop := b.start()
				defer stop()
				synctest.Wait()
				want := core.DeliveryRetry
				if refusal {
					want = core.DeliverySetAside
				}
				if d := b.delivery("ws_a", id); d.State != want || d.Attempt != 1 || d.LastError != "It is "+string(kind)+"." {
					t.Fatalf("after the first attempt: %+v", d)
				}
			})
		})
	}
}

// TestAttack55_PoisonedDeliveriesHoldNobodyUp: a panic is a failed attempt, and
// the others of the same workspace go on.
func TestAttack55_PoisonedDeliveriesHoldNobodyUp(t *testing.T) {
	var b *bench
	inBubble(t, events.Config{Workers: 2, Deliver: func(ctx context.Context, d core.Delivery) error {
		if d.Handler == "poison" {
			panic("boom")
		}
		return b.deliver(ctx, d)
	}}, func(bench *bench) {
		b = bench
		poison := b.put("ws_a", "poison", 0, 10)
		good := b.put("ws_a", "ok", time.Nanosecond, 1)
		defer b.start()()
		synctest.Wait()
		if d := b.delivery("ws_a", good); d.State != core.DeliveryDone {
			t.Fatalf("the good one is %+v", d)
		}
		if d := b.delivery("ws_a", poison); d.State != core.DeliveryRetry || strings.Contains(d.LastError, "boom") {
			t.Fatalf("the poisoned one is %+v", d)
		}
	})
}

// TestAttack56_AStormIsFair: a workspace with a thousand deliveries takes its
// share of the workers and its turn, and no more.
func TestAttack56_AStormIsFair(t *testing.T) {
	release := make(map[core.WorkspaceID]chan struct{})
	var b *bench
	var running sync.Map
	inBubble(t, events.Config{Workers: 4, Share: 2, Deliver: func(ctx context.Context, d core.Delivery) error {
		b.note(d)
		running.Store(d.ID, d.Workspace)
		defer running.Delete(d.ID)
		if wait := release[d.Workspace]; wait != nil {
			<-wait
		}
		return b.complete(ctx, d)
	}}, func(bench *bench) {
		b = bench
		release["ws_b"] = make(chan struct{})
		b.put("ws_b", "ok", -time.Hour, 1000)
		stop := b.start()
		synctest.Wait()
		busy := 0
		running.Range(func(_, ws any) bool { busy++; return true })
		if busy != 2 {
			t.Errorf("the storm has %d workers, want 2", busy)
		}
		// Others are served while it goes on, at once.
		one, two := b.put("ws_a", "ok", 0, 1), b.put("ws_c", "ok", 0, 1)
		b.claimer.Wake()
		synctest.Wait()
		if b.delivery("ws_a", one).State != core.DeliveryDone || b.delivery("ws_c", two).State != core.DeliveryDone {
			t.Errorf("the others wait: %v", b.history())
		}
		close(release["ws_b"])
		stop()
	})
}

// TestAttack56_AStormMakesRoom: a storm has its share of the workers while it is
// alone. While others have work it has one, and then its share again.
func TestAttack56_AStormMakesRoom(t *testing.T) {
	var storm chan struct{}
	var b *bench
	var running, most atomic.Int64
	inBubble(t, events.Config{Workers: 8, Share: 4, Deliver: func(ctx context.Context, d core.Delivery) error {
		if d.Workspace == "ws_b" {
			n := running.Add(1)
			defer running.Add(-1)
			most.Store(max(most.Load(), n))
			select {
			case <-storm:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return b.complete(ctx, d)
	}}, func(bench *bench) {
		b, storm = bench, make(chan struct{}) // of the bubble
		b.put("ws_b", "ok", -time.Hour, 100)
		stop := b.start()
		defer stop()
		synctest.Wait()
		if n := running.Load(); n != 4 {
			t.Fatalf("alone, the storm has %d workers, want 4", n)
		}
		next := func(n int) {
			for range n {
				storm <- struct{}{}
			}
			synctest.Wait()
		}
		for range 5 { // others come, at least every 100 ms
			b.put("ws_a", "ok", 0, 1)
			b.claimer.Wake()
			synctest.Wait()
			next(int(running.Load()))
			if n := running.Load(); n != 1 {
				t.Fatalf("beside others, the storm has %d workers, want 1", n)
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Second)
		next(1)
		if n := running.Load(); n != 4 || most.Load() != 4 {
			t.Fatalf("alone again, the storm has %d workers, want 4; once it had %d", n, most.Load())
		}
		close(storm)
	})
}

// Of a workspace whose deliveries wait for others no more are claimed: they would take
// the workers from others, and run out of time.
func TestNoMoreIsClaimedOfWhoWaits(t *testing.T) {
	var let chan struct{}
	var b *bench
	var waits atomic.Bool
	var running atomic.Int64
	inBubble(t, events.Config{Workers: 8, Share: 4,
		Waiting: func() []core.WorkspaceID {
			if waits.Load() {
				return []core.WorkspaceID{"ws_b"}
			}
			return nil
		},
		Deliver: func(ctx context.Context, d core.Delivery) error {
			if d.Workspace == "ws_b" {
				running.Add(1)
				defer running.Add(-1)
				select {
				case <-let:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return b.complete(ctx, d)
		},
	}, func(bench *bench) {
		b, let = bench, make(chan struct{}) // of the bubble
		waits.Store(true)
		b.put("ws_b", "ok", -time.Hour, 100)
		stop := b.start()
		defer stop()
		synctest.Wait()
		if n := running.Load(); n != 1 {
			t.Errorf("%d of who waits are in progress, want 1", n)
		}
		waits.Store(false)
		let <- struct{}{}
		synctest.Wait()
		if n := running.Load(); n != 4 {
			t.Errorf("%d are in progress when none waits any more, want 4", n)
		}
		close(let)
	})
}

// An attempt is stopped before its lease ends; when it doesn't stop, another
// one is made, and the first has no say any more.
func TestAnAttemptEndsWithItsLease(t *testing.T) {
	var b *bench
	var stuck chan struct{}
	var ended []time.Duration
	inBubble(t, events.Config{Deliver: func(ctx context.Context, d core.Delivery) error {
		b.note(d)
		begun := time.Now()
		switch d.Attempt {
		case 1:
			<-ctx.Done()
			ended = append(ended, time.Since(begun))
			<-stuck // it ignores the end
			return errors.New("much too late")
		default:
			return b.complete(ctx, d)
		}
	}}, func(bench *bench) {
		b, stuck = bench, make(chan struct{})
		id := b.put("ws_a", "any", 0, 1)
		stop := b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryDone || d.Attempt != 2 {
			t.Fatalf("%+v", d)
		}
		if len(ended) != 1 || ended[0] != 25*time.Second {
			t.Errorf("the first attempt was stopped after %v", ended)
		}
		close(stuck)
		stop()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryDone {
			t.Fatalf("the first attempt changed it: %+v", d)
		}
	})
}

// An attempt that another has taken over from leaves the delivery to it, however
// it ends.
func TestAStaleAttemptChangesNothing(t *testing.T) {
	for _, kind := range []core.Kind{core.Stale, core.Unavailable, core.Invalid} {
		var b *bench
		inBubble(t, events.Config{Deliver: func(ctx context.Context, d core.Delivery) error {
			late := time.Now().Add(time.Minute)
			if claimed, err := b.DB.ClaimDeliveries(ctx, late, late.Add(time.Hour), "", nil, 1, 1); err != nil || len(claimed) != 1 {
				b.Errorf("claimed %v, %v", claimed, err)
			}
			return core.E("test", kind, "It is %s.", kind)
		}}, func(bench *bench) {
			b = bench
			id := b.put("ws_a", "any", 0, 1)
			defer b.start()()
			synctest.Wait()
			if d := b.delivery("ws_a", id); d.State != core.DeliveryRunning || d.Attempt != 2 || d.LastError != "" {
				t.Errorf("after %s: %+v", kind, d)
			}
		})
	}
}

// What is held is not looked at until it can go on, and then at once; also when
// the server was stopped meanwhile.
func TestHeldDeliveriesGoOn(t *testing.T) {
	in := core.Installation{
		ID: core.NewInstallationID(), Plugin: core.PluginID{Publisher: "acme", Name: "crm"}, Alias: "crm",
		State: core.InstallationDisabled, Revision: 1,
	}
	var b *bench
	off := true
	inBubble(t, events.Config{Deliver: func(ctx context.Context, d core.Delivery) error {
		b.note(d)
		unit := b.units.Begin(d.Workspace, store.Scope{Now: time.Now(), AuthEpoch: in.Revision})
		if off {
			unit.Add(core.HoldDelivery{ID: d.ID, Attempt: d.Attempt, Reason: "It is off."})
		} else {
			unit.Add(core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt})
		}
		_, err := unit.Commit(ctx)
		return err
	}}, func(bench *bench) {
		b = bench
		update := func(state core.InstallationState) {
			b.Helper()
			unit := b.units.Begin("ws_a", store.Scope{Now: time.Now(), AuthEpoch: in.Revision - 1})
			in.State, in.Updated = state, time.Now()
			unit.Add(core.PutInstallation{Installation: in})
			if _, err := unit.Commit(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		update(core.InstallationDisabled)
		unit := b.units.Begin("ws_a", store.Scope{Now: time.Now(), AuthEpoch: 1})
		id := core.NewDeliveryID()
		unit.Add(core.PutDelivery{Delivery: core.Delivery{ID: id, Install: in.ID, Handler: "ok", Due: time.Now(), Created: time.Now()}})
		if _, err := unit.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		stop := b.start()
		time.Sleep(365 * 24 * time.Hour)
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryHeld || d.Attempt != 0 || d.LastError != "It is off." || len(b.history()) != 1 {
			t.Fatalf("after a year: %+v, %v", d, b.history())
		}
		in.Revision++
		update(core.InstallationDisabled) // changed, but not enabled
		synctest.Wait()
		if n := len(b.history()); n != 1 {
			t.Fatalf("%d attempts while it is off", n)
		}
		stop()
		stop = b.start() // the plans may be others now
		synctest.Wait()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryHeld || d.Attempt != 0 || len(b.history()) != 2 {
			t.Fatalf("after a restart: %+v, %v", d, b.history())
		}
		off = false
		in.Revision++
		update(core.InstallationEnabled)
		synctest.Wait()
		stop()
		if d := b.delivery("ws_a", id); d.State != core.DeliveryDone || d.Attempt != 1 {
			t.Fatalf("in the end: %+v", d)
		}
	})
}
