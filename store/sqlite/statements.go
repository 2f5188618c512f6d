package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The statements of the document engine. They and those of deliveries are prepared
// once per connection: reading a statement takes SQLite longer than doing it.
const (
	selectHead = "SELECT seq, auth_epoch FROM heads WHERE " + inWorkspace

	selectDocument = "SELECT version, schema, body, created, updated FROM documents WHERE " + inWorkspace + " AND tbl = ? AND id = ?"
	selectVersion  = "SELECT version FROM documents WHERE " + inWorkspace + " AND tbl = ? AND id = ?"
	selectHolder   = "SELECT id FROM unique_entries WHERE " + inWorkspace + " AND idx = ? AND key = ?"
	selectReceipt  = "SELECT request_hash, answer, created FROM receipts WHERE " + inWorkspace + " AND scope = ? AND key = ?"
	selectSum      = "SELECT coalesce(sum(quantity), 0) FROM usage_sums WHERE " + inWorkspace + " AND meter = ?"

	bumpSeq = "INSERT INTO heads (workspace, seq, auth_epoch) VALUES (?, 1, 0) ON CONFLICT (workspace) DO UPDATE SET seq = seq + 1 RETURNING seq, auth_epoch"

	insertDocument = "INSERT INTO documents (workspace, tbl, id, version, schema, body, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	updateDocument = "UPDATE documents SET version = ?, schema = ?, body = ?, updated = ? WHERE " + inWorkspace + " AND tbl = ? AND id = ? AND version = ?"
	deleteDocument = "DELETE FROM documents WHERE " + inWorkspace + " AND tbl = ? AND id = ? AND version = ?"
	deleteEntry    = "DELETE FROM entries WHERE " + inWorkspace + " AND idx = ? AND key = ? AND id = ?"
	insertUnique   = "INSERT INTO unique_entries (workspace, idx, key, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	deleteUnique   = "DELETE FROM unique_entries WHERE " + inWorkspace + " AND idx = ? AND key = ? AND id = ?"
)

// insertEntries put a document into 1, 2, 4 and 8 indexes. What was done before one
// failed is undone with its savepoint: OR FAIL spares SQLite from keeping, for each
// statement, what the pages were like that it writes to.
var insertEntries = [...]string{entriesOf(1), entriesOf(2), entriesOf(4), entriesOf(8)}

func entriesOf(n int) string {
	query := "INSERT OR FAIL INTO entries (workspace, id, idx, key) VALUES (?1, ?2, ?3, ?4)"
	for i := 2; i <= n; i++ {
		query += fmt.Sprintf(", (?1, ?2, ?%d, ?%d)", 2*i+1, 2*i+2)
	}
	return query
}

var readQueries = []string{
	selectHead, selectDocument, selectVersion, selectHolder, selectReceipt, selectSum, selectBlob, selectCounted, selectEvent, dueQuery, ripeQuery, turnQuery, nextOfQuery, nextQuery,
}

var writeQueries = append(insertEntries[:], []string{
	bumpSeq, insertDocument, updateDocument, deleteDocument, deleteEntry, insertUnique, deleteUnique,
	insertEvents.one, insertEvents.several, insertDeliveries.one, insertDeliveries.several, waitingQuery, listeningQuery, ripenQuery, claimQuery, completeQuery, holdQuery, setAsideQuery, failQuery,
	insertInvocations.one, insertInvocations.several,
	beginUnit, undoUnit, endUnit,
}...)

// statements are prepared on a pool, by their text.
type statements map[string]*sql.Stmt

func prepare(ctx context.Context, pool *sql.DB, queries []string) (statements, error) {
	prepared := make(statements)
	for _, q := range queries {
		stmt, err := pool.PrepareContext(ctx, q)
		if err != nil {
			return nil, errors.Join(err, prepared.close())
		}
		prepared[q] = stmt
	}
	return prepared, nil
}

func (s statements) close() error {
	var errs []error
	for _, stmt := range s {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}
