package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// A pulse moves with each commit and each call on record of its own workspace.
func TestAPulseMovesWithItsWorkspace(t *testing.T) {
	db := deliveriesDB(t)
	for _, ws := range []string{"ws_a", "ws_b"} {
		if err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO workspaces (id, slug, name, time_zone, locale, home, created) VALUES (?1, ?1, 'A', 'UTC', 'en', '', 0)", ws)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(ws core.WorkspaceID) (int64, core.InvocationID) {
		commits, call, err := db.History().Pulse(t.Context(), ws)
		if err != nil {
			t.Fatal(err)
		}
		return commits, call
	}
	commits, call := at("ws_a")
	if commits != 0 || call != "" {
		t.Errorf("a new workspace is at %d %q", commits, call)
	}
	if err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return bumpEpoch(ctx, tx, "ws_a") }); err != nil {
		t.Fatal(err)
	}
	log := NewInvocationLog(db, slog.New(slog.DiscardHandler))
	last := core.NewInvocationID()
	log.Record(core.InvocationRecord{ID: last, Workspace: "ws_a", Started: noon})
	log.Close()
	if commits, call := at("ws_a"); commits != 1 || call != last {
		t.Errorf("after a commit and a call it is at %d %q", commits, call)
	}
	if commits, call := at("ws_b"); commits != 0 || call != "" {
		t.Errorf("another workspace moved, too: %d %q", commits, call)
	}
}
