package archive

import (
	"context"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// Erase deletes everything of a workspace, and returns how many rows that were in
// each table. After it there is none, or it fails. The caller commits.
func Erase(ctx context.Context, to Transaction, ws core.WorkspaceID) (rows map[string]int64, err error) {
	const op = "archive.Erase"
	if rows, err = Count(ctx, to, ws); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	// Its moment goes first: every commit waits for that.
	order := slices.Clone(Tables)
	slices.Reverse(order)
	for _, t := range append([]Table{known("heads")}, order...) {
		if t.Workspace == "" {
			continue
		}
		if err := to.Delete(ctx, t, ws); err != nil {
			return nil, core.Wrap(op, core.Unavailable, err)
		}
	}
	left, err := Count(ctx, to, ws)
	for name, n := range left {
		if n > 0 && err == nil {
			err = core.E(op, core.Unavailable, "%d rows are left in %s: somebody wrote them meanwhile. Nothing was changed; try again.", n, name)
		}
	}
	return rows, core.Wrap(op, core.Unavailable, err)
}

// Count counts the rows of a workspace in each table that has such rows.
func Count(ctx context.Context, from Snapshot, ws core.WorkspaceID) (map[string]int64, error) {
	rows := map[string]int64{}
	for _, t := range Tables {
		if t.Workspace == "" {
			continue
		}
		var n int64
		err := from.Rows(ctx, t, ws, func(Row) error { n++; return nil })
		if err != nil {
			return nil, err
		}
		rows[t.Name] = n
	}
	return rows, nil
}
