package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/carrel-dev/carrel/core"
)

// A sealed text is `v1.`, the id of its key, and in base64 a random nonce and
// what XChaCha20-Poly1305 makes of the plain bytes.
const version = "v1"

// Seal seals bytes for a place.
func (k Keys) Seal(place core.SecretPlace, plain []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(k.keys[0].bytes)
	if err != nil {
		return "", core.Wrap("secret.Seal", core.Internal, err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) //nolint:errcheck // it never fails
	return version + "." + k.ID() + "." + base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, bind(place))), nil
}

// Open opens what was sealed for a place. Unavailable: none of the keys sealed
// it; Internal: it was changed, or sealed for another place.
func (k Keys) Open(place core.SecretPlace, sealed string) ([]byte, error) {
	const op = "secret.Open"
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version {
		return nil, damaged(place)
	}
	bytes := k.find(parts[1])
	if bytes == nil {
		return nil, core.E(op, core.Unavailable, "The secret setting %s was sealed with the key %s, which is not in this server's key file. "+
			"Its operator puts that key back, on a line of its own, or an admin sets the secret again.", place, parts[1])
	}
	aead, err := chacha20poly1305.NewX(bytes)
	if err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}
	box, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil || len(box) < aead.NonceSize() {
		return nil, damaged(place)
	}
	plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], bind(place))
	if err != nil {
		return nil, damaged(place)
	}
	return plain, nil
}

// Current reports whether the key that seals now sealed a text.
func (k Keys) Current(sealed string) bool {
	return strings.HasPrefix(sealed, version+"."+k.ID()+".")
}

func damaged(place core.SecretPlace) error {
	return core.E("secret.Open", core.Internal,
		"The secret setting %s can't be opened: it was changed in the database, "+
			"or is not from there. An admin has to set it again.", place)
}

// bind is a place as one sequence of bytes, which no other place has.
func bind(place core.SecretPlace) []byte {
	parts := append([]string{"settings", string(place.Workspace), string(place.Installation)}, place.Path...)
	var bound []byte
	for _, part := range parts {
		bound = append(binary.AppendUvarint(bound, uint64(len(part))), part...)
	}
	return bound
}
