package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// SecretKeys returns the states of the keys that secrets in this file may be
// sealed with, by their ids.
func (db *DB) SecretKeys(ctx context.Context) (map[string]core.KeyState, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT id, complete FROM secret_keys")
	keys := map[string]core.KeyState{}
	_, err = collect(rows, err, func(s scanner) (id string, err error) {
		var state core.KeyState
		err = s.Scan(&id, &state)
		keys[id] = state
		return id, err
	})
	return keys, failed("sqlite.SecretKeys", err)
}

// PutSecretKey notes the state of a key; as KeySealing before anything is
// sealed with it. One that is complete is the only one from then on. It fails with
// Changed when there is another than those known.
func (db *DB) PutSecretKey(ctx context.Context, id string, state core.KeyState, known ...string) error {
	const op = "sqlite.PutSecretKey"
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT id FROM secret_keys WHERE id <> ?", id)
		others, err := collect(rows, err, func(s scanner) (other string, err error) { return other, s.Scan(&other) })
		if err != nil {
			return failed(op, err)
		}
		if slices.ContainsFunc(others, func(other string) bool { return !slices.Contains(known, other) }) {
			return core.E(op, core.Changed, "There is another key for secrets.")
		}
		_, err = tx.ExecContext(ctx,
			"INSERT INTO secret_keys (id, complete) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET complete = ?2", id, state)
		if err == nil && state == core.KeyComplete {
			_, err = tx.ExecContext(ctx, "DELETE FROM secret_keys WHERE id <> ?", id)
		}
		return failed(op, err)
	})
}

// Configured implements core/workspace's InstallationStore.
func (db *DB) Configured(ctx context.Context) ([]core.WorkspaceID, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT DISTINCT workspace FROM installations WHERE settings <> '{}' ORDER BY workspace")
	return collect(rows, err, func(s scanner) (ws core.WorkspaceID, err error) {
		err = s.Scan(&ws)
		return ws, err
	})
}

// Scrub writes the file anew, so that nothing is left in it of what was changed
// or deleted, and empties the log beside it. It takes as long as copying the
// file, and as much room beside it; nobody may be reading.
func (db *DB) Scrub(ctx context.Context) error {
	const op = "sqlite.Scrub"
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return failed(op, err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	for _, statement := range []string{
		"PRAGMA temp_store = file", // the copy may be larger than memory
		"VACUUM",
		"PRAGMA temp_store = memory",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return failed(op, err)
		}
	}
	var busy, pages, moved int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return failed(op, err)
	}
	if busy != 0 {
		return failed(op, errors.New("somebody is reading the file"))
	}
	return nil
}
