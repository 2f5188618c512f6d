package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/store"
)

// crowd asks for the same so many times at once, and counts how it ended.
func (b *bench) crowd(d *dispatch.Dispatcher, n int) map[core.Kind]int {
	var mu sync.Mutex
	kinds := map[core.Kind]int{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := b.ask(d, b.owner, "POST", "/run")
			mu.Lock()
			defer mu.Unlock()
			kinds[core.KindOf(err)]++
		})
	}
	all.Wait()
	return kinds
}

// A hundred concurrent increments of one document are exact: those that
// collide are run again.
func TestConcurrentIncrementsAreExact(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.Request.Time = 30 * time.Second })
	id := b.seed("hot")
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return increment(ctx, host, id)
	})
	const callers = 100
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := b.ask(d, b.owner, "POST", "/run"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := b.counters()["hot"]; got != callers {
		t.Fatalf("the counter is at %d, want %d", got, callers)
	}
	var runs int
	for _, record := range b.log.all() {
		if runs += record.Runs; record.Outcome != core.OutcomeOK {
			t.Errorf("record: %+v", record)
		}
	}
	if runs <= callers {
		t.Errorf("%d runs for %d calls: nothing ever collided", runs, callers)
	}
	t.Logf("%d runs for %d calls", runs, callers)
}

// Units that touch different documents run at the same time and never again.
func TestDisjointDocumentsRunInParallel(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	const callers = 8
	var inside sync.WaitGroup
	inside.Add(callers)
	ids := make(chan string, callers)
	for i := range callers {
		ids <- b.seed(fmt.Sprint("c", i))
	}
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		answer, err := increment(ctx, host, <-ids)
		inside.Done()
		inside.Wait() // until all of them are here
		return answer, err
	})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := b.ask(d, b.owner, "POST", "/run"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for name, n := range b.counters() {
		if n != 1 {
			t.Errorf("%s is at %d", name, n)
		}
	}
	if runs := b.runs.Load(); runs != callers {
		t.Errorf("%d runs for %d calls", runs, callers)
	}
}

// While a guest computes, no connection is in use and anybody can write.
func TestAParkedGuestHoldsNoConnection(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	id := b.seed("read")
	parked, goOn := make(chan struct{}), make(chan struct{})
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		answer, err := increment(ctx, host, id)
		close(parked)
		<-goOn
		return answer, err
	})
	result := make(chan error, 1)
	go func() { _, err := b.ask(d, b.owner, "POST", "/run"); result <- err }()
	<-parked
	if stats := b.db.Reader().Stats(); stats.InUse != 0 {
		t.Errorf("%d connections are in use while the guest computes", stats.InUse)
	}
	b.seed("meanwhile")
	close(goOn)
	must(t, <-result)
	if got := b.counters(); got["read"] != 1 || len(got) != 2 {
		t.Fatalf("stored: %v", got)
	}
}

// A call that conflicts every time is given up, and says so.
func TestAnEndlessConflictEnds(t *testing.T) {
	b := newBench(t)
	d, other := b.dispatcher(), b.dispatcher()
	id := b.seed("contested")
	b.handle("bump", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return increment(ctx, host, id)
	})
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		answer, err := increment(ctx, host, id)
		// Another server is always faster: in this one, the run would be alone
		// in the end.
		if err := other.Deliver(ctx, b.delivery("bump")); err != nil {
			t.Error(err)
		}
		return answer, err
	})
	_, err := b.ask(d, b.owner, "POST", "/run")
	wantError(t, err, core.Changed, "10 tries")
	if record := b.log.last(); record.Outcome != core.OutcomeConflict || record.Runs != 10 || record.Fuel != 100 {
		t.Errorf("record: %+v", record)
	}
	if got := b.counters()["contested"]; got != 10 {
		t.Errorf("the counter is at %d, want the other's 10", got)
	}
}

// A run that is alone with its plugin's data waits for no room: others of its
// workspace have it, and wait for this run.
func TestARunThatIsAloneNeedsNoRoom(t *testing.T) {
	b := newBench(t)
	d, other := b.dispatcher(), b.dispatcher()
	id := b.seed("contested")
	b.handle("bump", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return increment(ctx, host, id)
	})
	var runs atomic.Int64
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		answer, err := increment(ctx, host, id)
		switch n := runs.Add(1); {
		case n < 5:
			must(t, other.Deliver(ctx, b.delivery("bump")))
		case n == 5: // the next one is alone
			must(t, other.Deliver(ctx, b.delivery("bump")))
			d.HoldBack(b.ws.ID)
		}
		return answer, err
	})
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if runs.Load() != 6 {
		t.Errorf("%d runs", runs.Load())
	}
}

// An action mostly waits for others, so it needs no room; what it changes does, and so
// do all other calls.
func TestAnActionNeedsNoRoom(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.Request.Time = time.Second })
	b.handle("action", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return nil, nil })
	b.handle("mutation", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		return insert(ctx, host, in.ID)
	})
	d.HoldBack(b.ws.ID)
	_, err := b.ask(d, b.owner, "PUT", "/run/1")
	must(t, err)
	_, err = b.ask(d, b.owner, "POST", "/run")
	wantError(t, err, core.Timeout, "not done in time")
	if n := d.Unanswered(b.ws.ID); n != 1 {
		t.Errorf("%v requests count as not answered, want the one that was given up", n)
	}
	if record := b.log.last(); record.Outcome != core.OutcomeTimeout || record.Runs != 0 {
		t.Errorf("record: %+v", record)
	}
}

// A refusal is true when it is told: a handler that decided on what had changed
// meanwhile decides again.
func TestAStaleRefusalIsRunAgain(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	first := true
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		found, err := call[page](ctx, host, abi.OpDataQuery, abi.QueryRequest{Table: "counters", Filter: []abi.Filter{{Field: "name", Op: "eq", Value: json.RawMessage(`"wanted"`)}}})
		if err != nil {
			return nil, err
		}
		if first {
			first = false
			b.seed("wanted")
			// A second read, of another moment, or the first would be right as it was.
			if _, err := call[abi.CountResponse](ctx, host, abi.OpDataCount, abi.CountRequest{Table: "counters"}); err != nil {
				return nil, err
			}
		}
		if len(found.Data) == 0 {
			return nil, core.E("", core.NotFound, "It isn't there.")
		}
		return found, nil
	})
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if record := b.log.last(); record.Runs != 2 || record.Outcome != core.OutcomeOK {
		t.Errorf("record: %+v", record)
	}
}

// TestAttack58_TheQuotaHoldsExactly: of calls that race for what the plan
// leaves, exactly so many succeed.
func TestAttack58_TheQuotaHoldsExactly(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.Request.Time = 30 * time.Second })
	b.handle("mutation", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if _, err := call[struct{}](ctx, host, abi.OpBillingRecord, abi.RecordRequest{Meter: "contacts", Quantity: 1}); err != nil {
			return nil, err
		}
		return insert(ctx, host, in.ID)
	})
	kinds := b.crowd(d, 20)
	if kinds[""] != 3 || kinds[core.QuotaExceeded] != 17 {
		t.Fatalf("outcomes: %v", kinds)
	}
	sums, err := b.db.UsageSums(t.Context(), b.ws.ID)
	if err != nil || len(sums) != 1 || sums[0].Quantity != 3 || len(b.counters()) != 3 {
		t.Fatalf("usage %v, %v; %d rows", sums, err, len(b.counters()))
	}
}

// asking is the store's database, which counts what it is asked while units run.
type asking struct {
	store.Backend
	asked atomic.Int64
}

func (a *asking) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (store.Answer, store.Moment, error) {
	a.asked.Add(1)
	return a.Backend.Ask(ctx, ws, q)
}

// The first run takes a unique key for free without asking; a taken one costs a
// second run, whose answer is the one there was always.
func TestAUniqueKeyIsAskedForWhenItIsTaken(t *testing.T) {
	b := newBench(t)
	database := &asking{Backend: b.db.Documents()}
	d := b.dispatcher(func(c *dispatch.Config) { c.Units = units{store.New(database)} })
	add := func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		return insert(ctx, host, "one")
	}
	b.handle("mutation", add)
	b.handle("bump", add)
	expect := func(runs int, asked int64) {
		t.Helper()
		if record := b.log.last(); record.Runs != runs || record.Fuel != 10*int64(runs) {
			t.Errorf("record: %+v, want %d runs", record, runs)
		}
		if n := database.asked.Swap(0); n != asked {
			t.Errorf("the database was asked %d times, want %d", n, asked)
		}
	}
	answer, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	expect(1, 0)
	var first counter
	must(t, json.Unmarshal(answer.Response.Body, &first))

	refused := fmt.Sprintf("body.name: already used by %s.", first.ID)
	_, err = b.ask(d, b.owner, "POST", "/run")
	wantError(t, err, core.Exists, refused)
	if got := core.ViolationsOf(err); len(got) != 1 || got[0].Location != "body.name" {
		t.Errorf("violations: %v", got)
	}
	expect(2, 1)
	wantError(t, d.Deliver(t.Context(), b.delivery("bump")), core.Exists, refused)
	expect(2, 1)

	// An action's unit is one of its own, and is run again for itself.
	b.handle("action", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return call[json.RawMessage](ctx, host, abi.OpMutate, abi.MutateRequest{Handler: "bump"})
	})
	before := b.runs.Load()
	_, err = b.ask(d, b.owner, "PUT", "/run/1")
	wantError(t, err, core.Exists, refused)
	if runs := b.runs.Load() - before; runs != 3 {
		t.Errorf("%d runs, want one of the action and two of its mutation", runs)
	}

	// What a guest made of a key it believed free is told to nobody.
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		if _, err := insert(ctx, host, "one"); err == nil {
			return nil, trap{core.OutcomeTrap}
		}
		return insert(ctx, host, "two")
	})
	_, err = b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if record := b.log.last(); record.Runs != 2 || record.Outcome != core.OutcomeOK || record.Error != "" {
		t.Errorf("record: %+v", record)
	}
	if got := b.counters(); len(got) != 2 {
		t.Errorf("stored: %v", got)
	}
}

// Who loses the race for a unique key waits for nobody, and is told who won it.
func TestOneOfManyTakesAUniqueKey(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.Request.Time = 30 * time.Second })
	b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return insert(ctx, host, "one")
	})
	kinds := b.crowd(d, 20)
	if kinds[""] != 1 || kinds[core.Exists] != 19 {
		t.Fatalf("outcomes: %v", kinds)
	}
	for _, record := range b.log.all() {
		if record.Handler == "mutation" && record.Runs > 2 {
			t.Errorf("record: %+v", record)
		}
	}
}
