package workspace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store"
)

func TestUninstall(t *testing.T) {
	s := newShop(t, "everything")
	elsewhere := newShopIn(t, s)
	elsewhere.install(t, crm)
	s.install(t, crm)
	s.install(t, mail)
	uninstall := func(ref, data string) workspace.UninstallReceipt {
		t.Helper()
		r, err := s.Uninstall(t.Context(), s.w.ID, s.actor, ref, workspace.UninstallRequest{Data: data})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	_, err := s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{})
	wantKind(t, err, core.Invalid)
	_, err = s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataKeep, Revision: 9})
	wantKind(t, err, core.Stale)

	kept := uninstall("crm", workspace.DataKeep)
	if kept.Erased.Documents != 0 || kept.Left.Documents != 1 || kept.Left.Entries == 0 {
		t.Errorf("kept: %+v", kept)
	}
	p, err := s.Preview(t.Context(), s.w.ID, s.actor, crm)
	if err != nil || p.Kept != kept.Left {
		t.Errorf("the preview finds %+v, %v", p.Kept, err)
	}
	// Installed again, it finds its data: here, as the hook's contact is taken.
	_, err = s.Install(t.Context(), s.w.ID, s.actor, crm)
	wantKind(t, err, core.Exists)
	s.hooks.run = func(ctx context.Context, hook string, u *store.Unit) error {
		n, _, err := u.Count(ctx, "contacts", nil)
		if err == nil && n != 1 {
			err = fmt.Errorf("it finds %d contacts", n)
		}
		return err
	}
	s.install(t, crm)
	if err := s.db.Change(t.Context(), s.w.ID, func(a core.Access) ([]core.Change, error) {
		in, _ := a.Installation("crm")
		return []core.Change{
			core.AddUsage{Install: in.ID, Meter: "crm.contacts", Quantity: 2, Limit: -1},
			core.AddUsage{Install: in.ID, Meter: "crmx.contacts", Quantity: 2, Limit: -1}, // another plugin's
			core.AppendEvent{Event: core.Event{ID: core.NewEventID(), Type: "crm.contact.created", Version: 1, Source: "/crm", Data: json.RawMessage(`{}`), Time: epoch}},
			core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Install: in.ID, Handler: "later", Due: epoch, Created: epoch}},
			core.PutReceipt{Receipt: core.Receipt{Scope: string(in.ID) + " member x", Key: "k", Answer: json.RawMessage(`{}`), Created: epoch}},
		}, nil
	}); err != nil {
		t.Fatal(err)
	}
	erased := uninstall("crm", workspace.DataErase)
	want := core.Footprint{Documents: 1, Entries: kept.Left.Entries, Events: 1, Deliveries: 1, Receipts: 1, Meters: 1}
	if erased.Erased != want || erased.Left != (core.Footprint{}) {
		t.Errorf("erased %+v, left %+v, want %+v erased", erased.Erased, erased.Left, want)
	}
	sums, err := s.db.UsageSums(t.Context(), s.w.ID)
	if err != nil || len(sums) != 1 || sums[0].Meter != "crmx.contacts" {
		t.Errorf("another plugin's sum: %+v, %v", sums, err)
	}
	for name, left := range map[string]struct {
		ws     core.WorkspaceID
		plugin core.PluginID
	}{"the other plugin": {s.w.ID, market[3].Plugin}, "the other workspace": {elsewhere.w.ID, market[0].Plugin}} {
		if f, err := s.db.Footprint(t.Context(), left.ws, left.plugin); err != nil || f.Documents != 1 || f.Entries == 0 {
			t.Errorf("%s has %+v, %v", name, f, err)
		}
	}
	_, err = s.Uninstall(t.Context(), s.w.ID, s.actor, "crm", workspace.UninstallRequest{Data: workspace.DataErase})
	wantKind(t, err, core.NotFound)
}
