package postgres

import (
	"context"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// span is the condition of a range's rows, and its arguments behind the
// workspace. Each statement made of it walks the primary key of one table.
func span(r store.Range) (from, where string, args []any) {
	if r.Index == 0 {
		to := string(r.To.ID)
		if r.To.Key != "" {
			to = afterIDs
		}
		return "documents", "tbl = $2 AND id >= $3 AND id < $4", []any{int64(r.Table), idBound(string(r.From.ID)), idBound(to)}
	}
	return "entries", "idx = $2 AND (key, id) >= ($3, $4) AND (key, id) < ($5, $6)", []any{
		int64(r.Index), []byte(r.From.Key), idBound(string(r.From.ID)), []byte(r.To.Key), idBound(string(r.To.ID))}
}

// afterIDs is behind every document's id.
const afterIDs = "\x7f"

// idBound is a bound among ids. The place right behind one is written with a NUL,
// which text can't hold; as all ids have one length, a higher byte is as good.
func idBound(id string) string { return strings.ReplaceAll(id, "\x00", "\x01") }

// documentOf finds an entry's document, one by one: a join could read all
// documents of the table first.
const documentOf = " LEFT JOIN LATERAL (SELECT version, schema, body, created, updated FROM documents d WHERE d." + inWorkspace +
	" AND d.tbl = %table AND d.id = e.id LIMIT 1) d ON true"

// scan is the statement that reads the first rows of a range in its order, as far
// as the limits go, and the one behind.
func scan(ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (query string, args []any) {
	from, where, args := span(r)
	args = append([]any{ws}, args...)
	arg := func(value any) string { args = append(args, value); return place(len(args)) }
	order := " ORDER BY key, id"
	if r.Desc {
		order = " ORDER BY key DESC, id DESC"
	}
	if r.Index == 0 {
		order = strings.NewReplacer("key, ", "", "key DESC, ", "").Replace(order)
	}
	first := " FROM " + from + " WHERE " + inWorkspace + " AND " + where + order + " LIMIT " + arg(limit.Rows)
	switch {
	case r.KeysOnly && r.Index == 0:
		return "SELECT ''::bytea, id" + first, args
	case r.KeysOnly:
		return "SELECT key, id" + first, args
	case r.Index == 0:
		query = "SELECT ''::bytea AS key, id, version, schema, body, created, updated" + first
	default:
		query = "SELECT * FROM (SELECT key, id" + first + ") e" + strings.ReplaceAll(documentOf, "%table", arg(int64(r.Table)))
	}
	// The lengths of bodies are known without reading them; those behind the limit are not read.
	return "SELECT key, id, version, schema, body, created, updated FROM (SELECT *, sum(octet_length(body)) OVER (" + order +
		" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (" + query + ") found) counted" +
		" WHERE coalesce(before, 0) < " + arg(int64(limit.Bytes)) + order, args
}

// Scan implements store.Backend.
func (d *documents) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (found store.Rows, at store.Moment, err error) {
	query, args := scan(ws, r, limit)
	bytes := 0
	err = d.db.read(ctx, "postgres.Scan", ws, func(b *batch) {
		b.head(ws, &at)
		b.rows(func(s scanner) error {
			row, err := scanRow(s, r.KeysOnly)
			found.Rows = append(found.Rows, row)
			bytes += len(row.Document.Body)
			return err
		}, query, args...)
	})
	found.More = len(found.Rows) == limit.Rows || bytes >= limit.Bytes
	return found, at, err
}

func scanRow(s scanner, keysOnly bool) (row store.Row, err error) {
	var key []byte
	if keysOnly {
		err = s.Scan(&key, &row.Position.ID)
		row.Position.Key, row.Document.ID = string(key), row.Position.ID
		return row, err
	}
	var version, schema, created, updated *int64
	var body *string
	if err := s.Scan(&key, &row.Position.ID, &version, &schema, &body, &created, &updated); err != nil {
		return row, err
	}
	if version == nil {
		return row, core.E("postgres.Scan", core.Internal, "An index names a document that is not there.")
	}
	row.Position.Key = string(key)
	row.Document = core.Document{
		ID: row.Position.ID, Version: *version, Schema: int(*schema), Body: []byte(*body),
		Created: fromMicros(*created), Updated: fromMicros(*updated),
	}
	return row, nil
}
