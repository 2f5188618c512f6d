package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// TestADeletionHoldsNobodyUp: while a workspace is being deleted, which may take
// minutes, others lose no records, and whoever uses its token waits for nothing.
func TestADeletionHoldsNobodyUp(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Open(t)
	db := openURL(t, url)
	now := time.Now()
	account := core.Account{ID: core.NewAccountID(), Email: "ada@example.com", Created: now}
	if err := db.CreateAccount(ctx, account); err != nil {
		t.Fatal(err)
	}
	workspace := func(slug string) core.WorkspaceID {
		w := core.Workspace{ID: core.NewWorkspaceID(), Slug: slug, Name: slug, TimeZone: "UTC", Locale: "en", Created: now}
		contract := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: "starter", Began: now}
		if err := db.CreateWorkspace(ctx, w, account.ID, contract, core.AuditEntry{Time: now}); err != nil {
			t.Fatal(err)
		}
		return w.ID
	}
	going, other := workspace("going"), workspace("other")
	token := core.Token{ID: core.NewTokenID(), Account: account.ID, Name: "t", Workspace: going, Created: now, Hash: [32]byte{1}}
	if err := db.CreateToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	deleting := connectAs(t, url, roleTenant) // which has come to its end, and not ended
	for _, statement := range []string{"BEGIN", "SELECT set_config('carrel.workspace', '" + string(going) + "', true)",
		"DELETE FROM tokens WHERE workspace = '" + string(going) + "'", "DELETE FROM workspaces WHERE id = '" + string(going) + "'"} {
		if _, err := deleting.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { deleting.Exec(context.Background(), "ROLLBACK") }) //nolint:errcheck // its database goes

	of := func(ws core.WorkspaceID) core.InvocationRecord {
		return core.InvocationRecord{ID: core.NewInvocationID(), Workspace: ws, Install: "ins_1", Handler: "h", Kind: "query", Trigger: "request", Outcome: "ok", Started: now}
	}
	if err := db.WriteInvocations(ctx, []core.InvocationRecord{of(other), of(going)}); core.KindOf(err) != core.Timeout {
		t.Errorf("records of a workspace that goes: %v", err)
	}
	if list, err := db.History().Invocations(ctx, other, "", 10); err != nil || len(list) != 1 {
		t.Errorf("the other workspace has %d records, %v", len(list), err)
	}
	touched := make(chan error, maxPlatform+1)
	for range maxPlatform + 1 {
		go func() { touched <- db.TouchToken(context.Background(), token.ID, now) }()
	}
	for range maxPlatform + 1 {
		if err := <-touched; err != nil {
			t.Errorf("a token that goes is used: %v", err)
		}
	}
}

// A refusal may come of something before Postgres, and have no code.
func TestARefusalWithoutACode(t *testing.T) {
	if err := failed("test", &pgconn.PgError{Message: "from a pooler"}); core.KindOf(err) != core.Unavailable {
		t.Errorf("it is %v", err)
	}
}
