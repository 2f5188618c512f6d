package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestWhatIsLockedHoldsNobodyUp: somebody has the deliveries of a workspace for long,
// like one who deletes it. Others' are claimed meanwhile, though there is one place;
// and when there are no others, looking for them ends.
func TestWhatIsLockedHoldsNobodyUp(t *testing.T) {
	ctx, db, now := t.Context(), openTest(t), time.Unix(1_000_000_000, 0)
	put := func(ws core.WorkspaceID) core.DeliveryID {
		u := store.New(db.Documents()).Begin(ws, storetest.Scope())
		d := core.Delivery{ID: core.NewDeliveryID(), Install: "ins_1", Handler: "h", Due: now, Created: now, Hop: 1}
		u.Add(core.PutDelivery{Delivery: d})
		if _, err := u.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	locked, free := put("ws_a"), put("ws_b")
	tx, err := db.platform.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it only locks
	if _, err := tx.Exec(ctx, "SELECT FROM deliveries WHERE id = $1 FOR UPDATE", pgx.QueryExecModeSimpleProtocol, string(locked)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []core.DeliveryID{free, ""} {
		claimed, err := db.ClaimDeliveries(ctx, now, now.Add(time.Minute), "", nil, 1, 1)
		if err != nil || len(claimed) > 1 || len(claimed) == 0 != (want == "") || len(claimed) == 1 && claimed[0].ID != want {
			t.Errorf("claimed %v, %v, want %q", claimed, err, want)
		}
	}
}
