package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// digestsQuery goes from release to release in one index seek each, however many
// workspaces have installed it.
const digestsQuery = `WITH RECURSIVE found (digest) AS (
		SELECT min(digest) FROM installations
		UNION ALL
		SELECT (SELECT min(i.digest) FROM installations i WHERE i.digest > found.digest) FROM found WHERE found.digest IS NOT NULL)
	SELECT digest FROM found WHERE digest IS NOT NULL`

// Digests lists the releases that any workspace has installed.
func (db *DB) Digests(ctx context.Context) ([]core.Digest, error) {
	rows, err := db.read.QueryContext(ctx, digestsQuery)
	list, err := collect(rows, err, func(s scanner) (digest core.Digest, err error) { return digest, s.Scan(&digest) })
	return list, failed("sqlite.Digests", err)
}

// Unscheduled lists the installations of a release, with their workspace and id
// alone, for which no occurrence of a schedule waits.
func (db *DB) Unscheduled(ctx context.Context, digest core.Digest, schedule string) ([]core.Installation, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT workspace, id FROM installations i
		WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.workspace = i.workspace AND d.install = i.id
			AND d.schedule = ? AND d.schedule <> '' AND d.state IN ('pending', 'running', 'retry', 'held'))`, digest, schedule)
	list, err := collect(rows, err, func(s scanner) (in core.Installation, err error) { return in, s.Scan(&in.Workspace, &in.ID) })
	return list, failed("sqlite.Unscheduled", err)
}
