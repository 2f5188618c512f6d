package app

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/adapters/secret"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/workspace"
)

// openKeys reads the keys of the server's secrets: of the file the operator
// named, or of secret.key beside the database, which is made when it is missing
// and nothing is sealed yet. Keys the database needs and the file lacks are an
// error before anything is changed.
func openKeys(ctx context.Context, cfg Config, db database) (secret.Keys, error) {
	const op = "app.OpenKeys"
	used, err := db.SecretKeys(ctx)
	if err != nil {
		return secret.Keys{}, err
	}
	file := cfg.SecretKeyFile
	if file == "" {
		file = filepath.Join(cfg.DataDir, "secret.key")
	}
	ids := slices.Sorted(maps.Keys(used))
	keys, err := secret.Read(file)
	if core.KindOf(err) == core.NotFound && cfg.SecretKeyFile == "" && len(ids) == 0 {
		keys, err := secret.Create(file)
		if err == nil {
			cfg.Logger.Info("a key for secret settings was made; keep a copy of it, apart from backups of the data", "file", file, "key", keys.ID())
		}
		return keys, err
	}
	if core.KindOf(err) == core.NotFound && len(ids) > 0 {
		return keys, core.E(op, core.Unavailable, "The secrets in this database are sealed with the key %s, and its file %s is not there. "+
			"Put it back from where it is kept, or name it with --secret-key-file. Nothing was changed.", strings.Join(ids, " and "), file)
	}
	if core.KindOf(err) == core.NotFound {
		return keys, core.E(op, core.Unavailable, "There is no key file %s. Make one with: openssl rand -base64 32 > %s", file, file)
	}
	if err != nil {
		return keys, err
	}
	for _, id := range ids {
		if !keys.Has(id) {
			return keys, core.E(op, core.Unavailable, "The secrets in this database are sealed with the key %s, and %s holds another. "+
				"Add that key to the file, on a line of its own, or name the right file with --secret-key-file. Nothing was changed.", id, file)
		}
	}
	return keys, nil
}

// sealSecrets seals what was stored before there was a key, or with an earlier
// one, and leaves nothing of it in the database's files. What it can't seal is
// said, and tried again at the next start. A start that is killed goes on with
// the next one.
func sealSecrets(ctx context.Context, db database, keys secret.Keys, installations *workspace.Installations, log *slog.Logger) error {
	const op = "app.SealSecrets"
	used, err := db.SecretKeys(ctx)
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	id := keys.ID()
	before := used[id]
	if before == core.KeyComplete && len(used) == 1 {
		return nil
	}
	known := slices.Collect(maps.Keys(used))
	err = db.PutSecretKey(ctx, id, core.KeySealing, known...)
	if core.KindOf(err) == core.Changed {
		return core.E(op, core.Unavailable, "Another node has just begun to seal secrets in this database, with a key that this one doesn't have. "+
			"Copy its key file here, or name the same file on all nodes with --secret-key-file. Nothing was changed.")
	}
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	renewal, err := installations.Renew(ctx)
	if err != nil {
		return core.Wrap(op, core.Unavailable, err)
	}
	for _, left := range renewal.Left {
		log.Warn("secret settings could not be sealed", "error", left)
	}
	if before == core.KeySealing || renewal.Sealed > 0 {
		err := db.Scrub(ctx)
		if core.KindOf(err) == core.Timeout {
			log.Warn("secret settings are sealed, and what was there before may still be in the database's files: somebody read them for long, "+
				"like a dump. The next start tries again", "error", err)
			return nil
		}
		if err != nil {
			return core.Wrap(op, core.Unavailable, err)
		}
	}
	if before == core.KeySealing || renewal.Sealed > 0 {
		log.Info("secret settings sealed", "key", id, "installations", renewal.Sealed)
	}
	now := core.KeyComplete
	if len(renewal.Left) > 0 {
		now = core.KeyScrubbed
	}
	return core.Wrap(op, core.Unavailable, db.PutSecretKey(ctx, id, now, known...))
}
