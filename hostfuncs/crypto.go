package hostfuncs

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxVerified = 1 << 20 // bytes of a message
	maxMACs     = 10
)

var cryptoOperations = []Operation{
	{abi.OpCryptoVerify, "crypto.verify", "", anyKind, "Ask whether a message is signed with a secret setting.", with(cryptoVerify)},
}

// cryptoVerify compares in constant time, and whether a MAC fits is all that
// the plugin learns of the key. The password of the mail server is none: people
// choose it, so it could be found out by guessing.
func cryptoVerify(_ context.Context, h *Host, r abi.VerifyRequest) (abi.VerifyResponse, error) {
	const op = "crypto.verify"
	var none abi.VerifyResponse
	path := strings.Split(r.Secret, ".")
	switch {
	case !core.IsSecretSetting(h.b.Manifest.Settings, path...):
		return none, place(op, "secret", `must be a setting that the manifest declares with "secret": true`)
	case path[0] == core.MailSetting:
		return none, place(op, "secret", "must not be of the mail server, which only the host uses")
	case r.KeyFormat != "" && r.KeyFormat != "text" && r.KeyFormat != "base64":
		return none, place(op, "keyFormat", "must be text or base64")
	case len(r.Message) > maxVerified:
		return none, core.E(op, core.TooLarge,
			"A message to verify has at most %d bytes, and this one has %d.", maxVerified, len(r.Message))
	case len(r.MACs) > maxMACs:
		return none, place(op, "macs", "are too many; at most 10 are compared")
	case h.b.Secret == nil:
		return none, core.E(op, core.Denied, "This server gives no secrets.")
	}
	secret, err := h.b.Secret(path...)
	if err != nil {
		return none, err
	}
	key := []byte(secret.Reveal())
	if r.KeyFormat == "base64" {
		text := secret.Reveal()
		if key, err = base64.StdEncoding.DecodeString(text[strings.LastIndex(text, "_")+1:]); err != nil {
			return none, core.E(op, core.Unavailable,
				"The setting %s is not base64. An admin of the workspace has to copy it again.", r.Secret)
		}
	}
	if len(key) == 0 {
		return none, core.E(op, core.Unavailable, "The setting %s is empty. An admin of the workspace has to fill it in.", r.Secret)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(r.Message)
	want := mac.Sum(nil)
	var answer abi.VerifyResponse
	for _, given := range r.MACs {
		answer.Valid = hmac.Equal(given, want) || answer.Valid
	}
	return answer, nil
}
