package storetest

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// firstAccount: of many who have the set-up token at the same time, one gets in.
func firstAccount(t *testing.T, h *house) {
	ctx := context.Background()
	if taken, err := h.HasAccounts(ctx); err != nil || taken {
		t.Fatalf("a new database has accounts: %t, %v", taken, err)
	}
	_, err := h.Setup(ctx)
	wants(t, err, core.NotFound)
	person := func() core.Account {
		a := core.Account{ID: core.NewAccountID(), PasswordHash: "x", Operator: true, Created: noon}
		a.Email = string(a.ID) + "@example.com"
		return a
	}
	token := [32]byte{1}
	wants(t, h.CreateFirstAccount(ctx, person(), token), core.NotFound)
	h.must(h.PutSetup(ctx, [32]byte{2}))
	h.must(h.PutSetup(ctx, token))
	if stored, err := h.Setup(ctx); err != nil || stored != token {
		t.Fatalf("the token is %x, %v", stored, err)
	}
	wants(t, h.CreateFirstAccount(ctx, person(), [32]byte{2}), core.NotFound)
	results := make([]error, 8)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = h.CreateFirstAccount(ctx, person(), token) })
	}
	all.Wait()
	results = slices.DeleteFunc(results, func(err error) bool { return core.KindOf(err) == core.Denied })
	if len(results) != 1 || results[0] != nil {
		t.Errorf("who was not denied: %v", results)
	}
	if taken, err := h.HasAccounts(ctx); err != nil || !taken {
		t.Errorf("there are accounts: %t, %v", taken, err)
	}
	_, err = h.Setup(ctx)
	wants(t, err, core.NotFound)
}

func accounts(t *testing.T, h *house) {
	ctx := context.Background()
	ada, bob := h.person(), h.person()
	for _, got := range []func() (core.Account, error){
		func() (core.Account, error) { return h.Account(ctx, ada.ID) },
		func() (core.Account, error) { return h.AccountByEmail(ctx, ada.Email) },
	} {
		if a, err := got(); err != nil || a != ada {
			t.Errorf("%+v, %v; want %+v", a, err, ada)
		}
	}
	_, err := h.Account(ctx, core.NewAccountID())
	wants(t, err, core.NotFound)
	_, err = h.AccountByEmail(ctx, "nobody@example.com")
	wants(t, err, core.NotFound)
	_, err = h.AccountByEmail(ctx, "no\x00body\xff") // no store may choke on it
	wants(t, err, core.NotFound)
	again := ada
	again.ID = core.NewAccountID()
	wants(t, h.CreateAccount(ctx, again), core.Exists)

	session := func(of core.Account, n byte) [32]byte {
		hash := [32]byte{n}
		s := core.Session{Hash: hash, ID: core.NewSessionID(), Account: of.ID, Created: noon, Expires: noon.Add(time.Hour)}
		h.must(h.ReplaceSession(ctx, s, [32]byte{}))
		return hash
	}
	hers, his := session(ada, 1), session(bob, 2)
	h.must(h.SetPassword(ctx, ada.ID, "y"))
	if a, err := h.Account(ctx, ada.ID); err != nil || a.PasswordHash != "y" {
		t.Errorf("after a change of her password: %+v, %v", a, err)
	}
	_, _, err = h.SessionByHash(ctx, hers)
	wants(t, err, core.NotFound)
	if _, a, err := h.SessionByHash(ctx, his); err != nil || a != bob {
		t.Errorf("another's session: %+v, %v", a, err)
	}
	wants(t, h.SetPassword(ctx, core.NewAccountID(), "z"), core.NotFound)
}

func sessions(t *testing.T, h *house) {
	ctx := context.Background()
	ada, bob := h.person(), h.person()
	begin := func(of core.Account, n byte, at time.Time, previous [32]byte) core.Session {
		s := core.Session{Hash: [32]byte{n}, ID: core.NewSessionID(), Account: of.ID, Created: at, Expires: at.Add(time.Hour)}
		h.must(h.ReplaceSession(ctx, s, previous))
		return s
	}
	there := func(s core.Session, want bool) {
		t.Helper()
		got, _, err := h.SessionByHash(ctx, s.Hash)
		if want && (err != nil || got != s) {
			t.Errorf("%+v, %v; want %+v", got, err, s)
		}
		if !want && core.KindOf(err) != core.NotFound {
			t.Errorf("%s is still there: %v", s.ID, err)
		}
	}
	first, other := begin(ada, 1, noon, [32]byte{}), begin(bob, 2, noon, [32]byte{})
	second := begin(ada, 3, noon, [32]byte{})
	third := begin(ada, 4, noon, first.Hash)
	there(first, false)
	there(second, true)
	there(third, true)
	late := begin(ada, 5, noon.Add(time.Hour), [32]byte{}) // the others have expired
	there(second, false)
	there(third, false)
	there(late, true)
	there(other, true)
	h.must(h.DeleteSession(ctx, late.Hash))
	h.must(h.DeleteSession(ctx, late.Hash))
	there(late, false)
}

func tokens(t *testing.T, h *house) {
	ctx := context.Background()
	ada, bob := h.person(), h.person()
	token := func(n byte, of core.Account, ws core.WorkspaceID, scopes []string) core.Token {
		token := core.Token{
			Hash: [32]byte{n}, ID: core.NewTokenID(), Account: of.ID, Name: "CI", Workspace: ws, Scopes: scopes,
			Created: noon, Expires: noon.Add(time.Hour),
		}
		h.must(h.CreateToken(ctx, token))
		return token
	}
	all, limited := token(1, ada, "", nil), token(2, ada, "ws_a", []string{"crm.read"})
	nothing, his := token(3, ada, "ws_a", []string{}), token(4, bob, "", nil)
	for _, want := range []core.Token{all, limited, nothing} {
		if got, a, err := h.TokenByHash(ctx, want.Hash); err != nil || a != ada || !reflect.DeepEqual(got, want) { // no scopes are not all
			t.Errorf("%+v of %s, %v; want %+v", got, a.ID, err, want)
		}
	}
	_, _, err := h.TokenByHash(ctx, [32]byte{9})
	wants(t, err, core.NotFound)
	wants(t, h.DeleteToken(ctx, bob.ID, all.ID), core.NotFound)
	h.must(h.TouchToken(ctx, all.ID, noon.Add(time.Minute)))
	h.must(h.DeleteToken(ctx, ada.ID, limited.ID))
	list, err := h.TokensOf(ctx, ada.ID)
	if err != nil || len(list) != 2 || list[0].ID != nothing.ID || list[1].ID != all.ID || !list[1].LastUsed.Equal(noon.Add(time.Minute)) ||
		list[0].Hash != [32]byte{} {
		t.Errorf("her tokens: %+v, %v", list, err)
	}
	if list, err := h.TokensOf(ctx, bob.ID); err != nil || len(list) != 1 || list[0].ID != his.ID {
		t.Errorf("his tokens: %+v, %v", list, err)
	}
}
