package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrel-dev/carrel/core"
)

// applyChange writes one platform change of a unit of work, in the unit's own
// savepoint: an error undoes the whole unit.
func applyChange(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, ch core.Change) error {
	switch ch.(type) {
	default:
		return core.E("sqlite.Commit", core.Internal, "This database cannot store a %T.", ch)
	}
}
