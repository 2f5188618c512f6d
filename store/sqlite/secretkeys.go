package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/carrel-dev/carrel/core"
)

// SecretKeys returns the ids of the keys that secrets in this file may be sealed
// with, and of each whether all of them are.
func (db *DB) SecretKeys(ctx context.Context) (map[string]bool, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT id, complete FROM secret_keys")
	keys := map[string]bool{}
	_, err = collect(rows, err, func(s scanner) (id string, err error) {
		var complete bool
		err = s.Scan(&id, &complete)
		keys[id] = complete
		return id, err
	})
	return keys, failed("sqlite.SecretKeys", err)
}

// AddSecretKey notes a key before anything is sealed with it.
func (db *DB) AddSecretKey(ctx context.Context, id string) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO secret_keys (id) VALUES (?) ON CONFLICT DO NOTHING", id)
		return failed("sqlite.AddSecretKey", err)
	})
}

// CompleteSecretKey notes that every secret is sealed with a key, and forgets
// the others.
func (db *DB) CompleteSecretKey(ctx context.Context, id string) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM secret_keys WHERE id <> ?", id)
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE secret_keys SET complete = 1 WHERE id = ?", id)
		}
		return failed("sqlite.CompleteSecretKey", err)
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
