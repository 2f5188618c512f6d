package sqlite_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

var morning = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func open(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// makeWorkspace makes a workspace with an owner.
func makeWorkspace(t *testing.T, db *sqlite.DB) (core.Workspace, core.Account) {
	t.Helper()
	a := core.Account{ID: core.NewAccountID(), Name: "Ada", PasswordHash: "x", Operator: true, Created: morning}
	a.Email = string(a.ID) + "@example.com"
	w := core.Workspace{ID: core.NewWorkspaceID(), Name: "W", TimeZone: "UTC", Locale: "en", Home: "here", Plan: "starter", Created: morning}
	w.Slug = string(w.ID[3:])
	if err := db.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	contract := core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: w.Plan, Began: morning}
	if err := db.CreateWorkspace(t.Context(), w, a.ID, contract, core.AuditEntry{Time: morning, Actor: string(a.ID), Action: "workspace.created"}); err != nil {
		t.Fatal(err)
	}
	return w, a
}

func change(db *sqlite.DB, ws core.WorkspaceID, changes ...core.Change) error {
	return db.Change(context.Background(), ws, func(core.Access) ([]core.Change, error) { return changes, nil })
}

var crm = core.PluginID{Publisher: "carrel", Name: "crm"}

func installation() core.Installation {
	return core.Installation{
		ID: core.NewInstallationID(), Plugin: crm, Alias: "people", Version: "1.0.0", Digest: "sha256:1", State: core.InstallationEnabled,
		Grants: []core.Grant{{Capability: abi.CapabilityHTTP, Hosts: []string{"a.example.com"}}}, Settings: json.RawMessage(`{"a":1}`),
		RoleScopes: map[core.Role][]string{core.RoleMember: {"crm.read"}}, Revision: 1, Created: morning, Updated: morning,
	}
}

func TestAccessReadsWhatWasWritten(t *testing.T) {
	db := open(t)
	w, ada := makeWorkspace(t, db)
	in := installation()
	if err := change(db, w.ID, core.PutInstallation{Installation: in}); err != nil {
		t.Fatal(err)
	}
	a, err := db.Access(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	in.Workspace = w.ID
	got, ok := a.Installation("people")
	gotJSON, _ := json.Marshal(got)
	wantJSON, _ := json.Marshal(in)
	if !ok || string(gotJSON) != string(wantJSON) {
		t.Errorf("installation\n%s\nwant\n%s", gotJSON, wantJSON)
	}
	want := core.Member{Workspace: w.ID, Account: ada.ID, Email: ada.Email, Name: ada.Name, Role: core.RoleOwner, Created: morning}
	if a.Workspace != w || len(a.Members) != 1 || a.Members[0] != want {
		t.Errorf("access %+v", a)
	}
	// Each change of who may do what is another epoch.
	other, bob := makeWorkspace(t, db)
	for name, c := range map[string]core.Change{
		"workspace": core.PutWorkspace{Workspace: w}, "member": core.PutMember{Member: core.Member{Account: bob.ID, Role: core.RoleMember}},
		"contract": core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Plan: "professional", Began: morning}},
	} {
		before := a.Epoch
		if err := change(db, w.ID, c); err != nil {
			t.Fatal(err)
		}
		if a, err = db.Access(t.Context(), w.ID); err != nil || a.Epoch <= before {
			t.Errorf("%s: epoch %d after %d, %v", name, a.Epoch, before, err)
		}
	}
	if err := change(db, w.ID, core.RemoveMember{Account: bob.ID}); err != nil {
		t.Error(err)
	}
	if o, err := db.Access(t.Context(), other.ID); err != nil || len(o.Installations) != 0 || len(o.Members) != 1 {
		t.Errorf("the other workspace: %+v, %v", o, err)
	}
	if _, err := db.Access(t.Context(), core.NewWorkspaceID()); core.KindOf(err) != core.NotFound {
		t.Errorf("no workspace: %v", err)
	}
}

func TestChangeIsAllOrNothing(t *testing.T) {
	db := open(t)
	w, ada := makeWorkspace(t, db)
	before, err := db.Access(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = change(db, w.ID, core.PutInstallation{Installation: installation()}, core.RemoveMember{Account: ada.ID}, core.RemoveMember{Account: ada.ID})
	if core.KindOf(err) != core.NotFound {
		t.Fatalf("the last change must fail: %v", err)
	}
	after, err := db.Access(t.Context(), w.ID)
	if err != nil || after.Epoch != before.Epoch || len(after.Installations) != 0 || len(after.Members) != 1 {
		t.Errorf("left %+v, %v", after, err)
	}
}

func TestPutInstallation(t *testing.T) {
	db := open(t)
	w, _ := makeWorkspace(t, db)
	first := installation()
	if err := change(db, w.ID, core.PutInstallation{Installation: first}); err != nil {
		t.Fatal(err)
	}
	alias, plugin := installation(), installation()
	alias.Plugin.Name, plugin.Alias = "other", "elsewhere"
	later, never := first, installation()
	later.Revision, later.State = 2, core.InstallationDisabled
	never.Revision = 2
	for _, step := range []struct {
		name string
		in   core.Installation
		kind core.Kind
	}{
		{"taken alias", alias, core.Exists}, {"same plugin", plugin, core.Exists}, {"same again", first, core.Exists},
		{"next revision", later, ""}, {"the same revision", later, core.Changed}, {"not there", never, core.Changed},
	} {
		if err := change(db, w.ID, core.PutInstallation{Installation: step.in}); core.KindOf(err) != step.kind {
			t.Errorf("%s: %v, want %q", step.name, err, step.kind)
		}
	}
	a, err := db.Access(t.Context(), w.ID)
	if err != nil || len(a.Installations) != 1 || a.Installations[0].State != core.InstallationDisabled || a.Installations[0].Revision != 2 {
		t.Errorf("stored %+v, %v", a.Installations, err)
	}
}

func TestPutReceiptTwice(t *testing.T) {
	db := open(t)
	w, _ := makeWorkspace(t, db)
	other, _ := makeWorkspace(t, db)
	receipt := core.PutReceipt{Receipt: core.Receipt{Scope: "s", Key: "k", Answer: json.RawMessage(`{}`), Created: morning}}
	if err := change(db, w.ID, receipt); err != nil {
		t.Fatal(err)
	}
	if err := change(db, w.ID, receipt); core.KindOf(err) != core.Changed {
		t.Errorf("the second: %v", err)
	}
	if err := change(db, other.ID, receipt); err != nil {
		t.Errorf("another workspace's: %v", err)
	}
}

func TestUsageLimitHolds(t *testing.T) {
	db := open(t)
	w, _ := makeWorkspace(t, db)
	other, _ := makeWorkspace(t, db)
	if err := change(db, other.ID, core.AddUsage{Install: "ins_o", Meter: "crm.contacts", Quantity: 1000, Limit: -1}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var added, refused atomic.Int64
	barrier := make(chan struct{})
	for i := range 100 {
		all.Go(func() {
			<-barrier
			install := core.InstallationID([]string{"ins_1", "ins_2"}[i%2]) // the limit is the workspace's
			switch err := change(db, w.ID, core.AddUsage{Install: install, Meter: "crm.contacts", Quantity: 3, Limit: 31}); core.KindOf(err) {
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
	if err := change(db, w.ID, core.AddUsage{Install: "ins_1", Meter: "crm.contacts", Quantity: -5, Limit: 0}); err != nil {
		t.Errorf("giving back is never refused: %v", err)
	}
}

// global are the tables that hold no workspace's data. A new table has a column
// named workspace, or belongs here.
var global = []string{"accounts", "catalog", "goose_db_version", "secret_keys", "sessions", "setup", "sqlite_sequence", "workspaces"}

// counts returns how many rows of a workspace each table has.
func counts(t *testing.T, db *sqlite.DB, ws core.WorkspaceID) map[string]int {
	t.Helper()
	rows, err := db.Reader().QueryContext(t.Context(), `SELECT t.name, EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'workspace')
		FROM sqlite_schema t WHERE t.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	scoped := map[string]bool{}
	for rows.Next() {
		var name string
		var has bool
		if err := rows.Scan(&name, &has); err != nil {
			t.Fatal(err)
		}
		scoped[name] = has
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for name, has := range scoped {
		if !has {
			if !slices.Contains(global, name) {
				t.Errorf("the table %s has no column named workspace: add one, or add the table to the global ones", name)
			}
			continue
		}
		var n int
		if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM "+name+" WHERE workspace = ?", ws).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counted[name] = n
	}
	return counted
}

// fill puts at least one row of the workspace in every table there is.
func fill(t *testing.T, db *sqlite.DB, w core.Workspace, owner core.Account) {
	t.Helper()
	in := installation()
	if err := change(db, w.ID, core.PutInstallation{Installation: in}); err != nil {
		t.Fatal(err)
	}
	a, err := db.Access(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	u := store.New(db.Documents()).Begin(w.ID, store.Scope{
		Plugin: crm, Installation: in.ID, Now: morning, AuthEpoch: a.Epoch,
		Tables: []abi.Table{{Name: "contacts", Fields: []abi.Field{{Name: "email", Type: abi.TypeEmail, Unique: true}, {Name: "stage", Type: abi.TypeString, Index: true}}}},
	})
	if _, err := u.Insert(t.Context(), "contacts", json.RawMessage(`{"email": "a@example.com", "stage": "lead"}`)); err != nil {
		t.Fatal(err)
	}
	u.Add(core.AddUsage{Install: in.ID, Meter: "crm.contacts", Quantity: 1, Limit: -1})
	u.Add(core.PutReceipt{Receipt: core.Receipt{Scope: string(in.ID) + " member", Key: "k", Answer: json.RawMessage(`{}`), Created: morning}})
	u.Add(core.AppendEvent{Event: core.Event{ID: core.NewEventID(), Type: "crm.contact.created", Version: 1, Source: "/crm", Data: json.RawMessage(`{}`), Time: morning}})
	u.Add(core.PutDelivery{Delivery: core.Delivery{ID: core.NewDeliveryID(), Install: in.ID, Handler: "later", Due: morning, Created: morning}})
	if _, err := u.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := core.Token{ID: core.NewTokenID(), Account: owner.ID, Name: "t", Workspace: w.ID, Created: morning}
	copy(token.Hash[:], token.ID[4:])
	if err := db.CreateToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	log := sqlite.NewInvocationLog(db, slog.New(slog.DiscardHandler))
	log.Record(core.InvocationRecord{ID: core.NewInvocationID(), Workspace: w.ID, Install: in.ID, Handler: "list", Kind: abi.KindQuery, Trigger: abi.TriggerRequest, Outcome: core.OutcomeOK, Started: morning})
	log.Close()
}

func TestDeleteWorkspaceLeavesNothing(t *testing.T) {
	db := open(t)
	gone, ada := makeWorkspace(t, db)
	stays, bob := makeWorkspace(t, db)
	fill(t, db, gone, ada)
	fill(t, db, stays, bob)
	all := core.Token{ID: core.NewTokenID(), Account: ada.ID, Name: "all", Created: morning}
	copy(all.Hash[:], all.ID[4:])
	if err := db.CreateToken(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	before := counts(t, db, stays.ID)
	for table, n := range counts(t, db, gone.ID) {
		if n == 0 {
			t.Errorf("fill puts no row in %s, so that nobody sees whether deleting empties it", table)
		}
	}
	if err := db.DeleteWorkspace(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	for table, n := range counts(t, db, gone.ID) {
		if n != 0 {
			t.Errorf("%s keeps %d rows", table, n)
		}
	}
	if after := counts(t, db, stays.ID); !maps.Equal(before, after) {
		t.Errorf("the other workspace had %v and has %v", before, after)
	}
	if tokens, err := db.TokensOf(t.Context(), ada.ID); err != nil || len(tokens) != 1 || tokens[0].Name != "all" {
		t.Errorf("tokens of the person: %+v, %v", tokens, err)
	}
	if err := db.DeleteWorkspace(t.Context(), gone.ID); core.KindOf(err) != core.NotFound {
		t.Errorf("again: %v", err)
	}
	// A call that was under way ends after the workspace, and leaves no record.
	log := sqlite.NewInvocationLog(db, slog.New(slog.DiscardHandler))
	for _, ws := range []core.WorkspaceID{gone.ID, stays.ID} {
		log.Record(core.InvocationRecord{ID: core.NewInvocationID(), Workspace: ws, Handler: "list", Kind: abi.KindQuery, Trigger: abi.TriggerRequest, Outcome: core.OutcomeTimeout, Started: morning})
	}
	log.Close()
	if left, kept := counts(t, db, gone.ID)["invocations"], counts(t, db, stays.ID)["invocations"]; left != 0 || kept != before["invocations"]+1 {
		t.Errorf("invocations: %d of the deleted workspace; %d of the other, which had %d", left, kept, before["invocations"])
	}
	// A unit that was under way is refused: its epoch is gone.
	u := store.New(db.Documents()).Begin(gone.ID, store.Scope{Plugin: crm, Now: morning, AuthEpoch: 1, Tables: []abi.Table{{Name: "contacts", Fields: []abi.Field{{Name: "n", Type: abi.TypeInt}}}}})
	if _, err := u.Insert(t.Context(), "contacts", json.RawMessage(`{"n": 1}`)); core.KindOf(err) != core.Changed {
		if _, err := u.Commit(t.Context()); core.KindOf(err) != core.Changed {
			t.Errorf("a unit of the deleted workspace: %v", err)
		}
	}
}
