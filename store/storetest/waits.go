package storetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// installation is one of the suite's plugin, at a revision.
func installation(id core.InstallationID, state core.InstallationState, revision int64) core.Change {
	return core.PutInstallation{Installation: core.Installation{
		ID: id, Plugin: Plugin, Alias: Plugin.Name, State: state, Revision: revision, Created: noon, Updated: noon.Add(time.Hour),
	}}
}

// held: a delivery waits for its installation, or for the plan, and the attempt
// that found out doesn't count.
func held(t *testing.T, c *counter) {
	c.commit("ws_a", installation("ins_1", core.InstallationDisabled, 1))
	put := c.put("ws_a", noon)
	hold := func(now time.Time) {
		t.Helper()
		d := c.one(now)
		c.commit("ws_a", core.HoldDelivery{ID: d.ID, Attempt: d.Attempt, Reason: "It is off."})
		if d := c.is(put, core.DeliveryHeld, 0); d.LastError != "It is off." || !d.Due.IsZero() {
			t.Fatalf("held: %+v", d)
		}
		c.next(time.Time{})
		drain(c)
	}
	signalled := func() {
		t.Helper()
		select {
		case <-c.Resumed():
		default:
			t.Fatal("nobody is told that it is due")
		}
	}
	hold(noon)
	c.commit("ws_a", installation("ins_1", core.InstallationDisabled, 2))
	other := installation("ins_2", core.InstallationEnabled, 1).(core.PutInstallation)
	other.Installation.Plugin.Name, other.Installation.Alias = "shop", "shop"
	c.commit("ws_a", other)
	c.is(put, core.DeliveryHeld, 0)
	drain(c)
	c.commit("ws_a", installation("ins_1", core.InstallationEnabled, 3))
	signalled()
	c.is(put, core.DeliveryPending, 0)
	hold(noon.Add(2 * time.Hour))
	c.commit("ws_a", core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Plan: "other", Began: noon}})
	signalled()
	hold(noon.Add(2 * time.Hour))
	if err := c.RecoverDeliveries(context.Background(), noon, 8); err != nil { // plans may be others after a restart
		t.Fatal(err)
	}
	c.commit("ws_a", completed(c.one(noon)))
	c.is(put, core.DeliveryDone, 1)
}

func drain(c *counter) {
	select {
	case <-c.Resumed():
	default:
	}
}

// recovered: what a dead process was running is due at once, or when its lease
// ends. What has had its attempts is set aside, but for an occurrence of a
// schedule, whose end is not the store's to decide.
func recovered(t *testing.T, c *counter) {
	put := c.put("ws_a", noon)
	scheduled := job("ins_1", noon)
	scheduled.Workspace, scheduled.Schedule, scheduled.Occurrence = "ws_b", "daily", noon
	c.commit("ws_b", core.PutDelivery{Delivery: scheduled})
	now, later, state := noon, time.Second, core.DeliveryRetry // far from the end of the lease
	if c.shared {
		later, state = 31*time.Second, core.DeliveryRunning
	}
	for range 3 {
		if claimed := c.claim(now, "", nil, 10); len(claimed) != 2 {
			t.Fatalf("claimed %+v", claimed)
		}
		if c.shared { // too early
			if err := c.RecoverDeliveries(context.Background(), now.Add(time.Second), 1); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(later)
		if err := c.RecoverDeliveries(context.Background(), now, 3); err != nil {
			t.Fatal(err)
		}
	}
	if d := c.is(put, core.DeliverySetAside, 3); d.LastError == "" || !d.Due.IsZero() {
		t.Errorf("set aside: %+v", d)
	}
	c.is(scheduled, state, 3)
	c.one(now)
}

// inTurn: workspaces take turns, however much one of them has waiting.
func inTurn(t *testing.T, c *counter) { takeTurns(t, c, 50) }

// inTurnBehindABacklog is inTurn with more due deliveries than are looked at.
func inTurnBehindABacklog(t *testing.T, c *counter) { takeTurns(t, c, store.MaxDue+10) }

func takeTurns(t *testing.T, c *counter, storm int) {
	var changes []core.Change
	for range storm {
		changes = append(changes, core.PutDelivery{Delivery: job("ins_1", noon.Add(-time.Hour))}) // older than the others
	}
	for part := range slices.Chunk(changes, 100) {
		c.commit("ws_b", part...)
	}
	for _, ws := range []core.WorkspaceID{"ws_a", "ws_c"} {
		c.put(ws, noon)
		c.put(ws, noon)
	}
	c.put("ws_d", noon.Add(time.Hour)) // not due
	if got := names(c.claim(noon, "ws_b", nil, 8)); got != "ws_c ws_a ws_b" {
		t.Errorf("claimed of %s, want one of each, from the next in turn on", got)
	}
	after, order := core.WorkspaceID("ws_a"), []core.Delivery{}
	for range 4 {
		d := c.claim(noon, after, nil, 1)
		after, order = d[0].Workspace, append(order, d...)
	}
	if got := names(order); got != "ws_b ws_c ws_a ws_b" {
		t.Errorf("turns: %s", got)
	}
	if got := c.claim(noon, "", []core.WorkspaceID{"ws_b"}, 8); len(got) != 0 {
		t.Errorf("claimed of who is busy: %+v", got)
	}
	c.put("ws_a", noon)
	c.put("ws_a", noon)
	c.put("ws_c", noon)
	if got := names(c.claimEach(noon, "ws_a", nil, 2, 4)); got != "ws_b ws_c ws_a ws_b" {
		t.Errorf("claimed of %s, want one of each, and then a second", got)
	}
	if got := names(c.claimEach(noon, "ws_b", []core.WorkspaceID{"ws_a"}, 3, 8)); got != "ws_b ws_b ws_b" {
		t.Errorf("claimed of %s, want three of who waits and isn't busy", got)
	}
	due, any, err := c.NextDelivery(context.Background(), time.Time{}, []core.WorkspaceID{"ws_a", "ws_b", "ws_c"})
	if err != nil || !any || !due.Equal(noon.Add(time.Hour)) {
		t.Errorf("next of the others: %v %t, %v", due, any, err)
	}
}

// laterBehindABacklog: what waits for a later time takes part in the turns from then
// on, whatever it waited for, and whoever else has much that waits as well.
func laterBehindABacklog(t *testing.T, c *counter) {
	later := noon.Add(time.Hour)
	put := func(ws core.WorkspaceID, due time.Time) {
		var changes []core.Change
		for range store.MaxDue + 1 {
			changes = append(changes, core.PutDelivery{Delivery: job("ins_1", due)})
		}
		for part := range slices.Chunk(changes, 100) {
			c.commit(ws, part...)
		}
	}
	c.put("ws_c", noon.Add(-time.Hour))
	failed := c.one(noon)
	if err := c.RetryDelivery(context.Background(), failed, later, "Again."); err != nil {
		t.Fatal(err)
	}
	c.put("ws_d", noon.Add(-time.Hour))
	c.one(later.Add(-30 * time.Second)) // its lease ends then
	c.put("ws_e", later)
	put("ws_b", noon)                    // a backlog
	put("ws_a", later.Add(-time.Second)) // and one that is still to come
	if got := names(c.claim(noon, "", nil, 8)); got != "ws_b" {
		t.Errorf("claimed of %s before the hour, want the only one that is due", got)
	}
	after, order := core.WorkspaceID("ws_b"), []core.Delivery{}
	for range 2 {
		order = append(order, c.claim(later, after, []core.WorkspaceID{"ws_b"}, 8)...)
		after = order[len(order)-1].Workspace
	}
	// In which round each comes depends on how much is put in the way at a time.
	if got := names(order); !strings.Contains(got, "ws_c ws_d ws_e") {
		t.Errorf("claimed of %s after the hour, want of each that waited for it", got)
	}
}

// laterBehindOneWhoIsBusy: whatever a workspace with its share in progress has waiting
// for a time that has come, another's is found at the first look.
func laterBehindOneWhoIsBusy(t *testing.T, c *counter) {
	later := noon.Add(time.Hour)
	for range 10 {
		var changes []core.Change
		for range store.MaxDue / 2 {
			changes = append(changes, core.PutDelivery{Delivery: job("ins_1", later)})
		}
		c.commit("ws_a", changes...)
	}
	c.put("ws_b", later.Add(time.Second))
	if got := names(c.claim(later.Add(time.Minute), "", []core.WorkspaceID{"ws_a"}, 8)); got != "ws_b" {
		t.Errorf("claimed of %q, want of ws_b", got)
	}
}

func cancelled(t *testing.T, c *counter) {
	begun, waiting := c.put("ws_a", noon), c.put("ws_a", noon.Add(time.Hour))
	c.one(noon)
	c.commit("ws_b", core.CancelDelivery{ID: waiting.ID, Install: "ins_1"})
	c.commit("ws_a", core.CancelDelivery{ID: waiting.ID, Install: "ins_2"}, core.CancelDelivery{ID: begun.ID, Install: "ins_1"})
	c.is(waiting, core.DeliveryPending, 0)
	c.is(begun, core.DeliveryRunning, 1)
	c.commit("ws_a", core.CancelDelivery{ID: waiting.ID, Install: "ins_1"})
	if _, err := c.Delivery(context.Background(), "ws_a", waiting.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("it is still there: %v", err)
	}
}

// told is an event, and what delivers it to installations.
func told(installs ...core.InstallationID) (core.Event, []core.Change) {
	e := core.Event{
		ID: core.NewEventID(), Type: "crm.contact.created", Version: 1, Source: "/" + Plugin.Name,
		Data: json.RawMessage(`{"name":"Ann"}`), Cause: "inv_1", Hop: 2, Time: noon,
	}
	changes := []core.Change{core.AppendEvent{Event: e}}
	for _, install := range installs {
		d := job(install, noon)
		d.Event, d.Payload = e.ID, nil
		changes = append(changes, core.PutDelivery{Delivery: d})
	}
	return e, changes
}

// withTheirUnit: an event, its deliveries and what else the unit does are there
// together or not at all.
func withTheirUnit(t *testing.T, c *counter) {
	ctx := context.Background()
	e, changes := told("ins_2", "ins_3")
	wants(t, c.try("ws_a", append(changes, core.CompleteDelivery{ID: core.NewDeliveryID(), Attempt: 1})...), core.Stale)
	if _, err := c.Event(ctx, "ws_a", e.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("an event of a unit that failed: %v", err)
	}
	c.next(time.Time{})
	c.commit("ws_a", changes...)
	got, err := c.Event(ctx, "ws_a", e.ID)
	if err != nil || got.Type != e.Type || got.Source != e.Source || string(got.Data) != string(e.Data) || got.Hop != 2 || got.Cause != "inv_1" || !got.Time.Equal(noon) {
		t.Errorf("the event: %+v, %v", got, err)
	}
	_, others := told("ins_2")
	c.commit("ws_a", others...)
	deliveries, err := c.DeliveriesOf(ctx, "ws_a", []core.EventID{e.ID, core.NewEventID()})
	if err != nil || len(deliveries) != 2 || deliveries[0].Event != e.ID || deliveries[0].Install == deliveries[1].Install {
		t.Errorf("its deliveries: %+v, %v", deliveries, err)
	}
	if _, err := c.Event(ctx, "ws_b", e.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("another workspace reads it: %v", err)
	}
	if list, err := c.DeliveriesOf(ctx, "ws_b", []core.EventID{e.ID}); err != nil || len(list) != 0 {
		t.Errorf("another workspace sees its deliveries: %+v, %v", list, err)
	}
}

// uninstalled: an installation takes its deliveries along; when what its plugin
// wrote is erased, those of its events go with them.
func uninstalled(t *testing.T, c *counter) {
	for _, erase := range []bool{false, true} {
		ws := core.NewWorkspaceID()
		c.commit(ws, installation("ins_1", core.InstallationEnabled, 1))
		own := c.put(ws, noon)
		e, changes := told("ins_1", "ins_2")
		c.commit(ws, changes...)
		c.commit(ws, core.RemoveInstallation{ID: "ins_1", Plugin: Plugin, EraseTables: erase})
		if _, err := c.Delivery(context.Background(), ws, own.ID); core.KindOf(err) != core.NotFound {
			t.Errorf("its job is still there: %v", err)
		}
		left, err := c.DeliveriesOf(context.Background(), ws, []core.EventID{e.ID})
		if err != nil || erase && len(left) != 0 || !erase && (len(left) != 1 || left[0].Install != "ins_2") {
			t.Errorf("erase %t: left %+v, %v", erase, left, err)
		}
	}
}
