package account

import (
	"context"
	"crypto/subtle"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
)

// Limits of what a person types.
const (
	MinPassword = 10  // characters
	MaxPassword = 256 // bytes
	MaxEmail    = 254 // bytes, RFC 5321
	MaxName     = 100 // characters
)

// SignUpRequest is what a person gives to get an account.
type SignUpRequest struct {
	Email      string
	Name       string
	Password   string
	SetupToken string // for the first account of a server
}

// SetupToken answers a new set-up token while the server has no account, and
// false afterwards. Each call makes the one before it invalid; otherwise it is
// valid until the first account is made with it.
func (s *Service) SetupToken(ctx context.Context) (string, bool, error) {
	const op = "account.SetupToken"
	taken, err := s.store.HasAccounts(ctx)
	if err != nil || taken {
		return "", false, core.Wrap(op, core.Unavailable, err)
	}
	token, err := s.secret()
	if err != nil {
		return "", false, err
	}
	if err := s.store.PutSetup(ctx, hashSecret(token)); err != nil {
		return "", false, core.Wrap(op, core.Unavailable, err)
	}
	return token, true, nil
}

// SignUp makes an account. The first one of a server needs the set-up token and
// is its operator; the others are made if sign-up is open (Denied otherwise).
func (s *Service) SignUp(ctx context.Context, r SignUpRequest) (core.Account, error) {
	const op = "account.SignUp"
	taken, err := s.store.HasAccounts(ctx)
	if err != nil {
		return core.Account{}, core.Wrap(op, core.Unavailable, err)
	}
	if taken {
		if !s.signUp {
			return core.Account{}, core.E(op, core.Denied, "Sign-up is closed on this server. Ask its operator for an account.")
		}
		return s.create(ctx, r, s.store.CreateAccount)
	}
	// Checked before the password is hashed, so that nobody without the token
	// can keep the server busy; and again in the transaction.
	setup := hashSecret(r.SetupToken)
	stored, err := s.store.Setup(ctx)
	if core.KindOf(err) == core.NotFound || err == nil && subtle.ConstantTimeCompare(stored[:], setup[:]) != 1 {
		return core.Account{}, errSetup
	}
	if err != nil {
		return core.Account{}, core.Wrap(op, core.Unavailable, err)
	}
	return s.create(ctx, r, func(ctx context.Context, a core.Account) error {
		a.Operator = true
		err := s.store.CreateFirstAccount(ctx, a, setup)
		if core.KindOf(err) == core.NotFound || core.KindOf(err) == core.Denied {
			return errSetup
		}
		return err
	})
}

var errSetup = core.E("account.SignUp", core.Denied,
	"The first account of this server needs its set-up link. The server prints one each time it starts, as long as there is no account. Of several nodes use that of the one that started last.")

// Create makes an account for somebody, whether sign-up is open or not: for
// operators.
func (s *Service) Create(ctx context.Context, r SignUpRequest, operator bool) (core.Account, error) {
	return s.create(ctx, r, func(ctx context.Context, a core.Account) error {
		a.Operator = operator
		return s.store.CreateAccount(ctx, a)
	})
}

func (s *Service) create(ctx context.Context, r SignUpRequest, store func(context.Context, core.Account) error) (core.Account, error) {
	const op = "account.SignUp"
	a, err := check(r)
	if err != nil {
		return core.Account{}, err
	}
	if a.PasswordHash, err = s.hasher.hash(ctx, r.Password); err != nil {
		return core.Account{}, err
	}
	a.ID, a.Created = core.NewAccountID(), s.now()
	switch err := store(ctx, a); core.KindOf(err) {
	case "":
		return s.Account(ctx, a.ID)
	case core.Exists:
		return core.Account{}, core.E(op, core.Exists, "There is an account with this email address already. Sign in instead.")
	default:
		return core.Account{}, core.Wrap(op, core.Unavailable, err)
	}
}

// Account returns an account.
func (s *Service) Account(ctx context.Context, id core.AccountID) (core.Account, error) {
	a, err := s.store.Account(ctx, id)
	return a, core.Wrap("account.Account", core.Unavailable, err)
}

// SetPassword gives an account another password and ends its sessions. Who may
// do that is for the caller to know.
func (s *Service) SetPassword(ctx context.Context, id core.AccountID, password string) error {
	const op = "account.SetPassword"
	var wrong core.Violations
	checkPassword(&wrong, password)
	if err := wrong.Err(op, "The password can't be used."); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return core.Wrap(op, core.Unavailable, s.store.SetPassword(ctx, id, hash))
}

func check(r SignUpRequest) (core.Account, error) {
	var wrong core.Violations
	email, ok := NormalEmail(r.Email)
	if !ok {
		wrong.Add("email", "is not an email address; write it like ada@example.com")
	}
	name := strings.TrimSpace(r.Name)
	switch {
	case name == "":
		wrong.Add("name", "is missing")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxName || strings.ContainsFunc(name, unicode.IsControl):
		wrong.Add("name", "must be at most %d characters, without line breaks or other control characters", MaxName)
	}
	checkPassword(&wrong, r.Password)
	return core.Account{Email: email, Name: name}, wrong.Err("account.SignUp", "The account can't be made like this.")
}

func checkPassword(wrong *core.Violations, password string) {
	if utf8.RuneCountInString(password) < MinPassword {
		wrong.Add("password", "must have at least %d characters", MinPassword)
	}
	if len(password) > MaxPassword {
		wrong.Add("password", "must have at most %d bytes", MaxPassword)
	}
}

// NormalEmail returns an email address as accounts hold it, in lower case, and
// whether it is one: a bare address, without a display name or quotes.
func NormalEmail(email string) (string, bool) {
	email = strings.ToLower(strings.TrimSpace(email))
	if len(email) > MaxEmail || strings.ContainsFunc(email, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", false
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email {
		return "", false
	}
	return email, true
}
