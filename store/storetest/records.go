package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
)

// auditPages: the audit log is read from its newest line on, page by page.
func auditPages(t *testing.T, h *house) {
	ctx := context.Background()
	w, _ := h.workspace()
	other, _ := h.workspace()
	for i := range 5 {
		entry := core.AuditEntry{Time: noon, Actor: "acc_a", Action: "tested", Subject: fmt.Sprint(i)}
		h.must(h.change(w.ID, core.AppendAudit{Entry: entry}))
		h.must(h.change(other.ID, core.AppendAudit{Entry: entry}))
	}
	var got []string
	for before := int64(0); ; {
		page, next, err := h.Audit(ctx, w.ID, before, 2)
		h.must(err)
		for _, entry := range page {
			got = append(got, entry.Action+entry.Subject)
		}
		if before = next; next == 0 {
			break
		}
	}
	if want := []string{"tested4", "tested3", "tested2", "tested1", "tested0", "workspace.created"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// eventPages: events are listed the newest first, all or those of one type, page
// by page, and never those of another workspace.
func eventPages(t *testing.T, h *house) {
	w, _ := h.workspace()
	other, _ := h.workspace()
	var all, ofType []core.EventID
	for i := range 6 {
		event, _ := told()
		event.Type, event.Workspace = "crm.a", w.ID
		if i%2 == 1 {
			event.Type = "crm.b"
			ofType = append(ofType, event.ID)
		}
		all = append(all, event.ID)
		elsewhere := event
		elsewhere.ID, elsewhere.Workspace = core.NewEventID(), other.ID
		h.must(h.change(w.ID, core.AppendEvent{Event: event}))
		h.must(h.change(other.ID, core.AppendEvent{Event: elsewhere}))
	}
	for eventType, want := range map[string][]core.EventID{"": all, "crm.b": ofType, "crm.c": nil} {
		var got []core.EventID
		for before := core.EventID(""); ; {
			page, err := h.Events(context.Background(), w.ID, eventType, before, 2)
			h.must(err)
			if len(page) == 0 {
				break
			}
			for _, event := range page {
				got = append(got, event.ID)
			}
			before = got[len(got)-1]
		}
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Errorf("of type %q: %v, want %v", eventType, got, want)
		}
	}
}

// record is what a call in a workspace leaves in the log.
func record(ws core.WorkspaceID) core.InvocationRecord {
	return core.InvocationRecord{
		ID: core.NewInvocationID(), Workspace: ws, Install: "ins_1", Handler: "create", Kind: abi.KindMutation,
		Trigger: abi.TriggerRequest, Outcome: core.OutcomeTrap, Runs: 2, Fuel: 7, Duration: 3 * time.Millisecond, Error: "it broke", Started: noon,
	}
}

// invocationLog: every record that was made before the log was closed is there,
// and is its own workspace's.
func invocationLog(t *testing.T, h *house) {
	ctx := context.Background()
	w, _ := h.workspace()
	other, _ := h.workspace()
	log := store.NewInvocationLog(h, slog.New(slog.DiscardHandler))
	const writers, each = 8, 100
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				log.Record(record(w.ID))
			}
		})
	}
	all.Wait()
	full := record(w.ID)
	full.Delivery, full.Attempt, full.Request = "dlv_1", 2, "req_1"
	full.Log = []core.LogLine{{Level: "info", Message: "begun\x00", Fields: map[string]any{"row": "1"}}}
	elsewhere := record(other.ID)
	elsewhere.Delivery = "dlv_1"
	log.Record(full)
	log.Record(elsewhere)
	log.Close()
	log.Close() // twice is fine
	list, err := h.Invocations(ctx, w.ID, "", writers*each+2)
	if err != nil || len(list) != writers*each+1 {
		t.Fatalf("%d records, %v; want %d", len(list), err, writers*each+1)
	}
	if got, err := h.Invocation(ctx, w.ID, full.ID); err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("record\n%+v, %v; want\n%+v", got, err, full)
	}
	if list, err := h.Attempts(ctx, w.ID, []core.DeliveryID{"dlv_1", "dlv_2"}); err != nil || len(list) != 1 || list[0].ID != full.ID {
		t.Errorf("attempts: %+v, %v", list, err)
	}
	if page, err := h.Invocations(ctx, w.ID, list[9].ID, 5); err != nil || len(page) != 5 || page[0].ID != list[10].ID {
		t.Errorf("the page behind the tenth: %d, %v", len(page), err)
	}
	_, err = h.Invocation(ctx, other.ID, full.ID)
	wants(t, err, core.NotFound)
	if list, err := h.Invocations(ctx, other.ID, "", 10); err != nil || len(list) != 1 || list[0].ID != elsewhere.ID {
		t.Errorf("another workspace's: %+v, %v", list, err)
	}
}

// pulse moves with each commit and each call on record of its own workspace.
func pulse(t *testing.T, h *house) {
	ctx := context.Background()
	w, _ := h.workspace()
	other, _ := h.workspace()
	at := func(ws core.WorkspaceID) (int64, core.InvocationID) {
		commits, call, err := h.Pulse(ctx, ws)
		h.must(err)
		return commits, call
	}
	before, call := at(w.ID)
	if before == 0 || call != "" {
		t.Errorf("a new workspace is at %d %q", before, call)
	}
	still, _ := at(other.ID)
	h.must(h.change(w.ID, core.PutWorkspace{Workspace: w}))
	first, last := record(w.ID), record(w.ID)
	h.must(h.WriteInvocations(ctx, []core.InvocationRecord{last, first}))
	if commits, call := at(w.ID); commits != before+1 || call != last.ID {
		t.Errorf("after a commit and a call it is at %d %q, before it was at %d", commits, call, before)
	}
	if commits, call := at(other.ID); commits != still || call != "" {
		t.Errorf("another workspace moved, too: %d %q", commits, call)
	}
	if commits, call := at(core.NewWorkspaceID()); commits != 0 || call != "" {
		t.Errorf("no workspace is at %d %q", commits, call)
	}
}
