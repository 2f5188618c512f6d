package workspace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store"
)

// reader reads documents as the server does.
type reader struct{ store *store.Store }

func (r reader) begin(ws core.WorkspaceID, of workspace.Reading) *store.Unit {
	return r.store.Begin(ws, store.Scope{
		Plugin: of.Installation.Plugin, Installation: of.Installation.ID, Tables: of.Tables, ReadOnly: true, AuthEpoch: of.Epoch,
	})
}

func (r reader) Page(ctx context.Context, ws core.WorkspaceID, of workspace.Reading, table, cursor string, limit int) ([]core.Document, string, error) {
	return r.begin(ws, of).Query(ctx, abi.QueryRequest{Table: table, Sort: []string{"-createdAt"}, Limit: limit, Cursor: cursor})
}

func (r reader) Document(ctx context.Context, ws core.WorkspaceID, of workspace.Reading, table string, id core.DocumentID) (core.Document, error) {
	return r.begin(ws, of).Get(ctx, table, id)
}

func (r reader) Count(ctx context.Context, ws core.WorkspaceID, of workspace.Reading, table string) (int, bool, error) {
	return r.begin(ws, of).Count(ctx, table, nil)
}

// An owner sees what a plugin keeps, newest first and page by page, but for the
// fields its manifest marks secret.
func TestOwnersBrowseDocuments(t *testing.T) {
	s := newShop(t, "everything")
	s.hooks.run = func(ctx context.Context, _ string, u *store.Unit) error {
		for i := range 60 {
			body := fmt.Sprintf(`{"email": "p%02d@example.com", "stage": "lead", "pin": "canary-%d"}`, i, i)
			if _, err := u.Insert(ctx, "contacts", json.RawMessage(body)); err != nil {
				return err
			}
		}
		return nil
	}
	s.install(t, workspace.InstallRequest{Plugin: "vault", Grants: crm.Grants})
	_, tables, err := s.Tables(t.Context(), s.w.ID, s.actor, "vault")
	if err != nil || len(tables) != 1 || tables[0].Name != "contacts" || tables[0].Documents != 60 || tables[0].Capped {
		t.Fatalf("tables: %+v, %v", tables, err)
	}
	var seen []core.Document
	for cursor := ""; ; {
		page, err := s.Documents(t.Context(), s.w.ID, s.actor, "vault", "contacts", cursor)
		if err != nil {
			t.Fatal(err)
		}
		if page.Secret != 1 || len(page.Table.Fields) != 2 {
			t.Errorf("%d fields are secret and %d are not", page.Secret, len(page.Table.Fields))
		}
		seen = append(seen, page.Documents...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 60 || !strings.Contains(string(seen[0].Body), "p59@") {
		t.Errorf("%d documents, the first %s", len(seen), seen[0].Body)
	}
	one, err := s.Document(t.Context(), s.w.ID, s.actor, "vault", "contacts", seen[7].ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(seen, one.Documents...) {
		if strings.Contains(string(doc.Body), "canary") {
			t.Fatalf("a secret is shown: %s", doc.Body)
		}
	}
	for what, err := range map[string]error{
		"a table it does not have": func() error {
			_, err := s.Documents(t.Context(), s.w.ID, s.actor, "vault", "deals", "")
			return err
		}(),
		"a document that is not there": func() error {
			_, err := s.Document(t.Context(), s.w.ID, s.actor, "vault", "contacts", core.NewDocumentID())
			return err
		}(),
		"a plugin that is not installed": func() error {
			_, _, err := s.Tables(t.Context(), s.w.ID, s.actor, "crm")
			return err
		}(),
	} {
		if core.KindOf(err) != core.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Documents(t.Context(), s.w.ID, s.actor, "vault", "contacts", "rubbish"); core.KindOf(err) != core.Invalid {
		t.Errorf("a cursor of nothing: %v", err)
	}
}

// What a plugin keeps is not bounded by the scopes it gives to members, so it is
// not for them; nor for a token that was not made for it.
func TestMembersDoNotBrowseDocuments(t *testing.T) {
	s := newShop(t, "everything")
	s.install(t, crm)
	bob := s.person(t, "bob")
	if _, err := s.AddMember(t.Context(), s.w.ID, s.actor, bob.Email, core.RoleMember); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		actor core.Actor
		kind  core.Kind
	}{
		"a member":                 {s.as(t, bob, s.w), core.Denied},
		"a stranger":               {core.Actor{Type: core.ActorMember, Account: core.NewAccountID(), Role: core.RoleOwner}, core.NotFound},
		"a token for other things": {core.Actor{Type: core.ActorToken, Account: s.ada.ID, Role: core.RoleOwner, Scopes: []string{"core.installations.*"}}, core.Denied},
		"a token for this":         {core.Actor{Type: core.ActorToken, Account: s.ada.ID, Role: core.RoleOwner, Scopes: []string{workspace.ScopeData}}, ""},
	} {
		if _, _, err := s.Tables(t.Context(), s.w.ID, c.actor, "crm"); core.KindOf(err) != c.kind {
			t.Errorf("%s lists tables: %v", name, err)
		}
		if _, err := s.Documents(t.Context(), s.w.ID, c.actor, "crm", "contacts", ""); core.KindOf(err) != c.kind {
			t.Errorf("%s lists documents: %v", name, err)
		}
	}
}
