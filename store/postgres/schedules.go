package postgres

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// digestsQuery goes from release to release in one index seek each, however many
// workspaces have installed it.
const digestsQuery = `WITH RECURSIVE found (digest) AS (
		(SELECT digest FROM installations ORDER BY digest LIMIT 1)
		UNION ALL
		SELECT (SELECT i.digest FROM installations i WHERE i.digest > found.digest ORDER BY i.digest LIMIT 1)
		FROM found WHERE found.digest IS NOT NULL)
	SELECT digest FROM found WHERE digest IS NOT NULL`

// Digests lists the releases that any workspace has installed.
func (db *DB) Digests(ctx context.Context) (list []core.Digest, err error) {
	err = db.find(ctx, "postgres.Digests", func(b *batch) {
		b.rows(func(s scanner) error {
			digest, err := scanned[core.Digest](s)
			list = append(list, digest)
			return err
		}, digestsQuery)
	})
	return list, err
}

// Unscheduled lists the installations of a release, with their workspace and id
// alone, for which no occurrence of a schedule waits. OFFSET has that asked for each:
// a join may be planned to read the occurrences of all for each.
func (db *DB) Unscheduled(ctx context.Context, digest core.Digest, schedule string) (list []core.Installation, err error) {
	err = db.find(ctx, "postgres.Unscheduled", func(b *batch) {
		b.rows(func(s scanner) error {
			var in core.Installation
			err := s.Scan(&in.Workspace, &in.ID)
			list = append(list, in)
			return err
		}, `SELECT workspace, id FROM installations i
			WHERE digest = $1 AND NOT EXISTS (SELECT FROM deliveries d WHERE d.workspace = i.workspace AND d.install = i.id
				AND d.schedule = $2 AND d.schedule <> '' AND d.state IN ('pending', 'running', 'retry', 'held') OFFSET 0)`, digest, schedule)
	})
	return list, err
}
