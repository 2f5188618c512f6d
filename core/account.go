package core

import "time"

// Account is a person who can sign in. Accounts belong to no workspace.
type Account struct {
	ID           AccountID
	Email        string // lower case, unique
	Name         string
	PasswordHash string // argon2id, PHC string
	Operator     bool   // may publish releases and administer the server
	Created      time.Time
}

// Session is a signed-in browser. Only the hash of its secret is stored.
type Session struct {
	ID      SessionID
	Account AccountID
	Hash    [32]byte // SHA-256 of the cookie's value
	Created time.Time
	Expires time.Time
}

// Token is an API token. It acts as its account, within a workspace and some
// scopes when it names them. Only the hash of its secret is stored.
type Token struct {
	ID        TokenID
	Account   AccountID
	Name      string
	Hash      [32]byte
	Workspace WorkspaceID // empty: every workspace of the account
	Scopes    []string    // nil: all the account has
	Created   time.Time
	Expires   time.Time // zero: never
	LastUsed  time.Time
}

// Narrowed reports whether the token is for one workspace or for some scopes
// only. Such a token may do nothing that concerns the account as a whole.
func (t *Token) Narrowed() bool { return t != nil && (t.Workspace != "" || t.Scopes != nil) }
