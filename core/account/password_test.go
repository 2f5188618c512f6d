package account

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

var cheap = Hashing{Memory: 64, Time: 1, Threads: 1, Concurrent: 1, Waiting: 1}

func TestHashIsPHC(t *testing.T) {
	h := newHasher(DefaultHashing, rand.Reader)
	phc, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %s", phc)
	}
	// A server with another cost still checks it.
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterz": false, "": false} {
		if ok, err := newHasher(cheap, rand.Reader).verify(t.Context(), phc, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	again, err := h.hash(t.Context(), "correct horse battery")
	if err != nil || again == phc {
		t.Errorf("two hashes of a password are the same: %v", err)
	}
}

func TestHashRefusesOtherFormats(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	for _, phc := range []string{
		"", "plain", "$2b$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=16$m=64,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=0$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$!$AAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$",
	} {
		if ok, err := h.verify(t.Context(), phc, "x"); ok || core.KindOf(err) != core.Internal {
			t.Errorf("%q: %v, %v", phc, ok, err)
		}
	}
}

// TestHashingIsBounded occupies the one place there is.
func TestHashingIsBounded(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	leave, err := h.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() {
		_, err := h.hash(ctx, "second")
		waited <- err
	}()
	for len(h.waiting) < 2 {
		select {
		case err := <-waited:
			t.Fatalf("the second didn't wait: %v", err)
		default:
		}
	}
	if _, err := h.hash(t.Context(), "third"); core.KindOf(err) != core.Unavailable {
		t.Errorf("the third: %v, want unavailable", err)
	}
	cancel()
	if err := <-waited; core.KindOf(err) != core.Timeout {
		t.Errorf("the second gave up with %v", err)
	}
	leave()
	if _, err := h.hash(t.Context(), "fourth"); err != nil {
		t.Errorf("after all left: %v", err)
	}
}

// people is a store with one person.
type people struct {
	Store
	ada core.Account
}

func (p people) AccountByEmail(_ context.Context, email string) (core.Account, error) {
	if email == p.ada.Email {
		return p.ada, nil
	}
	return core.Account{}, core.E("test", core.NotFound, "")
}

// TestAttack52_UnknownEmailHashesToo shows that a sign-in costs a hash whether
// there is an account or not: while nobody may hash, both wait.
func TestAttack52_UnknownEmailHashesToo(t *testing.T) {
	p := people{}
	s, err := New(t.Context(), Config{Store: &p, Hashing: cheap})
	if err != nil {
		t.Fatal(err)
	}
	p.ada = core.Account{ID: core.NewAccountID(), Email: "ada@example.com"}
	if p.ada.PasswordHash, err = s.hasher.hash(t.Context(), "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	known, _, _, err := parsePHC(p.ada.PasswordHash)
	if err != nil {
		t.Fatal(err)
	}
	if dummy, _, _, err := parsePHC(s.dummy); err != nil || dummy != known {
		t.Errorf("an unknown email costs %+v, a known one %+v", dummy, known)
	}
	leave, err := s.hasher.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, email := range []string{"ada@example.com", "eve@example.com", "not an address"} {
		_, _, _, err := s.SignIn(ended, SignInRequest{Email: email, Password: "wrong password"})
		if core.KindOf(err) != core.Timeout {
			t.Errorf("%s was answered without a hash: %v", email, err)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	l := newLimiter(2, time.Minute, nil)
	now := time.Unix(0, 0)
	for i := range maxRemembered + 50 {
		if !l.take(t.Context(), time.Duration(i).String(), now.Add(time.Duration(i))) {
			t.Fatalf("the first failure of %d is refused", i)
		}
	}
	if len(l.failed) != maxRemembered {
		t.Errorf("it remembers %d, want %d", len(l.failed), maxRemembered)
	}
	if l.failed[time.Duration(0).String()] != nil {
		t.Error("it forgot another than the oldest")
	}
	l.take(t.Context(), "last", now.Add(time.Hour))
	if len(l.failed) != 1 {
		t.Errorf("it remembers %d that are over", len(l.failed)-1)
	}
}
