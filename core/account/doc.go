// Package account knows who somebody is: accounts and their passwords, the
// set-up token of a new server, sessions, and API tokens. It says nothing about
// what they may do: that is core/workspace.
//
// No secret it hands out is kept: passwords are stored as argon2id, the others
// as SHA-256 (they are 256 random bits, there is nothing to guess).
//
// It imports core and golang.org/x/crypto, never a database or HTTP. Start with
// service.go.
package account
