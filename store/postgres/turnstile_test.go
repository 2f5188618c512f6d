package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestAGuestThatComputesHoldsNoConnection: between what a unit asks and its commit,
// however long that is, no connection is in use.
func TestAGuestThatComputesHoldsNoConnection(t *testing.T) {
	ctx := t.Context()
	db := openTest(t)
	u := store.New(db.Documents()).Begin(core.NewWorkspaceID(), storetest.Scope())
	none := func(after string) {
		t.Helper()
		// The platform's own looks take one for a moment, each second.
		if n := db.reads.Stat().AcquiredConns() + db.writes.Stat().AcquiredConns(); n != 0 {
			t.Errorf("after %s %d connections are in use", after, n)
		}
	}
	doc, err := u.Insert(ctx, "companies", []byte(`{"name":"A"}`))
	if err != nil {
		t.Fatal(err)
	}
	none("an insert, which asks who has the name")
	if _, _, err := u.Query(ctx, abi.QueryRequest{Table: "companies", Sort: []string{"name"}}); err != nil {
		t.Fatal(err)
	}
	none("a query")
	if _, err := u.Get(ctx, "contacts", doc.ID); core.KindOf(err) != core.NotFound {
		t.Fatal(err)
	}
	none("a look at what is not there")
	if _, err := u.Usage(ctx, "crm.contacts"); err != nil {
		t.Fatal(err)
	}
	none("a sum")
	if _, err := u.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	none("the commit")
}

// TestTurnstile: a workspace has its share and no more, whoever waits goes in when a
// place is free, and another workspace isn't held up.
func TestTurnstile(t *testing.T) {
	ctx := t.Context()
	gate := newTurnstile(2)
	var inside []func()
	for range 2 {
		leave, err := gate.enter(ctx, "ws_a")
		if err != nil {
			t.Fatal(err)
		}
		inside = append(inside, leave)
	}
	other, err := gate.enter(ctx, "ws_b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	impatient, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := gate.enter(impatient, "ws_a"); core.KindOf(err) != core.Timeout {
		t.Errorf("one too many: %v", err)
	}
	third := make(chan error, 1)
	go func() {
		leave, err := gate.enter(ctx, "ws_a")
		if err == nil {
			leave()
		}
		third <- err
	}()
	inside[0]()
	if err := <-third; err != nil {
		t.Error(err)
	}
	inside[1]()
	if len(gate.lanes) != 0 {
		t.Errorf("%d workspaces are remembered", len(gate.lanes))
	}
}
