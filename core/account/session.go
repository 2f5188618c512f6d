package account

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// SessionLife is how long a session lasts from its sign-in. It doesn't slide:
// a stolen cookie ends at a known time, and no request costs a write.
const SessionLife = 30 * 24 * time.Hour

// A person may be wrong maxFailures times within failureWindow, per email; of
// several nodes that don't reach their Counter, at each.
const (
	maxFailures   = 10
	failureWindow = 15 * time.Minute
)

// SignInRequest is what a person gives to sign in.
type SignInRequest struct {
	Email    string
	Password string
	Previous string // the secret of the session the browser has, which ends
}

// SignIn begins a session. The answer holds its secret, the cookie's value: it
// is new at each sign-in and can't be read again. An unknown email and a wrong
// password are the same error after about the same time (Unauthenticated);
// after 10 failures in 15 minutes an email, known or not, is refused for the
// rest of them (RateLimited).
func (s *Service) SignIn(ctx context.Context, r SignInRequest) (secret string, session core.Session, who core.Account, err error) {
	const op = "account.SignIn"
	email, password := r.Email, r.Password
	if normal, ok := NormalEmail(email); ok {
		email = normal
	}
	if len(email) > MaxEmail {
		email = email[:MaxEmail]
	}
	now := s.now()
	if !s.failures.take(ctx, email, now) {
		return "", session, who, core.E(op, core.RateLimited,
			"Too many failed sign-ins with this email address. Try again in %d minutes.", int(failureWindow.Minutes()))
	}
	account, err := s.store.AccountByEmail(ctx, email)
	if err != nil && core.KindOf(err) != core.NotFound {
		s.failures.giveBack(ctx, email)
		return "", session, who, core.Wrap(op, core.Unavailable, err)
	}
	hash := account.PasswordHash
	known := err == nil && hash != "" // an account that came with an export has no password
	if !known {
		hash = s.dummy
	}
	ok, verr := s.hasher.verify(ctx, hash, password[:min(len(password), MaxPassword+1)])
	if verr != nil {
		s.failures.giveBack(ctx, email)
		return "", session, who, verr
	}
	if !ok || !known {
		return "", session, who, core.E(op, core.Unauthenticated, "The email address or the password is wrong.")
	}
	s.failures.forget(ctx, email)
	if secret, err = s.secret(); err != nil {
		return "", session, who, err
	}
	session = core.Session{
		ID: core.NewSessionID(), Account: account.ID, Hash: hashSecret(secret),
		Created: now, Expires: now.Add(SessionLife),
	}
	if err := s.store.ReplaceSession(ctx, session, hashSecret(r.Previous)); err != nil {
		return "", core.Session{}, who, core.Wrap(op, core.Unavailable, err)
	}
	return secret, session, account, nil
}

// SignOut ends the session with this secret. Ending one that is not there is
// no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	return core.Wrap("account.SignOut", core.Unavailable, s.store.DeleteSession(ctx, hashSecret(secret)))
}

// Authenticate says who the cookie's value belongs to. Unauthenticated: it is
// unknown, ended or expired.
func (s *Service) Authenticate(ctx context.Context, secret string) (Identity, error) {
	const op = "account.Authenticate"
	session, account, err := s.store.SessionByHash(ctx, hashSecret(secret))
	switch {
	case core.KindOf(err) == core.NotFound || err == nil && !s.now().Before(session.Expires):
		return Identity{}, core.E(op, core.Unauthenticated, "The session has ended. Sign in again.")
	case err != nil:
		return Identity{}, core.Wrap(op, core.Unavailable, err)
	}
	return Identity{Account: account}, nil
}
