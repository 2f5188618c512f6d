package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

func TestInvocationLogWritesEveryRecord(t *testing.T) {
	db := deliveriesDB(t)
	if err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO workspaces (id, slug, name, time_zone, locale, home, created) VALUES ('ws_a', 'a', 'A', 'UTC', 'en', '', 0)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	log := NewInvocationLog(db, slog.New(slog.DiscardHandler))
	const writers, each = 8, 100
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				log.Record(core.InvocationRecord{
					ID: core.NewInvocationID(), Workspace: "ws_a", Install: "ins_1", Handler: "create", Kind: abi.KindMutation,
					Trigger: abi.TriggerRequest, Outcome: core.OutcomeTrap, Runs: 2, Fuel: 7, Duration: 3 * time.Millisecond, Error: "it broke", Started: noon,
					Delivery: "dlv_1", Attempt: 2, Log: []core.LogLine{{Level: "info", Message: "begun", Fields: map[string]any{"row": "1"}}}, Request: "req_1",
				})
			}
		})
	}
	all.Wait()
	log.Close()
	log.Close() // twice is fine
	got, err := db.History().Invocations(t.Context(), "ws_a", "", writers*each+1)
	if err != nil || len(got) != writers*each {
		t.Fatalf("%d records, %v; want %d", len(got), err, writers*each)
	}
	r := got[0]
	if r.Outcome != core.OutcomeTrap || r.Runs != 2 || r.Fuel != 7 || r.Duration != 3*time.Millisecond || r.Error != "it broke" || r.Delivery != "dlv_1" || r.Attempt != 2 || r.Request != "req_1" || len(r.Log) != 1 || r.Log[0].Message != "begun" || r.Log[0].Fields["row"] != "1" || !r.Started.Equal(noon) {
		t.Fatalf("record: %+v", r)
	}
	if others, err := db.History().Invocations(t.Context(), "ws_b", "", 1); err != nil || len(others) != 0 {
		t.Fatalf("another workspace's records: %v %v", others, err)
	}
}
