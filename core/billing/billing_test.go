package billing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/billing"
)

func TestDefaultPlans(t *testing.T) {
	plans := billing.DefaultPlans()
	want := map[string][]string{ // plugin: plans that include it
		"crm": {"starter", "professional", "enterprise"}, "email": {"starter", "professional", "enterprise"},
		"ecommerce": {"professional", "enterprise"}, "support": {"professional", "enterprise"}, "stripe": {"professional", "enterprise"},
		"lms": {"enterprise"}, "quiz": {"enterprise"}, "certificate": {"enterprise"}, "ai": {"enterprise"}, "hostile-loop": nil,
	}
	for plugin, in := range want {
		var having []string
		for _, p := range plans.List() {
			if p.Allows(plugin) {
				having = append(having, p.ID)
			}
		}
		if !slices.Equal(having, in) {
			t.Errorf("%s is in %v, want %v", plugin, having, in)
		}
	}
	for id, quota := range map[string]int64{"starter": 5_000, "professional": 50_000, "enterprise": 1_000_000} {
		if p, ok := plans.Plan(id); !ok || p.Quotas["crm.contacts"] != quota || p.Quotas["core.members"] == 0 {
			t.Errorf("%s: %+v", id, p)
		}
	}
	if p, ok := plans.Plan("gone"); ok || p.Title != "gone" || p.Allows("crm") {
		t.Errorf("a plan that is no longer offered: %+v, %v", p, ok)
	}
}

func TestParsePlans(t *testing.T) {
	good := `{"id": "a", "title": "A", "price": {"amount": 0, "currency": "EUR"}, "plugins": ["*"]}`
	for name, c := range map[string]struct{ file, says string }{
		"not JSON":   {"{\n\"plans\": [}", "line 2"},
		"unknown":    {`{"plans": [` + strings.Replace(good, `"id"`, `"ID2": 1, "id"`, 1) + `]}`, "ID2"},
		"nothing":    {`{}`, "plans: must hold at least one plan"},
		"more":       {`{"plans": [` + good + `]} {}`, "something follows"},
		"same id":    {`{"plans": [` + good + `,` + good + `]}`, `plans[1].id: "a"`},
		"bad id":     {`{"plans": [` + strings.Replace(good, `"a"`, `"A b"`, 1) + `]}`, "plans[0].id"},
		"no title":   {`{"plans": [` + strings.Replace(good, `"A"`, `" "`, 1) + `]}`, "plans[0].title"},
		"price":      {`{"plans": [` + strings.Replace(good, `0, "currency": "EUR"`, `-1, "currency": "eur"`, 1) + `]}`, "plans[0].price.amount"},
		"fraction":   {`{"plans": [` + strings.Replace(good, `: 0`, `: 9.5`, 1) + `]}`, "9.5"},
		"plugin":     {`{"plans": [` + strings.Replace(good, `"*"`, `"crm", "C R M"`, 1) + `]}`, "plans[0].plugins[1]"},
		"meter":      {`{"plans": [` + strings.Replace(good, `["*"]`, `[], "quotas": {"contacts": 1}`, 1) + `]}`, "plans[0].quotas"},
		"less quota": {`{"plans": [` + strings.Replace(good, `["*"]`, `[], "quotas": {"crm.contacts": -1}`, 1) + `]}`, "plans[0].quotas.crm.contacts"},
	} {
		if _, err := billing.ParsePlans([]byte(c.file)); core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), c.says) {
			t.Errorf("%s: %v, want it to say %s", name, err, c.says)
		}
	}
	path := filepath.Join(t.TempDir(), "plans.json")
	if err := os.WriteFile(path, []byte(`{"plans": [`+good+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if plans, err := billing.LoadPlans(path); err != nil || len(plans.List()) != 1 {
		t.Errorf("a good file: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{path, path + ".missing"} {
		if _, err := billing.LoadPlans(bad); core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), bad) {
			t.Errorf("%v doesn't name the file", err)
		}
	}
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// books is a billing service with a workspace, its owner and a member.
type books struct {
	*billing.Service
	db            database
	past          history
	ws            core.WorkspaceID
	owner, member core.Actor
}

func newBooks(t *testing.T) *books {
	t.Helper()
	db, past := open(t)
	b := &books{Service: billing.New(billing.Config{Store: db, Plans: billing.DefaultPlans(), Now: func() time.Time { return epoch.Add(time.Hour) }}), db: db, past: past}
	b.ws, b.owner = b.workspace(t)
	other := b.account(t)
	b.member = core.Actor{Type: core.ActorMember, Account: other, Role: core.RoleMember}
	b.apply(t, core.PutMember{Member: core.Member{Account: other, Role: core.RoleMember, Created: epoch}})
	return b
}

func (b *books) account(t *testing.T) core.AccountID {
	t.Helper()
	a := core.Account{ID: core.NewAccountID(), PasswordHash: "x", Created: epoch}
	a.Email = string(a.ID) + "@example.com"
	if err := b.db.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func (b *books) workspace(t *testing.T) (core.WorkspaceID, core.Actor) {
	t.Helper()
	w := core.Workspace{ID: core.NewWorkspaceID(), Name: "W", Created: epoch}
	w.Slug = string(w.ID)
	owner := b.account(t)
	err := b.db.CreateWorkspace(t.Context(), w, owner, core.Contract{ID: core.NewContractID(), Plan: "starter", Began: epoch}, core.AuditEntry{Time: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return w.ID, core.Actor{Type: core.ActorMember, Account: owner, Role: core.RoleOwner}
}

func (b *books) apply(t *testing.T, changes ...core.Change) {
	t.Helper()
	if err := b.db.Change(t.Context(), b.ws, func(core.Access) ([]core.Change, error) { return changes, nil }); err != nil {
		t.Fatal(err)
	}
}

func TestChangePlan(t *testing.T) {
	b := newBooks(t)
	b.apply(t, core.PutInstallation{Installation: core.Installation{
		ID: core.NewInstallationID(), Plugin: core.PluginID{Publisher: "carrel", Name: "lms"}, Alias: "school", State: core.InstallationEnabled, Revision: 1,
		Grants: []core.Grant{{Capability: abi.CapabilityEvents, Events: []string{"core.plan.changed"}}},
	}})
	plan, contracts, err := b.Current(t.Context(), b.ws, b.owner)
	if err != nil || plan.ID != "starter" || len(contracts) != 1 || !contracts[0].Ended.IsZero() {
		t.Fatalf("at first %+v %+v, %v", plan, contracts, err)
	}
	before, err := b.db.Access(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := b.ChangePlan(t.Context(), b.ws, b.owner, "professional")
	if err != nil || changed.Plan.ID != "professional" || !slices.Equal(changed.Refused, []string{"school"}) {
		t.Fatalf("changed: %+v, %v", changed, err)
	}
	after, err := b.db.Access(t.Context(), b.ws)
	if err != nil || after.Workspace.Plan != "professional" || after.Epoch <= before.Epoch {
		t.Errorf("the workspace has %s at epoch %d, was %d: %v", after.Workspace.Plan, after.Epoch, before.Epoch, err)
	}
	plan, contracts, err = b.Current(t.Context(), b.ws, b.owner)
	if err != nil || plan.ID != "professional" || len(contracts) != 2 || contracts[0].ID != changed.Contract.ID || !contracts[1].Ended.Equal(contracts[0].Began) {
		t.Errorf("then %+v %+v, %v", plan, contracts, err)
	}
	same, err := b.ChangePlan(t.Context(), b.ws, b.owner, "professional")
	if err != nil || same.Contract != contracts[0] {
		t.Errorf("the same plan: %+v, %v", same, err)
	}
	if up, err := b.ChangePlan(t.Context(), b.ws, b.owner, "enterprise"); err != nil || len(up.Refused) != 0 {
		t.Errorf("with everything: %+v, %v", up, err)
	}
	if _, err = b.ChangePlan(t.Context(), b.ws, b.owner, "free"); core.KindOf(err) != core.Invalid || core.ViolationsOf(err)[0].Location != "plan" {
		t.Errorf("no such plan: %v", err)
	}
	for name, actor := range map[string]core.Actor{
		"a member":         b.member,
		"a narrowed token": {Type: core.ActorToken, Account: b.owner.Account, Role: core.RoleOwner, Scopes: []string{"crm.*", "core.plan.read"}},
	} {
		if _, err = b.ChangePlan(t.Context(), b.ws, actor, "starter"); core.KindOf(err) != core.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Who listens is told of each change, and of nothing else.
	var told []string
	for _, e := range b.events(t) {
		deliveries, err := b.past.DeliveriesOf(t.Context(), b.ws, []core.EventID{e.ID})
		if err != nil || len(deliveries) != 1 {
			t.Errorf("%s is delivered to %+v, %v", e.Type, deliveries, err)
		}
		told = append(told, e.Type+string(e.Data))
	}
	by := `,"by":"` + string(b.owner.Account) + `"}`
	if want := []string{
		`core.plan.changed{"plan":"enterprise","was":"professional"` + by, `core.plan.changed{"plan":"professional","was":"starter"` + by,
	}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func (b *books) events(t *testing.T) []core.Event {
	t.Helper()
	events, err := b.past.Events(t.Context(), b.ws, "", "", 50)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestChangePlanRace(t *testing.T) {
	b := newBooks(t)
	var all sync.WaitGroup
	barrier := make(chan struct{})
	for i := range 8 {
		all.Go(func() {
			<-barrier
			if _, err := b.ChangePlan(t.Context(), b.ws, b.owner, []string{"professional", "enterprise"}[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	close(barrier)
	all.Wait()
	_, contracts, err := b.Current(t.Context(), b.ws, b.owner)
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for i, c := range contracts {
		if c.Ended.IsZero() {
			open++
		}
		if i+1 < len(contracts) && c.Plan == contracts[i+1].Plan {
			t.Errorf("two contracts in a row for one plan: %+v", contracts)
		}
	}
	if open != 1 {
		t.Errorf("%d contracts are open: %+v", open, contracts)
	}
}

func TestUsage(t *testing.T) {
	b := newBooks(t)
	one, two := core.NewInstallationID(), core.NewInstallationID()
	b.apply(t,
		core.AddUsage{Install: one, Meter: "crm.contacts", Quantity: 10, Limit: -1},
		core.AddUsage{Install: two, Meter: "crm.contacts", Quantity: 5, Limit: 15},
		core.AddUsage{Install: two, Meter: "crm.contacts", Quantity: -3, Limit: 1},
		core.AddUsage{Install: two, Meter: "crm.imports", Quantity: 1, Limit: -1},
	)
	elsewhere, stranger := b.workspace(t)
	usage, err := b.Usage(t.Context(), elsewhere, stranger)
	if want := []billing.Usage{{"core.members", 1, 5}, {"crm.contacts", 0, 5000}}; err != nil || !slices.Equal(usage, want) {
		t.Errorf("another workspace's usage %+v, %v; want %+v", usage, err, want)
	}
	if _, contracts, err := b.Current(t.Context(), elsewhere, stranger); err != nil || len(contracts) != 1 {
		t.Errorf("another workspace's contracts %+v, %v", contracts, err)
	}
	usage, err = b.Usage(t.Context(), b.ws, b.owner)
	want := []billing.Usage{{"core.members", 2, 5}, {"crm.contacts", 12, 5000}, {"crm.imports", 1, -1}}
	if err != nil || !slices.Equal(usage, want) {
		t.Errorf("usage %+v, %v; want %+v", usage, err, want)
	}
	if _, err := b.Usage(t.Context(), b.ws, b.member); core.KindOf(err) != core.Denied {
		t.Errorf("a member: %v", err)
	}
}

func TestAttack01_OthersBillIsMissing(t *testing.T) {
	b := newBooks(t)
	_, eve := b.workspace(t)
	say := func(err error) string { return fmt.Sprintf("%s|%s", core.KindOf(err), core.MessageOf(err)) }
	for name, call := range map[string]func(ws core.WorkspaceID) error{
		"Current": func(ws core.WorkspaceID) error { _, _, err := b.Current(t.Context(), ws, eve); return err },
		"Usage":   func(ws core.WorkspaceID) error { _, err := b.Usage(t.Context(), ws, eve); return err },
		"ChangePlan": func(ws core.WorkspaceID) error {
			_, err := b.ChangePlan(t.Context(), ws, eve, "enterprise")
			return err
		},
	} {
		if others, none := call(b.ws), call(core.NewWorkspaceID()); core.KindOf(none) != core.NotFound || say(others) != say(none) {
			t.Errorf("%s: another's is %s, a missing one is %s", name, say(others), say(none))
		}
	}
}
