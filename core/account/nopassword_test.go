package account_test

import (
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

// An account that came with an export has no password: none lets anybody in, and who
// tries can't tell that.
func TestAnAccountWithoutAPassword(t *testing.T) {
	s := newServer(t, true)
	ada := s.operator(t)
	if err := s.db.SetPassword(t.Context(), ada.ID, ""); err != nil {
		t.Fatal(err)
	}
	for _, tried := range []string{"", password} {
		_, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: "ada@example.com", Password: tried})
		wantKind(t, err, core.Unauthenticated)
	}
	if err := s.SetPassword(t.Context(), ada.ID, password); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.SignIn(t.Context(), account.SignInRequest{Email: "ada@example.com", Password: password}); err != nil {
		t.Error(err)
	}
}
