package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// contracts: one is open, which is the first in the list.
func contracts(t *testing.T, h *house) {
	w, _ := h.workspace()
	h.workspace()
	next := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: "professional", Began: noon.Add(time.Hour)}
	h.must(h.change(w.ID, core.PutContract{Contract: next}))
	list, err := h.Contracts(context.Background(), w.ID)
	if err != nil || len(list) != 2 || list[0] != next || list[1].Plan != "starter" || !list[1].Ended.Equal(next.Began) {
		t.Errorf("%+v, %v", list, err)
	}
}

func receiptTwice(t *testing.T, h *house) {
	w, _ := h.workspace()
	other, _ := h.workspace()
	receipt := core.PutReceipt{Receipt: core.Receipt{Scope: "s", Key: "k", Answer: json.RawMessage(`{}`), Created: noon}}
	h.must(h.change(w.ID, receipt))
	wants(t, h.change(w.ID, receipt), core.Changed)
	h.must(h.change(other.ID, receipt))
}

func usageLimit(t *testing.T, h *house) {
	w, _ := h.workspace()
	other, _ := h.workspace()
	h.must(h.change(other.ID, core.AddUsage{Install: "ins_o", Meter: "crm.contacts", Quantity: 1000, Limit: -1}))
	var all sync.WaitGroup
	var added, refused atomic.Int64
	barrier := make(chan struct{})
	for i := range 100 {
		all.Go(func() {
			<-barrier
			install := core.InstallationID([]string{"ins_1", "ins_2"}[i%2]) // the limit is the workspace's
			switch err := h.change(w.ID, core.AddUsage{Install: install, Meter: "crm.contacts", Quantity: 3, Limit: 31}); core.KindOf(err) {
			case "":
				added.Add(1)
			case core.QuotaExceeded:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(barrier)
	all.Wait()
	if added.Load() != 10 || refused.Load() != 90 {
		t.Errorf("%d added, %d refused; 10 of 3 fit in 31", added.Load(), refused.Load())
	}
	if err := h.change(w.ID, core.AddUsage{Install: "ins_1", Meter: "crm.contacts", Quantity: -5, Limit: 0}); err != nil {
		t.Errorf("giving back is never refused: %v", err)
	}
	sums, err := h.UsageSums(context.Background(), w.ID)
	total := int64(0)
	for _, sum := range sums {
		total += sum.Quantity
	}
	if err != nil || total != 25 || !slices.IsSortedFunc(sums, func(a, b core.UsageSum) int {
		return slices.Compare([]string{a.Meter, string(a.Install)}, []string{b.Meter, string(b.Install)})
	}) {
		t.Errorf("used: %+v, %v", sums, err)
	}
}

// secretKeys: a key that is complete is the only one; and the workspaces are
// found that have settings at all.
func secretKeys(t *testing.T, h *house) {
	ctx := context.Background()
	put := func(id string, state core.KeyState, want map[string]core.KeyState) {
		t.Helper()
		h.must(h.PutSecretKey(ctx, id, state, "one"))
		if got, err := h.SecretKeys(ctx); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%v, %v, want %v", got, err, want)
		}
	}
	// Of many who begin at the same time, each with a key of its own, one goes on:
	// also when there was none before.
	begin := func(names string, known ...string) (first string) {
		t.Helper()
		var mu sync.Mutex
		var nodes sync.WaitGroup
		var began []string
		for i := range 8 {
			nodes.Go(func() {
				id := fmt.Sprint(names, i)
				switch err := h.PutSecretKey(ctx, id, core.KeySealing, known...); core.KindOf(err) {
				case "":
					mu.Lock()
					began = append(began, id)
					mu.Unlock()
				case core.Changed:
				default:
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		if len(began) != 1 {
			t.Fatalf("%v go on, each with a key of its own", began)
		}
		return began[0]
	}
	first := begin("first ")
	h.must(h.PutSecretKey(ctx, "one", core.KeyComplete, first))
	put("one", core.KeyComplete, map[string]core.KeyState{"one": core.KeyComplete})
	put("two", core.KeySealing, map[string]core.KeyState{"one": core.KeyComplete, "two": core.KeySealing})
	put("two", core.KeyScrubbed, map[string]core.KeyState{"one": core.KeyComplete, "two": core.KeyScrubbed})
	put("two", core.KeySealing, map[string]core.KeyState{"one": core.KeyComplete, "two": core.KeySealing})
	put("two", core.KeyComplete, map[string]core.KeyState{"two": core.KeyComplete})
	if err := h.PutSecretKey(ctx, "three", core.KeySealing, "one"); core.KindOf(err) != core.Changed {
		t.Errorf("a key of who doesn't know of another: %v", err)
	}
	put("two", core.KeyComplete, map[string]core.KeyState{"two": core.KeyComplete})
	begin("second ", "two")

	with, _ := h.workspace()
	without, _ := h.workspace()
	in := complete()
	h.must(h.change(with.ID, core.PutInstallation{Installation: in}))
	in.Settings = nil
	h.must(h.change(without.ID, core.PutInstallation{Installation: in}))
	if list, err := h.Configured(ctx); err != nil || !slices.Equal(list, []core.WorkspaceID{with.ID}) {
		t.Errorf("with settings: %v, %v", list, err)
	}
}
