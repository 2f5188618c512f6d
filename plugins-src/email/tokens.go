package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// Key is what links are signed with. It is made when the plugin is installed,
// stays in this table, and is in no answer, nor in the console.
type Key struct {
	Purpose string `json:"purpose" carrel:"required,unique,max=20"`
	Secret  string `json:"secret" carrel:"text,secret,required"`
}

var keys = sdk.Table[Key]("keys", "What links in mails are signed with")

const linkKey = "links"

// makeKey makes the key of links.
func makeKey(c *sdk.Ctx) error {
	secret := make([]byte, 32)
	rand.Read(secret) //nolint:errcheck // it never fails
	_, err := keys.Add(c, Key{linkKey, hex.EncodeToString(secret)})
	return err
}

func signingKey(c *sdk.Ctx) ([]byte, error) {
	doc, found, err := keys.By(c, "purpose", linkKey)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, sdk.Unavailable("The key of the links is missing; install the plugin again.")
	}
	return hex.DecodeString(doc.Body.Secret)
}

// purpose is what a link is for. One signed for one purpose is worth nothing for
// another.
type purpose byte

const (
	forConfirm purpose = 'c' // a membership, to confirm it
	forList    purpose = 'l' // a membership, to end it
	forAll     purpose = 'a' // a subscriber, to end all marketing mail
)

// token is what a link says: a purpose, and the document it is about. It has no
// end: people unsubscribe from mails that are years old.
type token struct {
	purpose purpose
	id      sdk.ID
}

const (
	idPrefix    = "doc_"
	tokenBytes  = 1 + 16 + sha256.Size
	tokenLength = (tokenBytes*8 + 5) / 6 // as base64
)

// sign writes a token: its purpose, the 16 bytes of its id, and their
// HMAC-SHA256, in base64 for addresses.
func (t token) sign(key []byte) (string, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(string(t.id), idPrefix), "-", ""))
	if err != nil || len(id) != 16 {
		return "", sdk.Invalid("%q is not the id of a document.", t.id)
	}
	said := append([]byte{byte(t.purpose)}, id...)
	return base64.RawURLEncoding.EncodeToString(append(said, mac(key, said)...)), nil
}

// readToken reads a token that sign wrote with the key; nothing else. How long it
// takes says nothing about the signature.
func readToken(key []byte, signed string) (t token, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(signed)
	if err != nil || len(raw) != tokenBytes || len(signed) != tokenLength { // base64 passes over line breaks
		return t, false
	}
	said := raw[:tokenBytes-sha256.Size]
	if !hmac.Equal(raw[len(said):], mac(key, said)) {
		return t, false
	}
	x := hex.EncodeToString(said[1:])
	id := strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-")
	return token{purpose(said[0]), sdk.ID(idPrefix + id)}, true
}

func mac(key, said []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(said)
	return h.Sum(nil)
}

// link is the absolute address of a path with a token.
func link(c *sdk.Ctx, path string, t token) (string, error) {
	key, err := signingKey(c)
	if err != nil {
		return "", err
	}
	signed, err := t.sign(key)
	return c.URL(path + signed), err
}

// tokenOf reads the token in the request's path.
func tokenOf(c *sdk.Ctx) (t token, ok bool, err error) {
	key, err := signingKey(c)
	if err == nil {
		t, ok = readToken(key, c.Param("token"))
	}
	return t, ok, err
}
