// Package secret keeps the keys that a server's secrets are sealed with: they
// come from a file, never from the database. XChaCha20-Poly1305 seals, and binds
// each text to the place it is for, so that it opens nowhere else.
//
// It imports core and golang.org/x/crypto. Start with keys.go.
package secret
