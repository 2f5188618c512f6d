package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Deliveries is a Backend with all that core/events, core/dispatch and web/api
// ask of its deliveries.
type Deliveries interface {
	store.Backend
	RecoverDeliveries(ctx context.Context, now time.Time, attempts int) error
	ClaimDeliveries(ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error)
	Resumed() <-chan struct{}
	NextDelivery(ctx context.Context, after time.Time, busy []core.WorkspaceID) (time.Time, bool, error)
	RetryDelivery(ctx context.Context, d core.Delivery, due time.Time, message string) error
	SetAsideDelivery(ctx context.Context, d core.Delivery, message string) error
	Digests(ctx context.Context) ([]core.Digest, error)
	Unscheduled(ctx context.Context, digest core.Digest, schedule string) ([]core.Installation, error)

	Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error)
	Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
	DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error)
	Deliveries(ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int) ([]core.Delivery, error)
	Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, entry core.AuditEntry) (core.Delivery, error)
	Audit(ctx context.Context, ws core.WorkspaceID, before int64, limit int) ([]core.AuditEntry, int64, error)
}

// RunDeliveries runs the suite of deliveries: that each has its effect once,
// whatever happens to those who run it. open is as for Run. Where one process owns
// the database, whatever is running when it opens is a dead one's; where others may
// share it, what they run is theirs until its lease ends.
func RunDeliveries(t *testing.T, shared bool, open func(t *testing.T) Deliveries) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, *counter)
	}{
		{"FromPutToDone", fromPutToDone},
		{"OnlyTheRunningAttempt", onlyTheRunningAttempt},
		{"OneOfMany", oneOfMany},
		{"SetAside", setAside},
		{"Held", held},
		{"Recovered", recovered},
		{"InTurn", inTurn},
		{"InTurnBehindABacklog", inTurnBehindABacklog},
		{"LaterBehindABacklog", laterBehindABacklog},
		{"LaterBehindOneWhoIsBusy", laterBehindOneWhoIsBusy},
		{"Cancelled", cancelled},
		{"WithTheirUnit", withTheirUnit},
		{"Occurrences", occurrences},
		{"Unscheduled", unscheduled},
		{"Uninstalled", uninstalled},
		{"Model", deliveryModel},
	} {
		t.Run(part.name, func(t *testing.T) {
			c := newCounter(t, open(t))
			c.shared = shared
			part.run(t, c)
		})
	}
}

// noon is the clock of the suite: deliveries take their times from who asks.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// counter is where deliveries are put in and taken out.
type counter struct {
	t testing.TB
	Deliveries
	store  *store.Store
	epoch  map[core.WorkspaceID]int64
	shared bool // among processes
}

func newCounter(t testing.TB, b Deliveries) *counter {
	return &counter{t: t, Deliveries: b, store: store.New(b), epoch: map[core.WorkspaceID]int64{}}
}

// try commits changes, and one document, in one unit.
func (c *counter) try(ws core.WorkspaceID, changes ...core.Change) error {
	c.t.Helper()
	scope := Scope()
	scope.Now, scope.AuthEpoch = noon, c.epoch[ws]
	u := c.store.Begin(ws, scope)
	if _, err := u.Insert(context.Background(), "contacts", json.RawMessage(`{"name":"effect"}`)); err != nil {
		c.t.Fatal(err)
	}
	for _, change := range changes {
		u.Add(change)
	}
	_, err := u.Commit(context.Background())
	if err == nil && slices.ContainsFunc(changes, raisesEpoch) {
		c.epoch[ws]++
	}
	return err
}

func raisesEpoch(change core.Change) bool {
	switch change.(type) {
	case core.PutInstallation, core.RemoveInstallation, core.PutContract:
		return true
	default:
		return false
	}
}

func (c *counter) commit(ws core.WorkspaceID, changes ...core.Change) {
	c.t.Helper()
	if err := c.try(ws, changes...); err != nil {
		c.t.Fatal(err)
	}
}

// effects counts the documents that units of a workspace left.
func (c *counter) effects(ws core.WorkspaceID) int {
	c.t.Helper()
	scope := Scope()
	scope.AuthEpoch = c.epoch[ws]
	n, _, err := c.store.Begin(ws, scope).Count(context.Background(), "contacts", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// job is a delivery of an installation, due at a time.
func job(install core.InstallationID, due time.Time) core.Delivery {
	return core.Delivery{
		ID: core.NewDeliveryID(), Install: install, Handler: "next", Payload: json.RawMessage(`{"row":1}`),
		State: core.DeliveryPending, Due: due, Hop: 3, Created: noon,
		Trace: core.Trace{Request: core.NewRequestID(), Span: [8]byte{1, 7: 8}, Sampled: true},
	}
}

func (c *counter) put(ws core.WorkspaceID, due time.Time) core.Delivery {
	c.t.Helper()
	d := job("ins_1", due)
	d.Workspace = ws
	c.commit(ws, core.PutDelivery{Delivery: d})
	return d
}

// claim claims with a lease of half a minute.
func (c *counter) claim(now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, limit int) []core.Delivery {
	c.t.Helper()
	return c.claimEach(now, after, busy, 1, limit)
}

// claimEach claims several of a workspace.
func (c *counter) claimEach(now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) []core.Delivery {
	c.t.Helper()
	claimed, err := c.ClaimDeliveries(context.Background(), now, now.Add(30*time.Second), after, busy, each, limit)
	if err != nil {
		c.t.Fatal(err)
	}
	return claimed
}

// one claims the only delivery that is due.
func (c *counter) one(now time.Time) core.Delivery {
	c.t.Helper()
	claimed := c.claim(now, "", nil, 10)
	if len(claimed) != 1 {
		c.t.Fatalf("%d deliveries are due, want one: %+v", len(claimed), claimed)
	}
	return claimed[0]
}

func (c *counter) is(d core.Delivery, state core.DeliveryState, attempt int) core.Delivery {
	c.t.Helper()
	got, err := c.Delivery(context.Background(), d.Workspace, d.ID)
	if err != nil || got.State != state || got.Attempt != attempt {
		c.t.Fatalf("it is %+v, %v; want %s after %d attempts", got, err, state, attempt)
	}
	return got
}

func (c *counter) next(want time.Time) {
	c.t.Helper()
	due, any, err := c.NextDelivery(context.Background(), time.Time{}, nil)
	if err != nil || any == want.IsZero() || any && !due.Equal(want) {
		c.t.Fatalf("next is %v %t, %v; want %v", due, any, err, want)
	}
}

func completed(d core.Delivery) core.Change {
	return core.CompleteDelivery{ID: d.ID, Attempt: d.Attempt}
}

func fromPutToDone(t *testing.T, c *counter) {
	put := c.put("ws_a", noon.Add(time.Minute))
	if claimed := c.claim(noon, "", nil, 10); len(claimed) != 0 {
		t.Fatalf("claimed before it is due: %+v", claimed)
	}
	c.next(put.Due)
	claimed := c.one(put.Due)
	want := put
	want.State, want.Attempt, want.Due, want.Owed = core.DeliveryRunning, 1, put.Due.Add(30*time.Second), put.Due
	if fmt.Sprint(claimed) != fmt.Sprint(want) {
		t.Fatalf("claimed\n%+v, want\n%+v", claimed, want)
	}
	if again := c.claim(put.Due, "", nil, 10); len(again) != 0 {
		t.Fatalf("claimed while it is running: %+v", again)
	}
	c.next(want.Due)
	c.commit("ws_a", completed(claimed))
	if d := c.is(put, core.DeliveryDone, 1); !d.Due.IsZero() || d.LastError != "" {
		t.Errorf("done: %+v", d)
	}
	c.next(time.Time{})
	if _, err := c.Delivery(context.Background(), "ws_b", put.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("another workspace sees it: %v", err)
	}
}

// An attempt that lost its lease changes nothing, and neither does the unit it
// is part of.
func onlyTheRunningAttempt(t *testing.T, c *counter) {
	put := c.put("ws_a", noon)
	first := c.one(noon)
	second := c.one(noon.Add(31 * time.Second))
	if second.ID != first.ID || second.Attempt != 2 {
		t.Fatalf("the second claim: %+v", second)
	}
	before := c.effects("ws_a")
	for _, change := range []core.Change{
		completed(first), core.HoldDelivery{ID: first.ID, Attempt: 1, Reason: "late"}, core.SetAsideDelivery{ID: first.ID, Attempt: 1, Reason: "late"},
		core.CompleteDelivery{ID: first.ID, Attempt: 3}, core.CompleteDelivery{ID: core.NewDeliveryID(), Attempt: 1},
	} {
		wants(t, c.try("ws_a", change, core.PutDelivery{Delivery: job("ins_1", noon)}), core.Stale)
	}
	wants(t, c.try("ws_b", completed(second)), core.Stale)
	for _, late := range []error{
		c.RetryDelivery(context.Background(), first, noon, "late"), c.SetAsideDelivery(context.Background(), first, "late"),
	} {
		if late != nil {
			t.Error(late)
		}
	}
	c.is(put, core.DeliveryRunning, 2)
	if n := c.effects("ws_a"); n != before {
		t.Fatalf("%d effects of attempts that were over", n-before)
	}
	c.commit("ws_a", completed(second))
	wants(t, c.try("ws_a", completed(second)), core.Stale)
	c.is(put, core.DeliveryDone, 2)
	c.next(time.Time{})
}

// oneOfMany: whoever claims and completes at the same time, each delivery is
// claimed once at a time and has one effect.
func oneOfMany(t *testing.T, c *counter) {
	const deliveries, workers = 20, 8
	for range deliveries {
		c.put("ws_a", noon)
	}
	before := c.effects("ws_a")
	var mu sync.Mutex
	claimed := map[core.DeliveryID]int{}
	var won int
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				list, err := c.ClaimDeliveries(context.Background(), noon, noon.Add(time.Minute), "", nil, 1, 1)
				if err != nil {
					t.Error(err)
					return
				}
				if len(list) == 0 {
					return // another has taken what was due, or nothing is
				}
				mu.Lock()
				claimed[list[0].ID]++
				mu.Unlock()
				var both sync.WaitGroup // two who both believe to run it
				for range 2 {
					both.Go(func() {
						err := c.try("ws_a", completed(list[0]))
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							won++
						} else if core.KindOf(err) != core.Stale {
							t.Error(err)
						}
					})
				}
				both.Wait()
			}
		})
	}
	all.Wait()
	for _, d := range c.claim(noon, "", nil, deliveries) { // claims that met may have come back with nothing
		claimed[d.ID]++
		won++
		c.commit("ws_a", completed(d))
	}
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	rest, err := c.Deliveries.Deliveries(context.Background(), "ws_a", core.DeliveryPending, "", deliveries)
	if err != nil {
		t.Fatal(err)
	}
	if len(claimed)+len(rest) != deliveries || won != len(claimed) || c.effects("ws_a")-before != len(claimed) {
		t.Errorf("%d claimed, %d left, %d completed, %d effects of %d deliveries", len(claimed), len(rest), won,
			c.effects("ws_a")-before, deliveries)
	}
}

func setAside(t *testing.T, c *counter) {
	ctx := context.Background()
	put := c.put("ws_a", noon)
	later := noon.Add(time.Hour)
	if err := c.RetryDelivery(ctx, c.one(noon), later, "not yet"); err != nil {
		t.Fatal(err)
	}
	if d := c.is(put, core.DeliveryRetry, 1); d.LastError != "not yet" || !d.Due.Equal(later) {
		t.Errorf("to be tried again: %+v", d)
	}
	c.next(later)
	_, err := c.Redrive(ctx, "ws_a", put.ID, core.AuditEntry{Time: noon})
	wants(t, err, core.Denied)
	if err := c.SetAsideDelivery(ctx, c.one(later), "never"); err != nil {
		t.Fatal(err)
	}
	if d := c.is(put, core.DeliverySetAside, 2); d.LastError != "never" || !d.Due.IsZero() {
		t.Errorf("set aside: %+v", d)
	}
	c.next(time.Time{})
	for state, n := range map[core.DeliveryState]int{core.DeliverySetAside: 1, "": 1, core.DeliveryRetry: 0} {
		if list, err := c.Deliveries.Deliveries(ctx, "ws_a", state, "", 10); err != nil || len(list) != n {
			t.Errorf("%q: %d deliveries, %v; want %d", state, len(list), err, n)
		}
	}
	if list, err := c.Deliveries.Deliveries(ctx, "ws_a", "", put.ID, 10); err != nil || len(list) != 0 {
		t.Errorf("behind the last: %+v, %v", list, err)
	}
	if list, err := c.Deliveries.Deliveries(ctx, "ws_b", core.DeliverySetAside, "", 10); err != nil || len(list) != 0 {
		t.Errorf("of another workspace: %+v, %v", list, err)
	}
	_, err = c.Redrive(ctx, "ws_b", put.ID, core.AuditEntry{Time: later})
	wants(t, err, core.NotFound)
	by := core.AuditEntry{Time: later, Actor: "acc_a", Action: "delivery.redriven", Subject: string(put.ID)}
	if d, err := c.Redrive(ctx, "ws_a", put.ID, by); err != nil || d.State != core.DeliveryPending || d.Attempt != 0 || !d.Due.Equal(later) {
		t.Fatalf("redriven: %+v, %v", d, err)
	}
	for ws, want := range map[core.WorkspaceID][]core.AuditEntry{"ws_a": {by}, "ws_b": nil} { // what was refused is not there
		if audit, _, err := c.Audit(ctx, ws, 0, 10); err != nil || !slices.Equal(audit, want) {
			t.Errorf("the audit log of %s: %+v, %v", ws, audit, err)
		}
	}
	c.commit("ws_a", core.SetAsideDelivery{ID: put.ID, Attempt: c.one(later).Attempt, Reason: "again"}) // with a unit, too
	if d := c.is(put, core.DeliverySetAside, 1); d.LastError != "again" || !d.Due.IsZero() {
		t.Errorf("set aside: %+v", d)
	}
}

// names joins the workspaces of deliveries.
func names(list []core.Delivery) string {
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = string(d.Workspace)
	}
	return strings.Join(parts, " ")
}
