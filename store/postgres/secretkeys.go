package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/carrel-dev/carrel/core"
)

// SecretKeys returns the states of the keys that secrets in this database may be
// sealed with, by their ids.
func (db *DB) SecretKeys(ctx context.Context) (map[string]core.KeyState, error) {
	keys := map[string]core.KeyState{}
	err := db.find(ctx, "postgres.SecretKeys", func(b *batch) {
		b.rows(func(s scanner) error {
			var id string
			var state core.KeyState
			err := s.Scan(&id, &state)
			keys[id] = state
			return err
		}, "SELECT id, complete FROM secret_keys")
	})
	return keys, err
}

// PutSecretKey notes the state of a key; as KeySealing before anything is sealed
// with it. One that is complete is the only one from then on. It fails with Changed
// when there is another than those known: two nodes may begin at the same time,
// each with a key of its own.
func (db *DB) PutSecretKey(ctx context.Context, id string, state core.KeyState, known ...string) error {
	const op = "postgres.PutSecretKey"
	return db.keepData(ctx, op, func(b *batch) {
		b.exec("SELECT pg_advisory_xact_lock($1, 0)", int32(presenceClass)) // nodes' numbers begin at 1
		b.exec("SELECT expect(NOT EXISTS (SELECT FROM secret_keys WHERE id <> $1 AND id <> ALL ($2)), $3)", id, texts(known),
			int32(b.unless(func(int64) error { return core.E(op, core.Changed, "There is another key for secrets.") })))
		b.exec("INSERT INTO secret_keys (id, complete) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET complete = excluded.complete", id, state)
		if state == core.KeyComplete {
			b.exec("DELETE FROM secret_keys WHERE id <> $1", id)
		}
	})
}

// Configured implements core/workspace's InstallationStore.
func (db *DB) Configured(ctx context.Context) (workspaces []core.WorkspaceID, err error) {
	err = db.find(ctx, "postgres.Configured", func(b *batch) {
		b.rows(func(s scanner) error {
			ws, err := scanned[core.WorkspaceID](s)
			workspaces = append(workspaces, ws)
			return err
		}, "SELECT DISTINCT workspace FROM installations WHERE configured ORDER BY workspace")
	})
	return workspaces, err
}

// Scrub writes the table of installations anew, as its owner, so that its files
// hold nothing any more of what was changed or deleted in it, but for what a
// transaction that is still under way may see (a dump of the database takes long).
// What was written before stays in Postgres's log until that is recycled, in the
// log's archive, on replicas and in backups for as long as these are kept: those
// are the operator's. While the table is copied nobody reads it, on any node; while
// somebody else has it for long, as a dump does, Scrub fails with Timeout.
func (db *DB) Scrub(ctx context.Context) error {
	const op = "postgres.Scrub"
	owner, err := pgx.ConnectConfig(ctx, db.platform.Config().ConnConfig) // the pool's role is given to its connections later
	if err != nil {
		return failed(op, err)
	}
	defer owner.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it did is done
	// Whoever comes behind a lock that is waited for waits, too: on every node. So it
	// isn't waited for long.
	for _, statement := range []string{"SET statement_timeout = 0", "SET lock_timeout = '2s'", "VACUUM (FULL) installations"} {
		if _, err := owner.Exec(ctx, statement); err != nil {
			return failed(op, err)
		}
	}
	return nil
}
