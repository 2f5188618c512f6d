package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// memberships: a person finds the workspaces they belong to and no others,
// whatever names one.
func memberships(t *testing.T, h *house) {
	ctx := context.Background()
	first, ada := h.workspace()
	second, bob := h.workspace()
	second.Name = "A first name"
	h.must(h.change(second.ID, core.PutWorkspace{Workspace: second},
		core.PutMember{Member: core.Member{Account: ada.ID, Role: core.RoleMember, Created: noon.Add(time.Hour)}}))
	owner := core.Member{Workspace: first.ID, Account: ada.ID, Email: ada.Email, Name: ada.Name, Role: core.RoleOwner, Created: noon}
	member := owner
	member.Workspace, member.Role, member.Created = second.ID, core.RoleMember, noon.Add(time.Hour)
	workspaces, members, err := h.Memberships(ctx, ada.ID)
	if err != nil || !slices.Equal(workspaces, []core.Workspace{second, first}) || !slices.Equal(members, []core.Member{member, owner}) {
		t.Errorf("hers: %+v as %+v, %v", workspaces, members, err)
	}
	for _, ref := range []string{string(second.ID), second.Slug} {
		if w, m, err := h.Membership(ctx, ref, ada.ID); err != nil || w != second || m != member {
			t.Errorf("%s: %+v as %+v, %v", ref, w, m, err)
		}
	}
	for _, ref := range []string{string(first.ID), first.Slug, string(core.NewWorkspaceID()), "nowhere", "", "no\x00where\xff"} {
		_, _, err := h.Membership(ctx, ref, bob.ID)
		wants(t, err, core.NotFound)
	}
	if w, m, err := h.Memberships(ctx, core.NewAccountID()); err != nil || len(w) != 0 || len(m) != 0 {
		t.Errorf("nobody's: %v, %v, %v", w, m, err)
	}
}

// addresses: a workspace keeps the addresses it had, up to a number, and nobody
// else gets them.
func addresses(t *testing.T, h *house) {
	ctx := context.Background()
	w, ada := h.workspace()
	other, _ := h.workspace()
	former := []string{w.Slug}
	move := func(slug string) error {
		moved := w
		moved.Slug = slug
		err := h.change(w.ID, core.PutWorkspace{Workspace: moved})
		if err == nil {
			w = moved
		}
		return err
	}
	wants(t, move(other.Slug), core.Exists)
	for i := range 9 {
		h.must(move(fmt.Sprintf("address-%d", i)))
		former = append(former, w.Slug)
	}
	for _, slug := range append(former, string(w.ID)) {
		if got, err := h.Workspace(ctx, slug); err != nil || got != w {
			t.Errorf("%s: %+v, %v", slug, got, err)
		}
	}
	taken := core.Workspace{ID: core.NewWorkspaceID(), Slug: former[3], Plan: "starter", Created: noon}
	wants(t, h.create(taken, ada), core.Exists)
	_, err := h.Workspace(ctx, string(taken.ID))
	wants(t, err, core.NotFound)
	h.must(move(former[0])) // back, which makes it the newest
	h.must(move("another"))
	if got, err := h.Workspace(ctx, former[0]); err != nil || got.ID != w.ID {
		t.Errorf("the one it had last: %+v, %v", got, err)
	}
	_, err = h.Workspace(ctx, former[1]) // the oldest was given up
	wants(t, err, core.NotFound)
	taken.Slug = former[1]
	h.must(h.create(taken, ada))
}

// access: what was written is read, in one snapshot, and each change of who may
// do what is another epoch.
func access(t *testing.T, h *house) {
	w, ada := h.workspace()
	in := complete()
	h.must(h.change(w.ID, core.PutInstallation{Installation: in}))
	a := h.access(w.ID)
	in.Workspace = w.ID
	got, ok := a.Installation("people")
	gotJSON, _ := json.Marshal(got)
	wantJSON, _ := json.Marshal(in)
	if !ok || string(gotJSON) != string(wantJSON) {
		t.Errorf("installation\n%s\nwant\n%s", gotJSON, wantJSON)
	}
	want := core.Member{Workspace: w.ID, Account: ada.ID, Email: ada.Email, Name: ada.Name, Role: core.RoleOwner, Created: noon}
	if a.Workspace != w || len(a.Members) != 1 || a.Members[0] != want {
		t.Errorf("access %+v", a)
	}
	other, bob := h.workspace()
	before := a.Epoch
	for name, c := range map[string]core.Change{
		"workspace": core.PutWorkspace{Workspace: w}, "member": core.PutMember{Member: core.Member{Account: bob.ID, Role: core.RoleMember}},
		"contract": core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Plan: "professional", Began: noon}},
	} {
		h.must(h.change(w.ID, c))
		now := h.access(w.ID).Epoch
		if now <= before {
			t.Errorf("%s: epoch %d after %d", name, now, before)
		}
		before = now
	}
	if a := h.access(w.ID); a.Workspace.Plan != "professional" || len(a.Members) != 2 {
		t.Errorf("access %+v", a)
	}
	h.must(h.change(w.ID, core.RemoveMember{Account: bob.ID}))
	if o := h.access(other.ID); len(o.Installations) != 0 || len(o.Members) != 1 {
		t.Errorf("the other workspace: %+v", o)
	}
	_, err := h.Access(context.Background(), core.NewWorkspaceID())
	wants(t, err, core.NotFound)
}

func allOrNothing(t *testing.T, h *house) {
	w, ada := h.workspace()
	before := h.access(w.ID)
	err := h.change(w.ID, core.PutInstallation{Installation: complete()}, core.RemoveMember{Account: ada.ID}, core.RemoveMember{Account: ada.ID})
	wants(t, err, core.NotFound) // the last one
	err = h.Change(context.Background(), w.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.RemoveMember{Account: ada.ID}}, core.E("storetest.Decide", core.Denied, "No.")
	})
	if wants(t, err, core.Denied); core.MessageOf(err) != "No." {
		t.Errorf("refused: %v", err)
	}
	if after := h.access(w.ID); after.Epoch != before.Epoch || len(after.Installations) != 0 || len(after.Members) != 1 {
		t.Errorf("left %+v", after)
	}
	called := false
	err = h.Change(context.Background(), core.NewWorkspaceID(), func(core.Access) ([]core.Change, error) { called = true; return nil, nil })
	if wants(t, err, core.NotFound); called {
		t.Error("something was decided about a workspace that is not there")
	}
}

// changesTakeTurns: what a change saw is still so when it is written, whoever
// changes the same workspace at the same time.
func changesTakeTurns(t *testing.T, h *house) {
	const each, callers = 5, 8
	w, _ := h.workspace()
	h.must(h.change(w.ID, core.PutInstallation{Installation: complete()}))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				err := h.Change(context.Background(), w.ID, func(a core.Access) ([]core.Change, error) {
					in := a.Installations[0]
					in.Revision++
					return []core.Change{core.PutInstallation{Installation: in}}, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if in := h.access(w.ID).Installations[0]; in.Revision != 1+callers*each {
		t.Errorf("revision %d after %d changes", in.Revision, callers*each)
	}
}

func putInstallation(t *testing.T, h *house) {
	w, _ := h.workspace()
	first := complete()
	h.must(h.change(w.ID, core.PutInstallation{Installation: first}))
	alias, plugin := complete(), complete()
	alias.Plugin.Name, plugin.Alias = "other", "elsewhere"
	later, never, second := first, complete(), complete()
	later.Revision, later.State = 2, core.InstallationDisabled
	never.Revision = 2
	second.Plugin.Name, second.Alias = "other", "elsewhere"
	renamed := second
	renamed.Revision, renamed.Alias = 2, first.Alias
	for _, step := range []struct {
		name string
		in   core.Installation
		kind core.Kind
		says string
	}{
		{"taken alias", alias, core.Exists, "installed in this workspace already"},
		{"same plugin", plugin, core.Exists, "installed in this workspace already"},
		{"same again", first, core.Exists, ""},
		{"next revision", later, "", ""},
		{"the same revision", later, core.Changed, "at the same time"},
		{"not there", never, core.Changed, "at the same time"},
		{"another", second, "", ""},
		{"under the first one's name", renamed, core.Exists, "belongs to another installation"},
	} {
		err := h.change(w.ID, core.PutInstallation{Installation: step.in})
		if core.KindOf(err) != step.kind || !strings.Contains(core.MessageOf(err), step.says) {
			t.Errorf("%s: %v, want %q: %s", step.name, err, step.kind, step.says)
		}
	}
	a := h.access(w.ID)
	if got, ok := a.Installation("people"); !ok || len(a.Installations) != 2 || got.State != core.InstallationDisabled || got.Revision != 2 {
		t.Errorf("stored %+v", a.Installations)
	}
}
