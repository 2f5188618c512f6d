package storetest

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

func epoch(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	install := core.Installation{
		ID: core.NewInstallationID(), Workspace: d.ws, Plugin: Plugin, Alias: "crm", Version: "1.0.0",
		State: core.InstallationEnabled, Settings: json.RawMessage(`{}`), Revision: 1,
	}
	read, write, idle := d.begin(), d.begin(), d.begin()
	read.count("contacts")
	write.insert("contacts", `{"name":"Ann"}`)
	late := d.begin()
	d.committed(func(u *unit) { u.Add(core.PutInstallation{Installation: install}) })

	read.must(read.Validate(ctx)) // it read all it did before
	for name, err := range map[string]error{
		"a write":     func() error { _, err := write.Commit(ctx); return err }(),
		"a late read": func() error { _, _, err := late.Count(ctx, "contacts", nil); return err }(),
		"nothing":     idle.Validate(ctx),
	} {
		if core.KindOf(err) != core.Changed {
			t.Errorf("%s under an old epoch: %v", name, err)
		}
	}
	wants(t, late.Validate(ctx), core.Changed)

	scope := Scope()
	scope.AuthEpoch = 1
	u := &unit{t, d.store.Begin(d.ws, scope)}
	if n := u.count("contacts"); n != 0 {
		t.Errorf("a unit under an old epoch wrote %d documents", n)
	}
	u.insert("contacts", `{"name":"Bea"}`)
	u.commit()
}

func changes(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	receipt := core.Receipt{Scope: "ins_1 acc_1", Key: "k", RequestHash: [32]byte{1, 2}, Answer: json.RawMessage(`{"status":201}`)}
	d.committed(func(u *unit) {
		u.Add(core.PutReceipt{Receipt: receipt})
		u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 5, Limit: -1})
		u.Add(core.AddUsage{Install: "ins_2", Meter: "crm.things", Quantity: 7, Limit: -1})
		if sum, err := u.Usage(ctx, "crm.things"); err != nil || sum != 12 {
			t.Errorf("usage within the unit is %d, %v", sum, err)
		}
	})
	u := d.begin()
	got, found, err := u.Receipt(ctx, "ins_1 acc_1", "k")
	if err != nil || !found || got.RequestHash != receipt.RequestHash || string(got.Answer) != string(receipt.Answer) {
		t.Errorf("the receipt is %+v, %t, %v", got, found, err)
	}
	if _, found, err := u.Receipt(ctx, "ins_1 acc_2", "k"); err != nil || found {
		t.Errorf("somebody else's receipt: %t, %v", found, err)
	}
	if sum, err := u.Usage(ctx, "crm.things"); err != nil || sum != 12 {
		t.Errorf("usage is %d, %v", sum, err)
	}

	// A change that cannot be made takes the whole unit with it.
	u = d.begin()
	u.insert("contacts", `{"name":"Ann"}`)
	u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.things", Quantity: 1, Limit: 12})
	_, err = u.Commit(ctx)
	wants(t, err, core.QuotaExceeded)
	u = d.begin()
	if n := u.count("contacts"); n != 0 {
		t.Errorf("%d documents of a failed unit", n)
	}
	if sum, _ := u.Usage(ctx, "crm.things"); sum != 12 {
		t.Errorf("usage of a failed unit: %d", sum)
	}

	// The bounds of a meter hold over all installations and for each.
	for _, c := range []struct {
		install  core.InstallationID
		quantity int64
		kind     core.Kind
	}{
		{"ins_1", math.MaxInt64, core.Invalid},
		{"ins_1", math.MinInt64, core.Invalid},
		{"ins_1", core.MaxUsage, ""},
		{"ins_1", 1, core.QuotaExceeded},
		{"ins_2", 1, core.QuotaExceeded},
		{"ins_2", -core.MaxUsage, ""},
		{"ins_1", 1, core.QuotaExceeded}, // though the sum would allow it
		{"ins_2", -1, core.QuotaExceeded},
		{"ins_1", -core.MaxUsage, ""},
		{"ins_3", -1, core.QuotaExceeded},
	} {
		u := d.begin()
		u.Add(core.AddUsage{Install: c.install, Meter: "crm.large", Quantity: c.quantity, Limit: -1})
		if _, err := u.Commit(ctx); core.KindOf(err) != c.kind {
			t.Fatalf("%s adds %d: %v, want %q", c.install, c.quantity, err, c.kind)
		}
	}
	u = d.begin()
	for range store.MaxChanges {
		u.Add(core.AddUsage{Install: "ins_1", Meter: "crm.many", Quantity: core.MaxUsage, Limit: -1})
	}
	if sum, err := u.Usage(ctx, "crm.many"); err != nil || sum != core.MaxUsage {
		t.Errorf("usage within the unit is %d, %v", sum, err)
	}
	_, err = u.Commit(ctx)
	wants(t, err, core.QuotaExceeded)

	other := newDesk(t, b).begin()
	if sum, err := other.Usage(ctx, "crm.things"); err != nil || sum != 0 {
		t.Errorf("another workspace's usage is %d, %v", sum, err)
	}
	if _, found, err := other.Receipt(ctx, "ins_1 acc_1", "k"); err != nil || found {
		t.Errorf("another workspace finds the receipt: %v", err)
	}
}
