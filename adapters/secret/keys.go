package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/carrel-dev/carrel/core"
)

// Keys seal and open. The first of them seals; each opens what it sealed, so
// that a new one can take over: it is put before the old one, and when nothing
// is sealed with that any more, the old one can go.
type Keys struct{ keys []key }

type key struct {
	id    string
	bytes []byte
}

// Read reads keys from a file: 32 bytes in base64 on each line, lines that begin
// with # left out. NotFound: there is no file; Invalid: something in it is not a
// key, and the message says how to make one. No error holds what is in the file.
func Read(file string) (Keys, error) {
	const op = "secret.Read"
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Keys{}, core.E(op, core.NotFound, "There is no key file %s.", file)
	}
	if err != nil {
		return Keys{}, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: "The key file " + file + " can't be read. It must belong to whoever runs the server."}
	}
	var k Keys
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		decoded, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(decoded) != chacha20poly1305.KeySize {
			return Keys{}, core.E(op, core.Invalid,
				"The key file %s must hold 32 random bytes in base64 on each line. Make one with: openssl rand -base64 32", file)
		}
		k.keys = append(k.keys, key{idOf(decoded), decoded})
	}
	if len(k.keys) == 0 {
		return Keys{}, core.E(op, core.Invalid, "The key file %s holds no key. Make one with: openssl rand -base64 32", file)
	}
	return k, nil
}

// Create makes a key in a new file that its owner alone can read. Exists: the
// file is there; it is left as it is.
func Create(file string) (Keys, error) {
	const op = "secret.Create"
	bytes := make([]byte, chacha20poly1305.KeySize)
	rand.Read(bytes) //nolint:errcheck // it never fails
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return Keys{}, core.E(op, core.Exists, "The key file %s is there already.", file)
	}
	if err != nil {
		return Keys{}, core.Wrap(op, core.Unavailable, err)
	}
	_, err = f.WriteString("# Carrel seals secrets with this key. Without it a backup of the data opens none of them.\n" +
		base64.StdEncoding.EncodeToString(bytes) + "\n")
	// On disk, and known to its folder, before anything is sealed with it.
	if err = errors.Join(err, f.Sync(), f.Close(), sync(filepath.Dir(file))); err != nil {
		return Keys{}, core.Wrap(op, core.Unavailable, errors.Join(err, os.Remove(file)))
	}
	return Keys{[]key{{idOf(bytes), bytes}}}, nil
}

func sync(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// idOf names a key without telling anything of it.
func idOf(bytes []byte) string {
	sum := sha256.Sum256(append([]byte("carrel key id\x00"), bytes...))
	return hex.EncodeToString(sum[:8])
}

// ID names the key that seals.
func (k Keys) ID() string { return k.keys[0].id }

// Has reports whether one of the keys has an id.
func (k Keys) Has(id string) bool { return k.find(id) != nil }

// Derive makes 32 bytes of the key that seals, other ones for each purpose.
func (k Keys) Derive(purpose string) []byte {
	derived, err := hkdf.Key(sha256.New, k.keys[0].bytes, nil, "carrel "+purpose, 32)
	if err != nil {
		panic(err) // of lengths that are constant
	}
	return derived
}

func (k Keys) find(id string) []byte {
	for _, one := range k.keys {
		if one.id == id {
			return one.bytes
		}
	}
	return nil
}
