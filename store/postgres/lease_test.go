package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/storetest"
)

// remembering is two nodes of one database, of which the second remembers what it is
// asked.
type remembering struct {
	platform
	other *DB

	workspace core.Workspace
	owner     core.Member
	token     core.Token
	session   core.Session
}

func openRemembering(t *testing.T) *remembering {
	t.Helper()
	p := openPlatform(t)
	r := &remembering{platform: p, other: openURL(t, p.url), workspace: storetest.Fill(t, p)}
	access, err := p.Access(t.Context(), r.workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.owner = access.Members[0]
	return r
}

// grant gives the owner a token and a session, and returns when the other node
// remembers all there is to remember of them.
func (r *remembering) grant(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	awaitLease(t, r.other)
	r.token = core.Token{ID: core.NewTokenID(), Account: r.owner.Account, Name: "t", Created: time.Now()}
	copy(r.token.Hash[:], r.token.ID[4:])
	r.session = core.Session{ID: core.NewSessionID(), Account: r.owner.Account, Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	copy(r.session.Hash[:], r.session.ID[4:])
	if err := r.CreateToken(ctx, r.token); err != nil {
		t.Fatal(err)
	}
	if err := r.ReplaceSession(ctx, r.session, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	access, err := r.Access(ctx, r.workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.workspace = access.Workspace
	for name, err := range r.asked(ctx, access.Epoch) {
		if err != nil {
			t.Fatalf("the %s: %v", name, err)
		}
	}
	m := &r.other.memory
	_, token, _ := m.tokens.Get(r.token.Hash)
	_, session, _ := m.sessions.Get(r.session.Hash)
	_, member, _ := m.memberships.Get(somebody{r.workspace.Slug, r.owner.Account})
	_, workspace, _ := m.workspaces.Get(r.workspace.Slug)
	_, epoch, _ := m.epochs.Get(r.workspace.ID)
	if !token || !session || !member || !workspace || !epoch {
		t.Fatalf("remembered are the token %v, the session %v, the member %v, the workspace %v, the epoch %v", token, session, member, workspace, epoch)
	}
}

// pauses grants, and then has the other node stop, as often as it should forget, until
// it may go on; that may be said again.
func (r *remembering) pauses(t *testing.T) (pauses <-chan struct{}, goOn func()) {
	t.Helper()
	stopped, goes := make(chan struct{}, 1), make(chan struct{})
	var armed atomic.Bool
	forget := r.other.lease.forget
	r.other.lease.forget = func() { // of a lease that was not asked for yet
		if armed.Load() {
			stopped <- struct{}{}
			<-goes
		}
		forget()
	}
	goOn = sync.OnceFunc(func() { armed.Store(false); close(goes) })
	t.Cleanup(goOn)
	r.grant(t)
	armed.Store(true)
	return stopped, goOn
}

// asked is what the other node says of them.
func (r *remembering) asked(ctx context.Context, epoch int64) map[string]error {
	_, _, token := r.other.TokenByHash(ctx, r.token.Hash)
	_, _, session := r.other.SessionByHash(ctx, r.session.Hash)
	_, _, member := r.other.Membership(ctx, r.workspace.Slug, r.owner.Account)
	_, workspace := r.other.Workspace(ctx, r.workspace.Slug)
	return map[string]error{"token": token, "session": session, "member": member, "workspace": workspace,
		"epoch": r.other.Documents().Validate(ctx, r.workspace.ID, epoch, nil)}
}

// awaitLease returns when a node may remember.
func awaitLease(t *testing.T, db *DB) {
	t.Helper()
	for began := time.Now(); !db.lease.holds(time.Now()); {
		if time.Since(began) > time.Minute {
			t.Fatal("the node gets no lease")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAttack10_WhatEndsAtOneNodeEndsAtAll: whatever another node remembers is refused
// there from the answer to its end on.
func TestAttack10_WhatEndsAtOneNodeEndsAtAll(t *testing.T) {
	r := openRemembering(t)
	change := func(changes ...core.Change) func(context.Context) error {
		return func(ctx context.Context) error {
			return r.Change(ctx, r.workspace.ID, func(core.Access) ([]core.Change, error) { return changes, nil })
		}
	}
	other := core.Account{ID: core.NewAccountID(), Email: "other@example.com", Name: "Other", Created: time.Now()}
	if err := r.CreateAccount(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		name string
		what []string
		do   func(context.Context) error
	}{
		{"a token is revoked", []string{"token"}, func(ctx context.Context) error { return r.DeleteToken(ctx, r.owner.Account, r.token.ID) }},
		{"somebody signs out", []string{"session"}, func(ctx context.Context) error { return r.DeleteSession(ctx, r.session.Hash) }},
		{"a session is replaced", []string{"session"}, func(ctx context.Context) error {
			next := r.session
			next.ID, next.Hash = core.NewSessionID(), [32]byte{1}
			return r.ReplaceSession(ctx, next, r.session.Hash)
		}},
		{"a password is set", []string{"session"}, func(ctx context.Context) error { return r.SetPassword(ctx, r.owner.Account, "hash") }},
		{"somebody joins", []string{"epoch"}, change(core.PutMember{Member: core.Member{Account: other.ID, Role: core.RoleMember, Created: time.Now()}})},
		{"a plugin is removed", []string{"epoch"}, func(ctx context.Context) error {
			return r.Change(ctx, r.workspace.ID, func(a core.Access) ([]core.Change, error) {
				return []core.Change{core.RemoveInstallation{ID: a.Installations[0].ID, Plugin: a.Installations[0].Plugin}}, nil
			})
		}},
		{"a member is removed", []string{"member", "epoch"}, change(core.RemoveMember{Account: r.owner.Account})},
		{"the member is back", []string{"epoch"}, nil},
		{"a workspace is deleted", []string{"member", "workspace", "epoch"}, func(ctx context.Context) error {
			return r.DeleteWorkspace(ctx, r.workspace.ID)
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			if end.do == nil {
				if err := change(core.PutMember{Member: r.owner})(t.Context()); err != nil {
					t.Fatal(err)
				}
				return
			}
			r.grant(t)
			access, err := r.Access(t.Context(), r.workspace.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := end.do(t.Context()); err != nil {
				t.Fatal(err)
			}
			answers := r.asked(t.Context(), access.Epoch)
			for _, what := range end.what {
				if answers[what] == nil {
					t.Errorf("the %s is as it was", what)
				}
				delete(answers, what)
			}
			for what, err := range answers {
				if err != nil && what != "session" { // signing in ends none of another name
					t.Errorf("the %s: %v", what, err)
				}
			}
		})
	}
}

// TestAttack10_APausedNodesLeaseEnds: a node that stops right when it should forget is
// waited for until its lease is over. When it goes on it asks; and nobody waits for
// it any more.
func TestAttack10_APausedNodesLeaseEnds(t *testing.T) {
	r := openRemembering(t)
	pauses, goOn := r.pauses(t)
	told := make(chan error, 1)
	go func() { told <- r.DeleteToken(context.WithoutCancel(t.Context()), r.owner.Account, r.token.ID) }()
	<-pauses
	asks := func() error {
		_, _, err := r.other.TokenByHash(t.Context(), r.token.Hash)
		return err
	}
	if err := asks(); err != nil {
		t.Errorf("before anybody was told that it is revoked: %v", err)
	}
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := asks(); core.KindOf(err) != core.NotFound {
		t.Errorf("after its revocation: %v", err)
	}
	var leases int
	if err := r.superuser.QueryRow(t.Context(), "SELECT count(*) FROM leases WHERE node = $1", r.other.here.number).Scan(&leases); err != nil || leases != 0 {
		t.Errorf("the paused node has %d leases, %v", leases, err)
	}
	goOn()
	r.grant(t) // it has another, and remembers
}

// TestAttack10_WhoComesSecondWaitsToo: whoever is told that there is nothing left to
// end is told so when all nodes have forgotten it, though somebody else ended it.
func TestAttack10_WhoComesSecondWaitsToo(t *testing.T) {
	for _, end := range []struct {
		name  string
		do    func(context.Context, *remembering) error
		again core.Kind
		what  string
	}{
		{"a token", func(ctx context.Context, r *remembering) error {
			return r.DeleteToken(ctx, r.owner.Account, r.token.ID)
		}, core.NotFound, "token"},
		{"a member", func(ctx context.Context, r *remembering) error {
			return r.Change(ctx, r.workspace.ID, func(a core.Access) (changes []core.Change, err error) {
				if len(a.Members) > 0 {
					changes = append(changes, core.RemoveMember{Account: r.owner.Account})
				}
				return changes, nil
			})
		}, "", "member"},
	} {
		t.Run(end.name, func(t *testing.T) {
			r := openRemembering(t)
			pauses, goOn := r.pauses(t)
			told := make(chan error, 1)
			go func() { told <- end.do(context.WithoutCancel(t.Context()), r) }()
			<-pauses
			if err := end.do(t.Context(), r); core.KindOf(err) != end.again {
				t.Errorf("the second is told %v", err)
			}
			if r.asked(t.Context(), 0)[end.what] == nil {
				t.Errorf("the second is told that there is none, and the other node has the %s", end.what)
			}
			if err := <-told; err != nil {
				t.Error(err)
			}
			goOn()
		})
	}
}

// TestUnannouncedChangesAreSeen: whoever writes past the nodes, or dies before it says
// so, is noticed all the same.
func TestUnannouncedChangesAreSeen(t *testing.T) {
	r := openRemembering(t)
	r.grant(t)
	if _, err := r.superuser.Exec(t.Context(), "DELETE FROM tokens WHERE id = $1", r.token.ID); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for {
		_, _, err := r.other.TokenByHash(t.Context(), r.token.Hash)
		if core.KindOf(err) == core.NotFound {
			break
		}
		if err != nil || time.Since(began) > 4*keepTime {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestALeaseIsGivenBack: nobody waits for a node that ended.
func TestALeaseIsGivenBack(t *testing.T) {
	p := openPlatform(t)
	db, err := Open(t.Context(), p.url)
	if err != nil {
		t.Fatal(err)
	}
	leases := func() (n int) {
		if err := p.superuser.QueryRow(t.Context(), "SELECT count(*) FROM leases").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := leases(); n != 0 {
		t.Errorf("there are %d leases before anybody asked anything", n)
	}
	awaitLease(t, db)
	if n := leases(); n != 1 {
		t.Errorf("there are %d leases", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := leases(); n != 0 {
		t.Errorf("there are %d leases after the end", n)
	}
}

// TestALeaseIsTakenAgain: its connection ends, and the node asks until it has another.
func TestALeaseIsTakenAgain(t *testing.T) {
	r := openRemembering(t)
	r.grant(t)
	var ended int
	err := r.superuser.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"+
		" WHERE datname = current_database() AND application_name = $1", rolePlatform).Scan(&ended)
	if err != nil || ended == 0 {
		t.Fatalf("%d connections ended, %v", ended, err)
	}
	err = r.DeleteToken(t.Context(), r.owner.Account, r.token.ID)
	if core.KindOf(err) == core.Unavailable { // of the connections that ended as well
		err = r.DeleteToken(t.Context(), r.owner.Account, r.token.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.other.TokenByHash(t.Context(), r.token.Hash); err == nil {
		t.Error("a revoked token is let in")
	}
	r.grant(t)
}
