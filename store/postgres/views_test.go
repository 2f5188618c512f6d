package postgres

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestViews: a report reads fields as columns of their types; made twice they are
// there once; and they give nobody a right: a tenant sees its own rows.
func TestViews(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Open(t)
	db, err := Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // before its database
	s := store.New(db.Documents())
	mine, other := core.NewWorkspaceID(), core.NewWorkspaceID()
	for ws, body := range map[core.WorkspaceID]string{
		mine: `{"email":"ada@example.com","name":"Ada \\u0000 L'","age":36,"score":1.5,"vip":true,"born":"1815-12-10",
			"seen":"2026-03-01T12:00:00Z","balance":{"amount":1250,"currency":"EUR"},"tags":["a","b"],"extra":{"a":1}}`,
		other: `{"email":"bob@example.com","name":"Bob"}`,
	} {
		u := s.Begin(ws, storetest.Scope())
		if _, err := u.Insert(ctx, "contacts", []byte(body)); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`carrel_views."acme/crm.companies"`, `carrel_views."acme/crm.contacts"`, `carrel_views."acme/crm.deals"`}
	for range 2 {
		names, err := MakeViews(ctx, url, storetest.Plugin, storetest.Tables)
		if err != nil || !slices.Equal(names, want) {
			t.Fatalf("made %v, %v", names, err)
		}
	}

	const report = `SELECT concat_ws('|', email, name, age + 1, score * 2, NOT vip, born + 1, extract(hour FROM seen AT TIME ZONE 'UTC'),
		balance_amount, balance_currency, json_array_length(tags), extra ->> 'a', created_at <= now()) FROM carrel_views."acme/crm.contacts"`
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test ends
	line := "ada@example.com|Ada \\u0000 L'|37|3|f|1815-12-11|12|1250|EUR|2|1|t"
	if got := list(t, conn, report+" ORDER BY email"); len(got) != 2 || got[0] != line {
		t.Errorf("the superuser reads %q, want two rows, the first %q", got, line)
	}
	if _, err := conn.Exec(ctx, "SET ROLE "+roleTenant); err != nil {
		t.Fatal(err)
	}
	if got := list(t, conn, report); len(got) != 0 {
		t.Errorf("without a workspace it reads %q", got)
	}
	if _, err := conn.Exec(ctx, "SELECT set_config('carrel.workspace', $1, false)", other); err != nil {
		t.Fatal(err)
	}
	if got := list(t, conn, `SELECT email FROM carrel_views."acme/crm.contacts"`); !slices.Equal(got, []string{"bob@example.com"}) {
		t.Errorf("the tenant reads %q", got)
	}
}
