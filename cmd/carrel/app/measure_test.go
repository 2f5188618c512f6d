package app

import (
	"math"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// The backlog grows while nobody takes what is due, and is unknown, not empty,
// while the database is away.
func TestTheBacklogIsAsOldAsWhatIsDueLongest(t *testing.T) {
	db, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	put := func(due time.Time) {
		t.Helper()
		unit := store.New(db.Documents()).Begin("ws_1", store.Scope{Now: now})
		d := core.Delivery{ID: core.NewDeliveryID(), Install: "ins_1", Handler: "next", Due: due, Created: now}
		unit.Add(core.PutDelivery{Delivery: d})
		if _, err := unit.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want float64) {
		t.Helper()
		if got := backlog(db, now); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%v s, want %v", got, want)
		}
	}
	is(0)
	put(now.Add(time.Hour))
	is(0)
	put(now.Add(-time.Minute))
	put(now.Add(-time.Second))
	is(60)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	is(math.NaN())
}
