package sqlite

import (
	"context"
	"slices"
	"strings"
)

// rowsAtOnce is how many rows a statement inserts, if there are as many: beginning
// and ending one takes longer than adding a row.
const rowsAtOnce = 16

// inserts are a statement that adds a row, and the same for several.
type inserts struct{ one, several string }

// newInsert makes the statements of what stands before the rows, a row, and what
// stands behind them. Those that may fail say OR FAIL: what was done before is undone
// with the unit's savepoint, and SQLite needn't keep what the pages were like that the
// statement writes to.
func newInsert(before, row, behind string) inserts {
	return inserts{before + " VALUES " + row + behind, before + " VALUES " + strings.Repeat(row+", ", rowsAtOnce-1) + row + behind}
}

// execEach inserts a row for each item, whose values are appended by what is given:
// as what the driver takes them to be, as database/sql would ask reflection about each.
func execEach[T any](ctx context.Context, s session, in inserts, items []T, values func(args []any, item *T) []any) error {
	var args []any
	for some := range slices.Chunk(items, rowsAtOnce) {
		if len(some) == rowsAtOnce {
			args = args[:0]
			for i := range some {
				args = values(args, &some[i])
			}
			if _, err := s.exec(ctx, in.several, args...); err != nil {
				return err
			}
			continue
		}
		for i := range some {
			if _, err := s.exec(ctx, in.one, values(args[:0], &some[i])...); err != nil {
				return err
			}
		}
	}
	return nil
}
