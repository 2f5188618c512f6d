package app

import (
	"path/filepath"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
)

// openKeys reads the keys of the server's secrets: of the file the operator
// named, or of the one beside the database, which is made when it is missing.
func openKeys(cfg Config) (secret.Keys, error) {
	if cfg.SecretKeyFile != "" {
		return secret.Read(cfg.SecretKeyFile)
	}
	file := filepath.Join(cfg.DataDir, "secret.key")
	keys, err := secret.Read(file)
	if core.KindOf(err) == core.NotFound {
		return secret.Create(file)
	}
	return keys, err
}
