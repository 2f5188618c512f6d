package workspace_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
)

// plans are a file of the test's own.
type plans []core.Plan

func (p plans) List() []core.Plan { return p }

func (p plans) Plan(id string) (core.Plan, bool) {
	i := slices.IndexFunc(p, func(plan core.Plan) bool { return plan.ID == id })
	if i < 0 {
		return core.Plan{ID: id, Title: id}, false
	}
	return p[i], true
}

var offered = plans{
	{ID: "starter", Title: "Starter", Plugins: []string{"crm"}, Quotas: map[string]int64{"core.members": 3}},
	{ID: "everything", Title: "Everything", Plugins: []string{"*"}},
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)

func now() time.Time { return epoch }

// house is a server's database with the services on it.
type house struct {
	*workspace.Service
	db   database
	past history
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, past := open(t)
	return &house{workspace.New(workspace.Config{Store: db, Plans: offered, Home: "here", Now: now}), db, past}
}

// person makes an account named after its email.
func (h *house) person(t *testing.T, name string) core.Account {
	t.Helper()
	a := core.Account{ID: core.NewAccountID(), Email: name + "@example.com", Name: name, PasswordHash: "x", Created: epoch}
	if err := h.db.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) workspace(t *testing.T, owner core.Account, name string) core.Workspace {
	t.Helper()
	w, err := h.Create(t.Context(), owner.ID, workspace.CreateRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// as is what an account acts as in a workspace.
func (h *house) as(t *testing.T, a core.Account, w core.Workspace) core.Actor {
	t.Helper()
	_, m, err := h.Resolve(t.Context(), a.ID, string(w.ID))
	if err != nil {
		t.Fatal(err)
	}
	actor, err := workspace.ActorFor(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

func wantKind(t *testing.T, err error, kind core.Kind) {
	t.Helper()
	if core.KindOf(err) != kind {
		t.Fatalf("got %v (%s), want %s", err, core.KindOf(err), kind)
	}
}

// together runs n calls at once and counts their errors by kind.
func together(n int, call func(i int) error) map[core.Kind]int {
	kinds := map[core.Kind]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	barrier := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-barrier
			err := call(i)
			mu.Lock()
			kinds[core.KindOf(err)]++
			mu.Unlock()
		})
	}
	close(barrier)
	all.Wait()
	return kinds
}

func TestCreate(t *testing.T) {
	h := newHouse(t)
	ada := h.person(t, "ada")
	w := h.workspace(t, ada, " Ada's Café & Co. ")
	want := core.Workspace{ID: w.ID, Slug: "ada-s-caf-co", Name: "Ada's Café & Co.", TimeZone: "UTC", Locale: "en", Home: "here", Plan: "starter", Created: epoch.Truncate(time.Microsecond)}
	if w != want {
		t.Errorf("made %+v, want %+v", w, want)
	}
	for _, ref := range []string{w.Slug, string(w.ID)} {
		got, m, err := h.Resolve(t.Context(), ada.ID, ref)
		if err != nil || got != w || m.Role != core.RoleOwner || m.Workspace != w.ID || m.Email != ada.Email {
			t.Errorf("resolve %s: %+v %+v, %v", ref, got, m, err)
		}
	}
	list, err := h.List(t.Context(), ada.ID)
	if err != nil || len(list) != 1 || list[0].Workspace != w || list[0].Role != core.RoleOwner {
		t.Errorf("list: %+v, %v", list, err)
	}
	// The same name again: another slug, by itself. The same slug: refused.
	if again := h.workspace(t, ada, "Ada's Café & Co."); again.Slug == w.Slug || !core.ValidSlug(again.Slug) {
		t.Errorf("the second is %s", again.Slug)
	}
	_, err = h.Create(t.Context(), ada.ID, workspace.CreateRequest{Name: "x", Slug: w.Slug})
	wantKind(t, err, core.Exists)
	for _, name := range []string{"日本", "42", "api", strings.Repeat("long ", 20), "-", "a"} {
		if w := h.workspace(t, ada, name); !core.ValidSlug(w.Slug) {
			t.Errorf("%q got the slug %q", name, w.Slug)
		}
	}
	_, err = h.Create(t.Context(), ada.ID, workspace.CreateRequest{Name: "\n", Slug: "API", TimeZone: "Mars/Base", Locale: "english", Plan: "free"})
	var at []string
	for _, v := range core.ViolationsOf(err) {
		at = append(at, v.Location)
	}
	if !slices.Equal(at, []string{"name", "slug", "timeZone", "locale", "plan"}) {
		t.Errorf("violations at %v: %v", at, err)
	}
}

func TestCreateRace(t *testing.T) {
	h := newHouse(t)
	ada := h.person(t, "ada")
	kinds := together(8, func(int) error {
		_, err := h.Create(t.Context(), ada.ID, workspace.CreateRequest{Name: "Same", Slug: "same"})
		return err
	})
	if kinds[""] != 1 || kinds[core.Exists] != 7 {
		t.Errorf("same slug: %v", kinds)
	}
	kinds = together(8, func(int) error {
		_, err := h.Create(t.Context(), ada.ID, workspace.CreateRequest{Name: "Same"})
		return err
	})
	if kinds[""] != 8 {
		t.Errorf("same name: %v", kinds)
	}
}

// TestAttack01_OthersWorkspaceIsMissing asks for a workspace one is not in, and
// for one that is not there, by every method that takes one.
func TestAttack01_OthersWorkspaceIsMissing(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.person(t, "ada"), h.person(t, "eve")
	theirs := h.workspace(t, ada, "Theirs")
	missing := core.Workspace{ID: core.NewWorkspaceID(), Slug: "missing"}
	name := "stolen"
	actor := core.Actor{Type: core.ActorMember, Account: eve.ID, Role: core.RoleOwner} // as if web had mixed something up
	say := func(err error) string {
		return fmt.Sprintf("%s|%s|%v", core.KindOf(err), core.MessageOf(err), core.ViolationsOf(err))
	}
	for method, call := range map[string]func(w core.Workspace) error{
		"Resolve by id":   func(w core.Workspace) error { _, _, err := h.Resolve(t.Context(), eve.ID, string(w.ID)); return err },
		"Resolve by slug": func(w core.Workspace) error { _, _, err := h.Resolve(t.Context(), eve.ID, w.Slug); return err },
		"Update": func(w core.Workspace) error {
			_, err := h.Update(t.Context(), w.ID, actor, workspace.UpdateRequest{Name: &name})
			return err
		},
		"Delete":  func(w core.Workspace) error { return h.Delete(t.Context(), w.ID, actor, w.Slug) },
		"Members": func(w core.Workspace) error { _, err := h.Members(t.Context(), w.ID, actor); return err },
		"AddMember": func(w core.Workspace) error {
			_, err := h.AddMember(t.Context(), w.ID, actor, eve.Email, core.RoleOwner)
			return err
		},
		"SetRole": func(w core.Workspace) error {
			_, err := h.SetRole(t.Context(), w.ID, actor, ada.ID, core.RoleMember)
			return err
		},
		"RemoveMember": func(w core.Workspace) error { return h.RemoveMember(t.Context(), w.ID, actor, ada.ID) },
		"Audit":        func(w core.Workspace) error { _, _, err := h.Audit(t.Context(), w.ID, actor, 0, 10); return err },
	} {
		others, none := call(theirs), call(missing)
		if core.KindOf(none) != core.NotFound || say(others) != say(none) {
			t.Errorf("%s: another's is %s, a missing one is %s", method, say(others), say(none))
		}
	}
	after, _, err := h.Resolve(t.Context(), ada.ID, string(theirs.ID))
	if err != nil || after != theirs {
		t.Errorf("it is now %+v, %v", after, err)
	}
}

func TestActorFor(t *testing.T) {
	m := core.Member{Workspace: core.NewWorkspaceID(), Account: core.NewAccountID(), Role: core.RoleAdmin}
	if _, err := workspace.ActorFor(m, &core.Token{Workspace: core.NewWorkspaceID()}); core.KindOf(err) != core.NotFound {
		t.Errorf("a token for another workspace: %v", err)
	}
	a, err := workspace.ActorFor(m, &core.Token{Workspace: m.Workspace, Scopes: []string{}})
	if err != nil || a.Type != core.ActorToken || a.Role != core.RoleAdmin || a.Scopes == nil {
		t.Errorf("a token without scopes must stay one that has none: %+v, %v", a, err)
	}
}

func TestUpdate(t *testing.T) {
	h := newHouse(t)
	ada := h.person(t, "ada")
	w, taken := h.workspace(t, ada, "First"), h.workspace(t, ada, "Second")
	actor := h.as(t, ada, w)
	before, err := h.db.Access(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	name, slug, zone, locale := "Renamed", "renamed", "Europe/Zurich", "de-CH"
	got, err := h.Update(t.Context(), w.ID, actor, workspace.UpdateRequest{Name: &name, Slug: &slug, TimeZone: &zone, Locale: &locale})
	if err != nil || got.Name != name || got.Slug != slug || got.TimeZone != zone || got.Locale != locale || got.Plan != w.Plan {
		t.Errorf("updated to %+v, %v", got, err)
	}
	after, err := h.db.Access(t.Context(), w.ID)
	if err != nil || after.Workspace != got || after.Epoch <= before.Epoch {
		t.Errorf("stored %+v at epoch %d, was %d: %v", after.Workspace, after.Epoch, before.Epoch, err)
	}
	_, err = h.Update(t.Context(), w.ID, actor, workspace.UpdateRequest{Slug: &taken.Slug})
	wantKind(t, err, core.Exists)
	bad := "no/zone"
	_, err = h.Update(t.Context(), w.ID, actor, workspace.UpdateRequest{TimeZone: &bad})
	wantKind(t, err, core.Invalid)
	// Two fields at once: none is lost.
	together(2, func(i int) error {
		r := workspace.UpdateRequest{Name: &[]string{"Both"}[0]}
		if i == 1 {
			r = workspace.UpdateRequest{Locale: &[]string{"fr"}[0]}
		}
		_, err := h.Update(t.Context(), w.ID, actor, r)
		return err
	})
	if after, err = h.db.Access(t.Context(), w.ID); err != nil || after.Workspace.Name != "Both" || after.Workspace.Locale != "fr" {
		t.Errorf("stored %+v, %v", after.Workspace, err)
	}
	entries, next, err := h.Audit(t.Context(), w.ID, actor, 0, 2)
	if err != nil || len(entries) != 2 || next == 0 || entries[0].Action != "workspace.updated" || entries[0].Actor != string(ada.ID) {
		t.Fatalf("audit: %+v %d, %v", entries, next, err)
	}
	rest, next, err := h.Audit(t.Context(), w.ID, actor, next, 10)
	if err != nil || len(rest) != 2 || next != 0 || rest[1].Action != "workspace.created" {
		t.Errorf("the rest: %+v %d, %v", rest, next, err)
	}
}

// TestAttack48_AFormerAddressLeadsToNobodyElse: links in mails that were sent years
// ago, and webhooks, go on leading to the workspace that has changed its slug;
// nobody can take the old one to be there in its place.
func TestAttack48_AFormerAddressLeadsToNobodyElse(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.person(t, "ada"), h.person(t, "eve")
	w, other := h.workspace(t, ada, "First"), h.workspace(t, eve, "Evil")
	rename := func(w core.Workspace, who core.Account, slug string) error {
		_, err := h.Update(t.Context(), w.ID, h.as(t, who, w), workspace.UpdateRequest{Slug: &slug})
		return err
	}
	for _, slug := range []string{"second", "third"} {
		if err := rename(w, ada, slug); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, rename(other, eve, w.Slug), core.Exists)
	_, err := h.Create(t.Context(), eve.ID, workspace.CreateRequest{Name: "Mine now", Slug: "second"})
	wantKind(t, err, core.Exists)
	for _, ref := range []string{w.Slug, "second", "third", string(w.ID)} {
		if got, err := h.Lookup(t.Context(), ref); err != nil || got.ID != w.ID || got.Slug != "third" {
			t.Errorf("%s leads to %+v, %v", ref, got, err)
		}
		_, _, err := h.Resolve(t.Context(), eve.ID, ref)
		wantKind(t, err, core.NotFound)
	}
	if err := rename(w, ada, w.Slug); err != nil { // it may go back
		t.Error(err)
	}
	// Of many, the oldest are let go: who changes often keeps no names from others.
	for i := range 12 {
		if err := rename(w, ada, fmt.Sprintf("again-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := rename(other, eve, "second"); err != nil {
		t.Errorf("the oldest address of many: %v", err)
	}
	wantKind(t, rename(other, eve, "again-3"), core.Exists)
}

func TestDelete(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person(t, "ada"), h.person(t, "bob")
	w, other := h.workspace(t, ada, "Gone"), h.workspace(t, ada, "Stays")
	if _, err := h.AddMember(t.Context(), w.ID, h.as(t, ada, w), bob.Email, core.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	wantKind(t, h.Delete(t.Context(), w.ID, h.as(t, bob, w), w.Slug), core.Denied)
	wantKind(t, h.Delete(t.Context(), w.ID, h.as(t, ada, w), "yes"), core.Invalid)
	actor := h.as(t, ada, w)
	if err := h.Delete(t.Context(), w.ID, actor, w.Slug); err != nil {
		t.Fatal(err)
	}
	_, _, err := h.Resolve(t.Context(), ada.ID, w.Slug)
	wantKind(t, err, core.NotFound)
	wantKind(t, h.Delete(t.Context(), w.ID, actor, w.Slug), core.NotFound)
	if again := h.workspace(t, bob, "Gone"); again.Slug != w.Slug {
		t.Errorf("its slug is not free: %s", again.Slug)
	}
	if _, _, err := h.Resolve(t.Context(), ada.ID, other.Slug); err != nil {
		t.Errorf("another workspace of the owner: %v", err)
	}
}
