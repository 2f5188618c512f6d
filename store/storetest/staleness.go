package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// nothingStale: whatever was asked for before, once a write is answered, what it
// changed is answered as it is now.
func nothingStale(t *testing.T, h *house) {
	ctx := context.Background()
	w, owner := h.workspace()
	other, _ := h.workspace()
	token := core.Token{ID: core.NewTokenID(), Account: owner.ID, Name: "t", Created: noon, Hash: [32]byte{1}}
	session := core.Session{ID: core.NewSessionID(), Account: owner.ID, Hash: [32]byte{2}, Created: noon, Expires: noon.AddDate(0, 1, 0)}
	if err := h.CreateToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	if err := h.ReplaceSession(ctx, session, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	// ask asks for everything, twice, so that the second answer may be remembered.
	type answers struct {
		token, session, member core.Kind // of the errors
		used                   bool
		role                   core.Role
		name, hash             string
	}
	ask := func() (a answers) {
		t.Helper()
		for i := range 2 {
			before := a
			got, account, err := h.TokenByHash(ctx, token.Hash)
			a.token, a.used, a.hash = core.KindOf(err), !got.LastUsed.IsZero(), account.PasswordHash
			_, _, err = h.SessionByHash(ctx, session.Hash)
			a.session = core.KindOf(err)
			found, m, err := h.Membership(ctx, w.Slug, owner.ID)
			a.member, a.role, a.name = core.KindOf(err), m.Role, found.Name
			if _, _, err := h.Membership(ctx, other.Slug, owner.ID); core.KindOf(err) != core.NotFound {
				t.Errorf("a membership of another workspace: %v", err)
			}
			if i > 0 && a != before {
				t.Errorf("first %+v, then %+v", before, a)
			}
		}
		return a
	}
	want := answers{role: core.RoleOwner, name: "W", hash: "x"}
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(what, err)
		}
		if got := ask(); got != want {
			t.Errorf("after %s: %+v, want %+v", what, got, want)
		}
	}
	check("the beginning", nil)

	want.used = true
	check("the token's use", h.TouchToken(ctx, token.ID, noon))
	want.role = core.RoleMember
	check("another role", h.change(w.ID, core.PutMember{Member: core.Member{Account: owner.ID, Role: core.RoleMember}}))
	renamed := w
	renamed.Name, want.name = "New", "New"
	check("another name", h.change(w.ID, core.PutWorkspace{Workspace: renamed}))
	want.session, want.hash = core.NotFound, "y"
	check("another password", h.SetPassword(ctx, owner.ID, "y"))
	want.member, want.role, want.name = core.NotFound, "", ""
	check("the member's end", h.change(w.ID, core.RemoveMember{Account: owner.ID}))
	want.token, want.used, want.hash = core.NotFound, false, ""
	check("the token's end", h.DeleteToken(ctx, owner.ID, token.ID))
}

// momentIsNow: the moment a workspace is at is the newest after every write, of
// documents and of who may do what.
func momentIsNow(t *testing.T, h *house) {
	ctx := context.Background()
	w, owner := h.workspace()
	for i, write := range []func(epoch int64) error{
		func(epoch int64) error {
			_, err := h.Commit(ctx, w.ID, store.Batch{Epoch: epoch})
			return err
		},
		func(int64) error {
			return h.change(w.ID, core.PutMember{Member: core.Member{Account: owner.ID, Role: core.RoleAdmin}})
		},
		func(epoch int64) error {
			_, err := h.Commit(ctx, w.ID, store.Batch{Epoch: epoch, Changes: []core.Change{core.PutInstallation{Installation: complete()}}})
			return err
		},
		func(epoch int64) error {
			if _, err := h.Commit(ctx, w.ID, store.Batch{Epoch: epoch - 1}); core.KindOf(err) != core.Changed {
				t.Errorf("a commit with an old epoch: %v", err)
			}
			return nil
		},
	} {
		before, err := h.Access(ctx, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // remembered the second time
			if err := h.Validate(ctx, w.ID, before.Epoch, nil); err != nil {
				t.Fatalf("write %d, before: %v", i, err)
			}
		}
		if err := write(before.Epoch); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		after, err := h.Access(ctx, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := h.Validate(ctx, w.ID, before.Epoch, nil)
			if (err == nil) != (before.Epoch == after.Epoch) || err != nil && core.KindOf(err) != core.Changed {
				t.Errorf("write %d, from epoch %d to %d: %v", i, before.Epoch, after.Epoch, err)
			}
		}
	}
}

// lookedAtAgain: what was seen is asked again once the workspace has moved on.
func lookedAtAgain(t *testing.T, h *house) {
	ctx := context.Background()
	w, _ := h.workspace()
	numbers, err := h.Numbers(ctx, []string{"t"})
	if err != nil {
		t.Fatal(err)
	}
	id := core.NewDocumentID()
	absent := store.Existence{Table: numbers[0], ID: id}
	answer, at, err := h.Ask(ctx, w.ID, absent)
	if err != nil {
		t.Fatal(err)
	}
	seen := []store.Observation{{Question: absent, Answer: answer, Seq: at.Seq}}
	validate := func() error { return h.Validate(ctx, w.ID, at.AuthEpoch, seen) }
	if err := validate(); err != nil {
		t.Errorf("before anything was written: %v", err)
	}
	if _, err := h.Commit(ctx, w.ID, store.Batch{Epoch: at.AuthEpoch}); err != nil {
		t.Fatal(err)
	}
	if err := validate(); err != nil {
		t.Errorf("after something else was written: %v", err)
	}
	_, err = h.Commit(ctx, w.ID, store.Batch{Epoch: at.AuthEpoch, Writes: []store.Write{{
		Table: numbers[0], Document: core.Document{ID: id, Version: at.Seq + 2, Body: []byte("{}"), Created: noon, Updated: noon},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(); core.KindOf(err) != core.Changed {
		t.Errorf("after it was written: %v", err)
	}
}

// nobodyIsLetIn: while others ask for a token over and over, nobody is answered it after its
// deletion was.
func nobodyIsLetIn(t *testing.T, h *house) {
	ctx := context.Background()
	_, owner := h.workspace()
	for i := range 50 {
		token := core.Token{ID: core.NewTokenID(), Account: owner.ID, Name: "t", Created: noon, Hash: [32]byte{byte(i)}}
		if err := h.CreateToken(ctx, token); err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		started, gone := make(chan struct{}, 4), make(chan struct{})
		late := make([]int, 4)
		for j := range late {
			asking.Go(func() {
				for n := 0; ; n++ {
					over := false
					select {
					case <-gone:
						over = true
					default:
					}
					_, _, err := h.TokenByHash(ctx, token.Hash)
					if over {
						if err == nil {
							late[j]++
						}
						return
					}
					if n == 0 {
						started <- struct{}{}
					}
				}
			})
		}
		for range late {
			<-started
		}
		if err := h.DeleteToken(ctx, owner.ID, token.ID); err != nil {
			t.Fatal(err)
		}
		close(gone)
		asking.Wait()
		if slices.Max(late) > 0 {
			t.Fatalf("token %d was still good after its deletion: %v", i, late)
		}
	}
}
