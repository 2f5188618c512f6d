package sqlite_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Whatever was asked for before: once a write is answered, what it changed is
// answered as it is now.
func TestNothingRememberedIsStale(t *testing.T) {
	db := open(t)
	w, owner := makeWorkspace(t, db)
	other, _ := makeWorkspace(t, db)
	ctx := t.Context()
	token := core.Token{ID: core.NewTokenID(), Account: owner.ID, Name: "t", Created: morning, Hash: [32]byte{1}}
	session := core.Session{ID: core.NewSessionID(), Account: owner.ID, Hash: [32]byte{2}, Created: morning, Expires: morning.AddDate(0, 1, 0)}
	if err := db.CreateToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	if err := db.ReplaceSession(ctx, session, [32]byte{}); err != nil {
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
			got, account, err := db.TokenByHash(ctx, token.Hash)
			a.token, a.used, a.hash = core.KindOf(err), !got.LastUsed.IsZero(), account.PasswordHash
			_, _, err = db.SessionByHash(ctx, session.Hash)
			a.session = core.KindOf(err)
			found, m, err := db.Membership(ctx, w.Slug, owner.ID)
			a.member, a.role, a.name = core.KindOf(err), m.Role, found.Name
			if _, _, err := db.Membership(ctx, other.Slug, owner.ID); core.KindOf(err) != core.NotFound {
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
	check("the token's use", db.TouchToken(ctx, token.ID, morning))
	want.role = core.RoleMember
	check("another role", change(db, w.ID, core.PutMember{Member: core.Member{Account: owner.ID, Role: core.RoleMember}}))
	renamed := w
	renamed.Name, want.name = "New", "New"
	check("another name", change(db, w.ID, core.PutWorkspace{Workspace: renamed}))
	want.session, want.hash = core.NotFound, "y"
	check("another password", db.SetPassword(ctx, owner.ID, "y"))
	want.member, want.role, want.name = core.NotFound, "", ""
	check("the member's end", change(db, w.ID, core.RemoveMember{Account: owner.ID}))
	want.token, want.used, want.hash = core.NotFound, false, ""
	check("the token's end", db.DeleteToken(ctx, owner.ID, token.ID))
}

// The moment of a workspace is remembered, and is the file's after every write:
// those of documents, and those that change who may do what.
func TestMomentIsTheFiles(t *testing.T) {
	db := open(t)
	w, owner := makeWorkspace(t, db)
	documents := db.Documents()
	for i, write := range []func(epoch int64) error{
		func(epoch int64) error {
			_, err := documents.Commit(t.Context(), w.ID, store.Batch{Epoch: epoch})
			return err
		},
		func(int64) error {
			return change(db, w.ID, core.PutMember{Member: core.Member{Account: owner.ID, Role: core.RoleAdmin}})
		},
		func(epoch int64) error {
			_, err := documents.Commit(t.Context(), w.ID, store.Batch{Epoch: epoch, Changes: []core.Change{core.PutInstallation{Installation: installation()}}})
			return err
		},
		func(epoch int64) error {
			if _, err := documents.Commit(t.Context(), w.ID, store.Batch{Epoch: epoch - 1}); core.KindOf(err) != core.Changed {
				t.Errorf("a commit with an old epoch: %v", err)
			}
			return nil
		},
	} {
		before, err := db.Access(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // remembered the second time
			if err := documents.Validate(t.Context(), w.ID, before.Epoch, nil); err != nil {
				t.Fatalf("write %d, before: %v", i, err)
			}
		}
		if err := write(before.Epoch); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		after, err := db.Access(t.Context(), w.ID)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := documents.Validate(t.Context(), w.ID, before.Epoch, nil)
			if (err == nil) != (before.Epoch == after.Epoch) || err != nil && core.KindOf(err) != core.Changed {
				t.Errorf("write %d, from epoch %d to %d: %v", i, before.Epoch, after.Epoch, err)
			}
		}
	}
}

// What was seen is looked at again once the workspace has moved on.
func TestWhatWasSeenIsLookedAtAgain(t *testing.T) {
	db := open(t)
	w, _ := makeWorkspace(t, db)
	documents := db.Documents()
	numbers, err := documents.Numbers(t.Context(), []string{"t"})
	if err != nil {
		t.Fatal(err)
	}
	id := core.NewDocumentID()
	absent := store.Existence{Table: numbers[0], ID: id}
	answer, at, err := documents.Ask(t.Context(), w.ID, absent)
	if err != nil {
		t.Fatal(err)
	}
	seen := []store.Observation{{Question: absent, Answer: answer, Seq: at.Seq}}
	validate := func() error { return documents.Validate(t.Context(), w.ID, at.AuthEpoch, seen) }
	if err := validate(); err != nil {
		t.Errorf("before anything was written: %v", err)
	}
	if _, err := documents.Commit(t.Context(), w.ID, store.Batch{Epoch: at.AuthEpoch}); err != nil {
		t.Fatal(err)
	}
	if err := validate(); err != nil {
		t.Errorf("after something else was written: %v", err)
	}
	_, err = documents.Commit(t.Context(), w.ID, store.Batch{Epoch: at.AuthEpoch, Writes: []store.Write{{
		Table: numbers[0], Document: core.Document{ID: id, Version: at.Seq + 2, Body: []byte("{}"), Created: morning, Updated: morning},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(); core.KindOf(err) != core.Changed {
		t.Errorf("after it was written: %v", err)
	}
}

// While others ask for a token over and over, nobody is answered it after its
// deletion was.
func TestNobodyIsLetInAfterTheAnswer(t *testing.T) {
	db := open(t)
	_, owner := makeWorkspace(t, db)
	for i := range 50 {
		token := core.Token{ID: core.NewTokenID(), Account: owner.ID, Name: "t", Created: morning, Hash: [32]byte{byte(i)}}
		if err := db.CreateToken(t.Context(), token); err != nil {
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
					_, _, err := db.TokenByHash(t.Context(), token.Hash)
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
		if err := db.DeleteToken(t.Context(), owner.ID, token.ID); err != nil {
			t.Fatal(err)
		}
		close(gone)
		asking.Wait()
		if slices.Max(late) > 0 {
			t.Fatalf("token %d was still good after its deletion: %v", i, late)
		}
	}
}
