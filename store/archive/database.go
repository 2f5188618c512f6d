package archive

import (
	"context"

	"github.com/carrel-dev/carrel/core"
)

// Row is the values of one row, in the order of its table's columns.
type Row []any

// Snapshot is a database at one moment. It is used by one goroutine.
type Snapshot interface {
	// Rows calls each with the rows of a table, sorted by its key as bytes: of one
	// workspace, or of all when it is empty. The row is each's to keep.
	Rows(ctx context.Context, t Table, ws core.WorkspaceID, each func(Row) error) error
	// Close ends it. What a Transaction has not committed is undone.
	Close() error
}

// Transaction changes a database, all or nothing. What it reads is what it has
// changed.
type Transaction interface {
	Snapshot
	// Delete empties a table: of one workspace's rows, or of all when it is empty.
	Delete(ctx context.Context, t Table, ws core.WorkspaceID) error
	// Insert adds rows to a table, in their order. They have all a number, in tables
	// that have them, or none of them.
	Insert(ctx context.Context, t Table, rows []Row) error
	Commit(ctx context.Context) error
}

// A batch is what is inserted at a time.
const (
	batchRows  = 500
	batchBytes = 4 << 20
)

// batch gathers rows of one table.
type batch struct {
	to    Transaction
	table Table
	rows  []Row
	size  int
}

func (b *batch) add(ctx context.Context, row Row) error {
	b.rows = append(b.rows, row)
	for _, value := range row {
		switch v := value.(type) {
		case string:
			b.size += len(v)
		case []byte:
			b.size += len(v)
		}
	}
	if len(b.rows) < batchRows && b.size < batchBytes {
		return nil
	}
	return b.flush(ctx)
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.rows) == 0 {
		return nil
	}
	err := b.to.Insert(ctx, b.table, b.rows)
	b.rows, b.size = nil, 0
	return err
}
