package account_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

// cheap makes tests fast; the algorithm is the same.
var cheap = account.Hashing{Memory: 64, Time: 1, Threads: 1, Waiting: 100}

const password = "correct horse battery"

// server is an account service on a database of its own, with a clock the test
// moves.
type server struct {
	*account.Service
	dir   string
	db    database
	clock atomic.Pointer[time.Time]
}

func newServer(t *testing.T, signUp bool) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	s.set(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s.db = open(t, s.dir)
	var err error
	s.Service, err = account.New(t.Context(), account.Config{
		Store: s.db, SignUp: signUp, Hashing: cheap, Now: func() time.Time { return *s.clock.Load() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) set(now time.Time)    { s.clock.Store(&now) }
func (s *server) pass(d time.Duration) { s.set(s.clock.Load().Add(d)) }
func request(email string) account.SignUpRequest {
	return account.SignUpRequest{Email: email, Name: "Ada Lovelace", Password: password}
}

// operator sets the server up.
func (s *server) operator(t *testing.T) core.Account {
	t.Helper()
	token, needed, err := s.SetupToken(t.Context())
	if err != nil || !needed {
		t.Fatalf("set-up token: needed %v, %v", needed, err)
	}
	r := request("ada@example.com")
	r.SetupToken = token
	a, err := s.SignUp(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func wantKind(t *testing.T, err error, kind core.Kind) {
	t.Helper()
	if core.KindOf(err) != kind {
		t.Fatalf("got %v (%s), want %s", err, core.KindOf(err), kind)
	}
}

func TestSetUp(t *testing.T) {
	s := newServer(t, true)
	_, err := s.SignUp(t.Context(), request("eve@example.com"))
	wantKind(t, err, core.Denied) // no token was made yet
	old, _, err := s.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]string{"none": "", "an older one": old, "a guess": strings.Repeat("A", 43)} {
		r := request("eve@example.com")
		r.SetupToken = wrong
		if _, err := s.SignUp(t.Context(), r); core.KindOf(err) != core.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := request(" Ada@Example.com ")
	r.SetupToken = token
	bad := r
	bad.Password = "short"
	_, err = s.SignUp(t.Context(), bad)
	wantKind(t, err, core.Invalid) // and the token is still good
	first, err := s.SignUp(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Operator || first.Email != "ada@example.com" {
		t.Errorf("the first account is %+v, want an operator with a lower-case address", first)
	}
	if _, needed, err := s.SetupToken(t.Context()); needed || err != nil {
		t.Errorf("a set-up token is offered to a server that is set up: %v", err)
	}
	r.Email = "second@example.com"
	second, err := s.SignUp(t.Context(), r) // sign-up is open; the used token gives nothing
	if err != nil || second.Operator {
		t.Errorf("second account: operator %v, %v", second.Operator, err)
	}
}

func TestSignUpClosed(t *testing.T) {
	s := newServer(t, false)
	s.operator(t)
	_, err := s.SignUp(t.Context(), request("eve@example.com"))
	wantKind(t, err, core.Denied)
	a, err := s.Create(t.Context(), request("bob@example.com"), false)
	if err != nil || a.Operator {
		t.Fatalf("an operator can't make an account: %v", err)
	}
}

func TestSignUpViolations(t *testing.T) {
	s := newServer(t, true)
	s.operator(t)
	for name, c := range map[string]struct {
		request account.SignUpRequest
		at      []string
	}{
		"nothing":        {account.SignUpRequest{}, []string{"email", "name", "password"}},
		"display name":   {account.SignUpRequest{Email: "Bob <bob@example.com>", Name: "Bob", Password: password}, []string{"email"}},
		"two addresses":  {account.SignUpRequest{Email: "a@example.com,b@example.com", Name: "Bob", Password: password}, []string{"email"}},
		"header in it":   {account.SignUpRequest{Email: "a@example.com\r\nBcc: x@example.com", Name: "Bob", Password: password}, []string{"email"}},
		"line in a name": {account.SignUpRequest{Email: "b@example.com", Name: "Bob\nBcc", Password: password}, []string{"name"}},
		"short":          {account.SignUpRequest{Email: "b@example.com", Name: "Bob", Password: "ninechars"}, []string{"password"}},
		"long":           {account.SignUpRequest{Email: "b@example.com", Name: "Bob", Password: strings.Repeat("x", 257)}, []string{"password"}},
		"long address":   {account.SignUpRequest{Email: strings.Repeat("x", 250) + "@example.com", Name: "Bob", Password: password}, []string{"email"}},
	} {
		_, err := s.SignUp(t.Context(), c.request)
		var at []string
		for _, v := range core.ViolationsOf(err) {
			at = append(at, v.Location)
		}
		if core.KindOf(err) != core.Invalid || !slices.Equal(at, c.at) {
			t.Errorf("%s: %v at %v, want %v", name, err, at, c.at)
		}
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

func TestSignUpRace(t *testing.T) {
	s := newServer(t, true)
	token, _, err := s.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// One token, eight people: one account.
	kinds := together(8, func(i int) error {
		r := request(string(rune('a'+i)) + "@example.com")
		r.SetupToken = token
		_, err := s.SignUp(t.Context(), r)
		return err
	})
	// Whoever comes after the first finds sign-up open.
	if kinds[""]+kinds[core.Denied] != 8 || kinds[""] == 0 {
		t.Errorf("first account: %v", kinds)
	}
	operators := 0
	for i := range 8 {
		if a, err := s.db.AccountByEmail(t.Context(), string(rune('a'+i))+"@example.com"); err == nil && a.Operator {
			operators++
		}
	}
	if operators != 1 {
		t.Errorf("%d operators, want 1", operators)
	}
	// One email, eight requests: one account.
	kinds = together(8, func(int) error {
		_, err := s.SignUp(t.Context(), request("same@example.com"))
		return err
	})
	if kinds[""] != 1 || kinds[core.Exists] != 7 {
		t.Errorf("same email: %v, want one success and seven conflict_exists", kinds)
	}
}

func TestSessions(t *testing.T) {
	s := newServer(t, true)
	ada := s.operator(t)
	secret, session, who, err := s.SignIn(t.Context(), account.SignInRequest{Email: "ADA@example.com", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if who.ID != ada.ID || session.Account != ada.ID || len(secret) != 43 {
		t.Errorf("signed in as %v with a secret of %d characters", who.ID, len(secret))
	}
	if id, err := s.Authenticate(t.Context(), secret); err != nil || id.Account.ID != ada.ID || id.Token != nil {
		t.Errorf("authenticate: %+v, %v", id, err)
	}
	s.pass(account.SessionLife - time.Microsecond)
	if _, err := s.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("a moment before its end: %v", err)
	}
	s.pass(time.Microsecond)
	_, err = s.Authenticate(t.Context(), secret)
	wantKind(t, err, core.Unauthenticated)

	a, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	b, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SignOut(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), a)
	wantKind(t, err, core.Unauthenticated)
	if _, err := s.Authenticate(t.Context(), b); err != nil {
		t.Errorf("another browser's session ended too: %v", err)
	}
	if err := s.SetPassword(t.Context(), ada.ID, "another good one"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), b)
	wantKind(t, err, core.Unauthenticated)
	_, _, _, err = s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password})
	wantKind(t, err, core.Unauthenticated)
	if _, _, _, err = s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: "another good one"}); err != nil {
		t.Error(err)
	}
}

func TestAttack47_SessionRotatesAtSignIn(t *testing.T) {
	s := newServer(t, true)
	ada := s.operator(t)
	first, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	second, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password, Previous: first})
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("the secret stayed the same")
	}
	_, err = s.Authenticate(t.Context(), first)
	wantKind(t, err, core.Unauthenticated)
	// A secret somebody else planted never becomes a session.
	planted := strings.Repeat("A", 43)
	if _, _, _, err = s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: password, Previous: planted}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), planted)
	wantKind(t, err, core.Unauthenticated)
}

func TestTokens(t *testing.T) {
	s := newServer(t, true)
	ada := account.Identity{Account: s.operator(t)}
	bob, err := s.SignUp(t.Context(), request("bob@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	expires := s.clock.Load().Add(time.Hour)
	ws := core.NewWorkspaceID()
	secret, token, err := s.CreateToken(t.Context(), ada, account.TokenRequest{Name: "import", Workspace: ws, Scopes: []string{"crm.*"}, Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, account.TokenPrefix) || len(secret) != len(account.TokenPrefix)+43 {
		t.Errorf("the secret looks like %q", secret)
	}
	who, err := s.AuthenticateToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if who.Account.ID != ada.Account.ID || who.Token.ID != token.ID || who.Token.Workspace != ws || !slices.Equal(who.Token.Scopes, []string{"crm.*"}) {
		t.Errorf("authenticated as %+v %+v", who.Account.ID, who.Token)
	}
	if who.Token.LastUsed.IsZero() {
		t.Error("its use is not noted")
	}
	_, _, err = s.CreateToken(t.Context(), who, account.TokenRequest{Name: "wider"})
	wantKind(t, err, core.Denied)

	list, err := s.ListTokens(t.Context(), ada.Account.ID)
	if err != nil || len(list) != 1 || list[0].Hash != [32]byte{} || list[0].Name != "import" || !list[0].Expires.Equal(expires) {
		t.Errorf("list: %+v, %v", list, err)
	}
	// Another account's token is the same as a missing one.
	missing := s.RevokeToken(t.Context(), bob.ID, core.NewTokenID())
	others := s.RevokeToken(t.Context(), bob.ID, token.ID)
	wantKind(t, others, core.NotFound)
	if core.MessageOf(missing) != core.MessageOf(others) {
		t.Errorf("%q and %q differ", missing, others)
	}
	for name, wrong := range map[string]string{
		"empty": "", "no prefix": secret[len(account.TokenPrefix):], "one character": secret[:len(secret)-1] + "~", "longer": secret + "A",
	} {
		if _, err := s.AuthenticateToken(t.Context(), wrong); core.KindOf(err) != core.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.pass(time.Hour)
	_, err = s.AuthenticateToken(t.Context(), secret)
	wantKind(t, err, core.Unauthenticated)

	secret, token, err = s.CreateToken(t.Context(), ada, account.TokenRequest{Name: "for good"})
	if err != nil {
		t.Fatal(err)
	}
	if who, err := s.AuthenticateToken(t.Context(), secret); err != nil || who.Token.Scopes != nil || who.Token.Narrowed() {
		t.Errorf("an unlimited token: %+v, %v", who.Token, err)
	}
	if err := s.RevokeToken(t.Context(), ada.Account.ID, token.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.AuthenticateToken(t.Context(), secret)
	wantKind(t, err, core.Unauthenticated)
}

func TestTokenViolations(t *testing.T) {
	s := newServer(t, true)
	ada := account.Identity{Account: s.operator(t)}
	for _, c := range []struct {
		at string
		r  account.TokenRequest
	}{
		{"name", account.TokenRequest{Name: "  "}},
		{"workspace", account.TokenRequest{Name: "x", Workspace: "ws_1"}},
		{"scopes", account.TokenRequest{Name: "x", Scopes: []string{"crm read"}}},
		{"scopes", account.TokenRequest{Name: "x", Scopes: []string{}}},
		{"expiresAt", account.TokenRequest{Name: "x", Expires: *s.clock.Load()}},
	} {
		_, _, err := s.CreateToken(t.Context(), ada, c.r)
		if v := core.ViolationsOf(err); len(v) != 1 || v[0].Location != c.at {
			t.Errorf("%s of %+v: %v", c.at, c.r, err)
		}
	}
}

// TestAttack51_SecretsAreHashed looks for every secret that was handed out or
// taken in, in every byte of the database's folder.
func TestAttack51_SecretsAreHashed(t *testing.T) {
	s := newServer(t, true)
	setup, _, err := s.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := func() []byte {
		var all []byte
		err := filepath.WalkDir(folder(t, s.dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			all = append(all, data...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := stored()
	if bytes.Contains(before, []byte(setup)) {
		t.Error("the set-up token is stored")
	}
	const canary = "canary-password-5f1d"
	ada, err := s.SignUp(t.Context(), account.SignUpRequest{Email: "ada@example.com", Name: "Canary-Name", Password: canary, SetupToken: setup})
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: ada.Email, Password: canary})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.CreateToken(t.Context(), account.Identity{Account: ada}, account.TokenRequest{Name: "t"})
	if err != nil {
		t.Fatal(err)
	}
	all := stored()
	if !bytes.Contains(all, []byte("Canary-Name")) {
		t.Fatal("the scan doesn't see what is stored")
	}
	for name, secret := range map[string]string{"set-up token": setup, "password": canary, "session": cookie, "API token": token, "API token without prefix": token[len(account.TokenPrefix):]} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the %s is stored", name)
		}
	}
}

func TestAttack52_SignInSaysNothing(t *testing.T) {
	s := newServer(t, true)
	s.operator(t)
	try := func(email, password string) error {
		_, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: email, Password: password})
		return err
	}
	known, unknown, garbage := try("ada@example.com", "wrong password"), try("eve@example.com", "wrong password"), try("not an address", "x")
	for name, err := range map[string]error{"unknown": unknown, "garbage": garbage} {
		if core.KindOf(err) != core.Unauthenticated || err.Error() != known.Error() {
			t.Errorf("%s answers %v, a wrong password %v", name, err, known)
		}
	}
	// Nine more at once: the tenth failure is the last that is looked at.
	for _, email := range []string{"ada@example.com", "eve@example.com"} {
		kinds := together(30, func(int) error { return try(email, "wrong password") })
		if kinds[core.Unauthenticated] != 9 || kinds[core.RateLimited] != 21 {
			t.Errorf("%s: %v, want 9 looked at and 21 refused", email, kinds)
		}
	}
	wantKind(t, try("ADA@example.com", password), core.RateLimited)
	if err := try("eve2@example.com", "x"); core.KindOf(err) != core.Unauthenticated {
		t.Errorf("another email is refused too: %v", err)
	}
	s.pass(15 * time.Minute)
	if err := try("ada@example.com", password); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestSignInNeedsTheDatabase(t *testing.T) {
	s := newServer(t, true)
	s.operator(t)
	s.db.Close()
	for range 12 { // failures of the server are not the person's
		_, _, _, err := s.SignIn(context.Background(), account.SignInRequest{Email: "ada@example.com", Password: password})
		wantKind(t, err, core.Unavailable)
	}
	if _, err := s.Authenticate(context.Background(), "x"); core.KindOf(err) != core.Unavailable || errors.Is(err, context.Canceled) {
		t.Errorf("authenticate: %v", err)
	}
}

// A stolen token that expires must not be made into one that doesn't.
func TestAttack43_ATokenMakesNoneThatOutlivesIt(t *testing.T) {
	s := newServer(t, true)
	ada := account.Identity{Account: s.operator(t)}
	expires := s.clock.Load().Add(time.Hour)
	secret, _, err := s.CreateToken(t.Context(), ada, account.TokenRequest{Name: "hour", Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.AuthenticateToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Time{{}, expires.Add(time.Second)} {
		_, _, err := s.CreateToken(t.Context(), who, account.TokenRequest{Name: "longer", Expires: later})
		wantKind(t, err, core.Denied)
	}
	if _, _, err := s.CreateToken(t.Context(), who, account.TokenRequest{Name: "as long", Expires: expires}); err != nil {
		t.Error(err)
	}
}
