package storetest

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Fill makes a workspace with at least one row in every table there is.
func Fill(t testing.TB, p Platform) core.Workspace {
	t.Helper()
	h := &house{t, p}
	w, owner := h.workspace()
	h.fill(w, owner)
	return w
}

// fill puts at least one row of the workspace in every table there is.
func (h *house) fill(w core.Workspace, owner core.Account) {
	h.t.Helper()
	ctx := context.Background()
	in := complete()
	h.must(h.change(w.ID, core.PutInstallation{Installation: in}))
	scope := Scope()
	scope.Installation, scope.Now, scope.AuthEpoch = in.ID, noon, h.access(w.ID).Epoch
	u := store.New(h).Begin(w.ID, scope)
	_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name": "Ann", "email": "a@example.com"}`))
	h.must(err)
	u.Add(core.AddUsage{Install: in.ID, Meter: "crm.contacts", Quantity: 1, Limit: -1})
	u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: string(in.ID) + " member", Key: "k", Answer: json.RawMessage(`{}`), Created: noon}})
	e, _ := told()
	u.Add(core.AppendEvent{Event: e})
	u.Add(core.PutDelivery{Delivery: job(in.ID, noon)})
	u.Add(core.PutBlob{Blob: core.NewBlob(Plugin, []byte("hello"), "text/plain", noon), Limit: -1})
	_, err = u.Commit(ctx)
	h.must(err)
	h.token(owner, w.ID)
	h.must(h.WriteInvocations(ctx, []core.InvocationRecord{record(w.ID)}))
}

func (h *house) token(of core.Account, ws core.WorkspaceID) {
	h.t.Helper()
	token := core.Token{ID: core.NewTokenID(), Account: of.ID, Name: "t", Workspace: ws, Created: noon}
	copy(token.Hash[:], token.ID[4:])
	h.must(h.CreateToken(context.Background(), token))
}

// deleteWorkspace: deleting one leaves no row of it, and every row of the others.
func deleteWorkspace(t *testing.T, h *house) {
	ctx := context.Background()
	gone, ada := h.workspace()
	stays, bob := h.workspace()
	h.fill(gone, ada)
	h.fill(stays, bob)
	h.token(ada, "")
	before := h.Rows(t, stays.ID)
	for table, n := range h.Rows(t, gone.ID) {
		if n == 0 {
			t.Errorf("fill puts no row in %s, so that nobody sees whether deleting empties it", table)
		}
	}
	h.must(h.DeleteWorkspace(ctx, gone.ID))
	for table, n := range h.Rows(t, gone.ID) {
		if n != 0 {
			t.Errorf("%s keeps %d rows", table, n)
		}
	}
	if after := h.Rows(t, stays.ID); !maps.Equal(before, after) {
		t.Errorf("the other workspace had %v and has %v", before, after)
	}
	if tokens, err := h.TokensOf(ctx, ada.ID); err != nil || len(tokens) != 1 || tokens[0].Workspace != "" {
		t.Errorf("tokens of the person: %+v, %v", tokens, err)
	}
	wants(t, h.DeleteWorkspace(ctx, gone.ID), core.NotFound)
	if list, _, err := h.Memberships(ctx, ada.ID); err != nil || len(list) != 0 {
		t.Errorf("her workspaces: %+v, %v", list, err)
	}
	// A call that was under way ends after the workspace, and leaves no record.
	h.must(h.WriteInvocations(ctx, []core.InvocationRecord{record(gone.ID), record(stays.ID)}))
	if left, kept := h.Rows(t, gone.ID)["invocations"], h.Rows(t, stays.ID)["invocations"]; left != 0 || kept != before["invocations"]+1 {
		t.Errorf("invocations: %d of the deleted workspace; %d of the other, which had %d", left, kept, before["invocations"])
	}
	// A unit that was under way is refused: its epoch is gone.
	scope := Scope()
	scope.Now, scope.AuthEpoch = noon, 1
	u := store.New(h).Begin(gone.ID, scope)
	_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name": "Ann"}`))
	if err == nil {
		_, err = u.Commit(ctx)
	}
	wants(t, err, core.Changed)
	wants(t, h.change(gone.ID, core.AppendAudit{}), core.NotFound)
	for table, n := range h.Rows(t, gone.ID) {
		if n != 0 {
			t.Errorf("%s has %d rows again", table, n)
		}
	}
}

// deletedUnderWay: whatever is written at the same time, nothing of it outlives
// the workspace.
func deletedUnderWay(t *testing.T, h *house) {
	ctx := context.Background()
	stays, _ := h.workspace()
	kept := 0
	for range 10 {
		w, _ := h.workspace()
		epoch := h.access(w.ID).Epoch
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 4 {
			kept++
			all.Go(func() {
				<-begin
				if err := h.WriteInvocations(ctx, []core.InvocationRecord{record(stays.ID), record(w.ID)}); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				<-begin
				scope := Scope()
				scope.Now, scope.AuthEpoch = noon, epoch
				u := store.New(h).Begin(w.ID, scope)
				_, err := u.Insert(ctx, "contacts", json.RawMessage(`{"name": "Ann"}`))
				if err == nil {
					u.Add(core.PutDelivery{Delivery: job("ins_1", noon)})
					_, err = u.Commit(ctx)
				}
				if kind := core.KindOf(err); kind != "" && kind != core.Changed {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			<-begin
			if err := h.DeleteWorkspace(ctx, w.ID); err != nil {
				t.Error(err)
			}
		})
		close(begin)
		all.Wait()
		for table, n := range h.Rows(t, w.ID) {
			if n != 0 {
				t.Fatalf("%s keeps %d rows", table, n)
			}
		}
	}
	if n := h.Rows(t, stays.ID)["invocations"]; n != kept {
		t.Errorf("the other workspace has %d records, want %d", n, kept)
	}
}
