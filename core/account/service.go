package account

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Accounts keeps accounts. Lookups answer NotFound.
type Accounts interface {
	// CreateAccount adds an account, or answers Exists when its email is taken.
	CreateAccount(ctx context.Context, a core.Account) error
	// CreateFirstAccount adds the server's first account and forgets the set-up
	// token, in one transaction. NotFound: setup is not the stored hash;
	// Denied: there is an account already.
	CreateFirstAccount(ctx context.Context, a core.Account, setup [32]byte) error
	Account(ctx context.Context, id core.AccountID) (core.Account, error)
	AccountByEmail(ctx context.Context, email string) (core.Account, error)
	HasAccounts(ctx context.Context) (bool, error)
	// SetPassword replaces the hash and ends every session of the account.
	SetPassword(ctx context.Context, id core.AccountID, hash string) error
	// PutSetup replaces the hash of the set-up token; Setup reads it.
	PutSetup(ctx context.Context, hash [32]byte) error
	Setup(ctx context.Context) ([32]byte, error)
}

// Sessions keeps signed-in browsers, found by the hash of their secret.
type Sessions interface {
	// ReplaceSession adds a session, and removes the one with the hash previous
	// and every expired one of the account.
	ReplaceSession(ctx context.Context, s core.Session, previous [32]byte) error
	SessionByHash(ctx context.Context, hash [32]byte) (core.Session, core.Account, error)
	DeleteSession(ctx context.Context, hash [32]byte) error
}

// Tokens keeps API tokens, found by the hash of their secret.
type Tokens interface {
	CreateToken(ctx context.Context, t core.Token) error
	TokenByHash(ctx context.Context, hash [32]byte) (core.Token, core.Account, error)
	TokensOf(ctx context.Context, account core.AccountID) ([]core.Token, error)
	DeleteToken(ctx context.Context, account core.AccountID, id core.TokenID) error
	TouchToken(ctx context.Context, id core.TokenID, used time.Time) error
}

// Store is where the service keeps everything.
type Store interface {
	Accounts
	Sessions
	Tokens
}

// Config is what a Service is made of. Only Store is required.
type Config struct {
	Store   Store
	SignUp  bool             // open to everybody, once there is a first account
	Counter Counter          // of failed sign-ins at all nodes; nil: this is the only one
	Hashing Hashing          // zero: DefaultHashing
	Now     func() time.Time // nil: time.Now
	Random  io.Reader        // nil: crypto/rand
}

// Service signs people up and in. Its methods may be called concurrently.
type Service struct {
	store    Store
	signUp   bool
	hasher   *hasher
	failures *limiter
	now      func() time.Time
	random   io.Reader
	dummy    string // a hash no password has: what an unknown email is checked against
}

// New makes a service. It hashes one password, which takes some 20 ms.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Hashing == (Hashing{}) {
		cfg.Hashing = DefaultHashing
	}
	s := &Service{
		store:    cfg.Store,
		signUp:   cfg.SignUp,
		hasher:   newHasher(cfg.Hashing, cfg.Random),
		failures: newLimiter(maxFailures, failureWindow, cfg.Counter),
		random:   cfg.Random,
		// Stored times have microseconds; what is answered is what will be read.
		now: func() time.Time { return cfg.Now().UTC().Truncate(time.Microsecond) },
	}
	secret, err := s.secret()
	if err != nil {
		return nil, err
	}
	s.dummy, err = s.hasher.hash(ctx, secret)
	return s, err
}

// Identity is who a request comes from.
type Identity struct {
	Account core.Account
	Token   *core.Token // nil: a session
}
