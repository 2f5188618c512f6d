package sqlite

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Pulse says how far a workspace has come: the number of its last commit, and the
// last call on record, "" before the first. A page that is looked at asks twice a
// second, so it is two looks at the ends of indexes.
func (h History) Pulse(ctx context.Context, ws core.WorkspaceID) (commits int64, call core.InvocationID, err error) {
	const query = "SELECT coalesce((SELECT seq FROM heads WHERE " + inWorkspace + "), 0), " +
		"coalesce((SELECT id FROM invocations WHERE " + inWorkspace + " ORDER BY id DESC LIMIT 1), '')"
	err = h.db.read.QueryRowContext(ctx, query, ws, ws).Scan(&commits, &call)
	return commits, call, failed("sqlite.Pulse", err)
}
