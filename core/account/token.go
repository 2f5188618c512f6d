package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
)

// TokenPrefix begins every API token, so that a leaked one is recognised.
const TokenPrefix = "carrel_"

const (
	secretLength = 43 // 32 bytes in base64url
	maxTokens    = 100
	maxScopes    = 50
	touchEvery   = time.Hour // how exact LastUsed is: a write an hour, not one a request
)

// TokenRequest is what a person says about a token they want.
type TokenRequest struct {
	Name      string
	Workspace core.WorkspaceID // empty: every workspace of the account
	Scopes    []string         // nil: all the account has
	Expires   time.Time        // zero: never
}

// CreateToken makes a token for the account and answers its secret, which can't
// be read again. A token that is narrowed itself makes none, and one that expires
// none that outlives it (Denied). The workspace is not looked at: a token is
// worth what its account's membership is at the time it is used.
func (s *Service) CreateToken(ctx context.Context, who Identity, r TokenRequest) (secret string, t core.Token, err error) {
	const op = "account.CreateToken"
	if who.Token.Narrowed() {
		return "", t, core.E(op, core.Denied,
			"This token is limited to a workspace or to scopes, so it can't make tokens. Sign in, or use an unlimited one.")
	}
	if with := who.Token; with != nil && !with.Expires.IsZero() && (r.Expires.IsZero() || r.Expires.After(with.Expires)) {
		return "", t, core.E(op, core.Denied,
			"This token expires, so it can't make one that outlives it. Give the new one an expiry no later than %s, or sign in.",
			with.Expires.Format(time.RFC3339))
	}
	now := s.now()
	t = core.Token{
		ID: core.NewTokenID(), Account: who.Account.ID, Name: strings.TrimSpace(r.Name),
		Workspace: r.Workspace, Scopes: r.Scopes, Created: now, Expires: r.Expires.UTC().Truncate(time.Microsecond),
	}
	if err := checkToken(t, now); err != nil {
		return "", core.Token{}, err
	}
	have, err := s.store.TokensOf(ctx, who.Account.ID)
	if err != nil {
		return "", core.Token{}, core.Wrap(op, core.Unavailable, err)
	}
	if len(have) >= maxTokens {
		return "", core.Token{}, core.E(op, core.QuotaExceeded,
			"An account has at most %d tokens. Revoke one that is not in use.", maxTokens)
	}
	if secret, err = s.secret(); err != nil {
		return "", core.Token{}, err
	}
	secret = TokenPrefix + secret
	t.Hash = hashSecret(secret)
	if err := s.store.CreateToken(ctx, t); err != nil {
		return "", core.Token{}, core.Wrap(op, core.Unavailable, err)
	}
	return secret, t, nil
}

func checkToken(t core.Token, now time.Time) error {
	var wrong core.Violations
	if t.Name == "" || !utf8.ValidString(t.Name) || utf8.RuneCountInString(t.Name) > MaxName || strings.ContainsFunc(t.Name, unicode.IsControl) {
		wrong.Add("name", "must have 1 to %d characters that tell you later what the token is for", MaxName)
	}
	if t.Workspace != "" && !core.ValidID("ws_", string(t.Workspace)) {
		wrong.Add("workspace", "is not the id of a workspace")
	}
	if t.Scopes != nil && len(t.Scopes) == 0 {
		wrong.Add("scopes", "must name what the token may do; it would be of no use")
	}
	if len(t.Scopes) > maxScopes {
		wrong.Add("scopes", "must be at most %d", maxScopes)
	}
	for _, scope := range t.Scopes {
		if scope == "" || len(scope) > 100 || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' }) {
			wrong.Add("scopes", "%q is not a scope; write it like crm.contacts.read, crm.* or *", scope)
		}
	}
	if !t.Expires.IsZero() && !t.Expires.After(now) {
		wrong.Add("expiresAt", "is in the past")
	}
	return wrong.Err("account.CreateToken", "The token can't be made like this.")
}

// ListTokens returns the account's tokens, newest first, without their hashes.
func (s *Service) ListTokens(ctx context.Context, account core.AccountID) ([]core.Token, error) {
	tokens, err := s.store.TokensOf(ctx, account)
	for i := range tokens {
		tokens[i].Hash = [32]byte{}
	}
	return tokens, core.Wrap("account.ListTokens", core.Unavailable, err)
}

// RevokeToken ends a token of the account; the next request with it is refused.
// A token that is another account's is NotFound, like a missing one.
func (s *Service) RevokeToken(ctx context.Context, account core.AccountID, id core.TokenID) error {
	const op = "account.RevokeToken"
	err := s.store.DeleteToken(ctx, account, id)
	if core.KindOf(err) == core.NotFound {
		return core.E(op, core.NotFound, "There is no such token.")
	}
	return core.Wrap(op, core.Unavailable, err)
}

// AuthenticateToken says who an API token acts as, and the token with its
// limits. Unauthenticated: it is unknown, revoked or expired.
func (s *Service) AuthenticateToken(ctx context.Context, bearer string) (Identity, error) {
	const op = "account.AuthenticateToken"
	refused := func() error {
		return core.E(op, core.Unauthenticated,
			"The API token is unknown, revoked or expired. Make another one in the console, under your account.")
	}
	if len(bearer) != len(TokenPrefix)+secretLength || !strings.HasPrefix(bearer, TokenPrefix) {
		return Identity{}, refused()
	}
	now := s.now()
	token, account, err := s.store.TokenByHash(ctx, hashSecret(bearer))
	switch {
	case core.KindOf(err) == core.NotFound || err == nil && !token.Expires.IsZero() && !now.Before(token.Expires):
		return Identity{}, refused()
	case err != nil:
		return Identity{}, core.Wrap(op, core.Unavailable, err)
	}
	if now.Sub(token.LastUsed) >= touchEvery {
		if err := s.store.TouchToken(ctx, token.ID, now); err != nil {
			return Identity{}, core.Wrap(op, core.Unavailable, err)
		}
		token.LastUsed = now
	}
	token.Hash = [32]byte{}
	return Identity{Account: account, Token: &token}, nil
}

// secret returns 256 random bits, 43 characters.
func (s *Service) secret() (string, error) {
	var raw [32]byte
	if _, err := io.ReadFull(s.random, raw[:]); err != nil {
		return "", core.Wrap("account.secret", core.Unavailable, err)
	}
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// hashSecret is what is stored of a secret of 256 random bits. Finding a row by
// it takes no time that depends on the secret: who doesn't know the secret
// can't steer its hash.
func hashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }
