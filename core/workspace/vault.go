package workspace

import (
	"encoding/json"

	"github.com/carrel-dev/carrel/core"
)

// Sealer seals bytes for one place, where alone they can be opened. Its errors
// hold nothing of what is sealed.
type Sealer interface {
	Seal(place core.SecretPlace, plain []byte) (string, error)
	Open(place core.SecretPlace, sealed string) ([]byte, error)
	// Current reports whether what is sealed needs not be sealed anew, as the
	// key of today did it.
	Current(sealed string) bool
}

// Vault keeps the secret settings of installations sealed: in the database,
// in backups of it, and in memory until they are needed.
type Vault struct{ sealer Sealer }

// NewVault makes a Vault.
func NewVault(sealer Sealer) Vault { return Vault{sealer} }

// Secret opens the text at a path of an installation's settings, for the host's
// own use. It is empty if there is none.
func (v Vault) Secret(in core.Installation, path ...string) (core.Secret, error) {
	sealed, plain := core.SealedSetting(in.Settings, path...)
	if sealed != "" {
		var err error
		if plain, err = v.sealer.Open(placeOf(in, path), sealed); err != nil {
			return "", err
		}
	}
	var text string
	_ = json.Unmarshal(plain, &text) // nothing, and what is no text, is as good as none
	return core.Secret(text), nil
}

// seal seals the secrets in settings that are to be stored with an installation.
func (v Vault) seal(in core.Installation, schema, settings json.RawMessage, also [][]string) (json.RawMessage, error) {
	return core.SealSettings(schema, settings, also, func(path []string, plain json.RawMessage) (string, error) {
		return v.sealer.Seal(placeOf(in, path), plain)
	})
}

// open opens all that is sealed in settings of an installation, and says where
// that was.
func (v Vault) open(in core.Installation, settings json.RawMessage) (json.RawMessage, [][]string, error) {
	return core.OpenSettings(settings, func(path []string, sealed string) (json.RawMessage, error) {
		return v.sealer.Open(placeOf(in, path), sealed)
	})
}

// renew seals what settings hold in the clear, or sealed with an earlier key. It
// returns nil when there is nothing to do. Without a schema it can't tell what
// is secret, and keeps to what was sealed.
func (v Vault) renew(in core.Installation, schema json.RawMessage) (json.RawMessage, error) {
	old := false
	opened, paths, err := core.OpenSettings(in.Settings, func(path []string, sealed string) (json.RawMessage, error) {
		old = old || !v.sealer.Current(sealed)
		return v.sealer.Open(placeOf(in, path), sealed)
	})
	if err != nil {
		return nil, err
	}
	if !old {
		_, all, err := core.PublicSettings(schema, in.Settings)
		if err != nil || len(all) == len(paths) {
			return nil, err
		}
	}
	return v.seal(in, schema, opened, paths)
}

func placeOf(in core.Installation, path []string) core.SecretPlace {
	return core.SecretPlace{Workspace: in.Workspace, Installation: in.ID, Path: path}
}
