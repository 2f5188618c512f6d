package workspace_test

import (
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestMembers(t *testing.T) {
	h := newHouse(t)
	ada, bob, eve := h.person(t, "ada"), h.person(t, "bob"), h.person(t, "eve")
	w := h.workspace(t, ada, "Team")
	owner := h.as(t, ada, w)
	m, err := h.AddMember(t.Context(), w.ID, owner, " BOB@example.com", core.RoleAdmin)
	if err != nil || m.Account != bob.ID || m.Role != core.RoleAdmin {
		t.Fatalf("added %+v, %v", m, err)
	}
	admin := h.as(t, bob, w)
	_, err = h.AddMember(t.Context(), w.ID, admin, bob.Email, core.RoleMember)
	wantKind(t, err, core.Exists)
	_, err = h.AddMember(t.Context(), w.ID, admin, "nobody@example.com", core.RoleMember)
	wantKind(t, err, core.NotFound)
	_, err = h.AddMember(t.Context(), w.ID, admin, eve.Email, "king")
	wantKind(t, err, core.Invalid)
	_, err = h.AddMember(t.Context(), w.ID, admin, eve.Email, core.RoleOwner)
	wantKind(t, err, core.Denied)
	if _, err = h.AddMember(t.Context(), w.ID, admin, eve.Email, core.RoleMember); err != nil {
		t.Fatal(err)
	}
	member := h.as(t, eve, w)

	// The plan has three places.
	_, err = h.AddMember(t.Context(), w.ID, owner, h.person(t, "fay").Email, core.RoleMember)
	wantKind(t, err, core.QuotaExceeded)
	if !strings.Contains(core.MessageOf(err), "Starter") {
		t.Errorf("the refusal doesn't name the plan: %v", err)
	}

	// A member reads, and may leave; nothing else.
	list, err := h.Members(t.Context(), w.ID, member)
	if err != nil || len(list) != 3 || list[0].Name != "ada" || list[2].Role != core.RoleMember {
		t.Errorf("list: %+v, %v", list, err)
	}
	_, err = h.AddMember(t.Context(), w.ID, member, "fay@example.com", core.RoleMember)
	wantKind(t, err, core.Denied)
	_, err = h.AddMember(t.Context(), w.ID, member, "nobody@example.com", core.RoleMember)
	wantKind(t, err, core.Denied) // and not that there is no such account
	_, err = h.SetRole(t.Context(), w.ID, member, eve.ID, core.RoleOwner)
	wantKind(t, err, core.Denied)
	wantKind(t, h.RemoveMember(t.Context(), w.ID, member, bob.ID), core.Denied)
	_, _, err = h.Audit(t.Context(), w.ID, member, 0, 10)
	wantKind(t, err, core.Denied)

	// An admin manages everybody but owners.
	_, err = h.SetRole(t.Context(), w.ID, admin, ada.ID, core.RoleMember)
	wantKind(t, err, core.Denied)
	_, err = h.SetRole(t.Context(), w.ID, admin, bob.ID, core.RoleOwner)
	wantKind(t, err, core.Denied)
	wantKind(t, h.RemoveMember(t.Context(), w.ID, admin, ada.ID), core.Denied)
	if m, err := h.SetRole(t.Context(), w.ID, admin, eve.ID, core.RoleAdmin); err != nil || m.Role != core.RoleAdmin {
		t.Errorf("set role: %+v, %v", m, err)
	}
	wantKind(t, h.RemoveMember(t.Context(), w.ID, admin, core.NewAccountID()), core.NotFound)

	// The last owner stays, and stays owner.
	wantKind(t, h.RemoveMember(t.Context(), w.ID, owner, ada.ID), core.Denied)
	_, err = h.SetRole(t.Context(), w.ID, owner, ada.ID, core.RoleAdmin)
	wantKind(t, err, core.Denied)
	if _, err := h.SetRole(t.Context(), w.ID, owner, bob.ID, core.RoleOwner); err != nil {
		t.Fatal(err)
	}
	// With two of them, an admin still removes and demotes neither.
	if err := h.RemoveMember(t.Context(), w.ID, h.as(t, eve, w), ada.ID); core.KindOf(err) != core.Denied {
		t.Errorf("an admin removes an owner: %v", err)
	}
	if _, err := h.SetRole(t.Context(), w.ID, h.as(t, eve, w), ada.ID, core.RoleMember); core.KindOf(err) != core.Denied {
		t.Errorf("an admin demotes an owner: %v", err)
	}
	if err := h.RemoveMember(t.Context(), w.ID, owner, ada.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Resolve(t.Context(), ada.ID, w.Slug)
	wantKind(t, err, core.NotFound)

	// What somebody was when the request began doesn't count.
	_, err = h.SetRole(t.Context(), w.ID, owner, bob.ID, core.RoleMember)
	wantKind(t, err, core.NotFound)
	if err := h.RemoveMember(t.Context(), w.ID, h.as(t, eve, w), eve.ID); err != nil {
		t.Errorf("leaving: %v", err)
	}
}

func TestTokensAreLimitedToTheirScopes(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person(t, "ada"), h.person(t, "bob")
	w := h.workspace(t, ada, "Team")
	token := core.Actor{Type: core.ActorToken, Account: ada.ID, Role: core.RoleOwner, Scopes: []string{"core.members.read", "crm.*"}}
	if _, err := h.Members(t.Context(), w.ID, token); err != nil {
		t.Error(err)
	}
	_, err := h.AddMember(t.Context(), w.ID, token, bob.Email, core.RoleMember)
	wantKind(t, err, core.Denied)
	wantKind(t, h.Delete(t.Context(), w.ID, token, w.Slug), core.Denied)
	token.Scopes = []string{"core.*"}
	if _, err := h.AddMember(t.Context(), w.ID, token, bob.Email, core.RoleMember); err != nil {
		t.Error(err)
	}
}

func TestLastOwnerRace(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		ada, bob := h.person(t, "ada"+string(core.NewTokenID())), h.person(t, "bob"+string(core.NewTokenID()))
		w := h.workspace(t, ada, "Race")
		if _, err := h.AddMember(t.Context(), w.ID, h.as(t, ada, w), bob.Email, core.RoleOwner); err != nil {
			t.Fatal(err)
		}
		actors := []core.Actor{h.as(t, ada, w), h.as(t, bob, w)}
		// Each removes the other, or leaves: one owner must be left.
		together(4, func(i int) error {
			return h.RemoveMember(t.Context(), w.ID, actors[i%2], actors[i/2].Account)
		})
		a, err := h.db.Access(t.Context(), w.ID)
		if err != nil || len(a.Members) != 1 || a.Members[0].Role != core.RoleOwner {
			t.Fatalf("left: %+v, %v", a.Members, err)
		}
	}
}

func TestMemberPlacesRace(t *testing.T) {
	h := newHouse(t)
	ada := h.person(t, "ada")
	w := h.workspace(t, ada, "Team")
	owner := h.as(t, ada, w)
	people := make([]core.Account, 8)
	for i := range people {
		people[i] = h.person(t, string(rune('b'+i)))
	}
	kinds := together(8, func(i int) error {
		_, err := h.AddMember(t.Context(), w.ID, owner, people[i].Email, core.RoleMember)
		return err
	})
	if kinds[""] != 2 || kinds[core.QuotaExceeded] != 6 {
		t.Errorf("two places were left: %v", kinds)
	}
}
