package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// depth is how much of the documents a scan reads.
type depth int

const (
	keysOnly     depth = iota // nothing: the entries themselves
	withVersions              // for a digest
	withBodies
)

// shape is what decides the statement of a scan.
type shape struct {
	ofIndex bool
	desc    bool
	depth   depth
}

// scans are the statements of all scans. Each walks the primary key of one
// table in its order and looks the documents up on the way, so that a reader
// may stop at any row without having paid for the rest.
var scans = func() map[shape]string {
	all := make(map[shape]string)
	for _, ofIndex := range []bool{false, true} {
		for _, desc := range []bool{false, true} {
			for _, d := range []depth{keysOnly, withVersions, withBodies} {
				s := shape{ofIndex, desc, d}
				all[s] = s.statement()
			}
		}
	}
	return all
}()

func (s shape) statement() string {
	columns := []string{"", ", coalesce(version, 0)", ", coalesce(version, 0), coalesce(schema, 0), body, coalesce(created, 0), coalesce(updated, 0)"}[s.depth]
	direction := ""
	if s.desc {
		direction = " DESC"
	}
	if !s.ofIndex {
		return "SELECT x'', id" + columns + " FROM documents WHERE " + inWorkspace + " AND tbl = ? AND id >= ? AND id < ?" +
			" ORDER BY id" + direction + " LIMIT ?"
	}
	entries := "SELECT key, id FROM entries WHERE " + inWorkspace + " AND idx = ? AND (key, id) >= (?, ?) AND (key, id) < (?, ?)"
	order := " ORDER BY key" + direction + ", e.id" + direction + " LIMIT ?"
	if s.depth == keysOnly {
		return "SELECT key, e.id FROM (" + entries + ") e" + order
	}
	return "SELECT key, e.id" + columns + " FROM (" + entries + ") e" +
		" LEFT JOIN (SELECT id, version, schema, body, created, updated FROM documents WHERE " + inWorkspace + " AND tbl = ?) d ON d.id = e.id" + order
}

// afterIDs is behind every document's id.
const afterIDs = "\x7f"

// scan visits the rows of a range in its order, limit of them at most (all when
// it is negative), until visit returns false.
func (s session) scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit int, d depth, visit func(store.Row) bool) error {
	args := []any{ws, r.Table, string(r.From.ID), string(r.To.ID), limit}
	if r.Index != 0 {
		args = []any{ws, r.Index, []byte(r.From.Key), string(r.From.ID), []byte(r.To.Key), string(r.To.ID)}
		if d > keysOnly {
			args = append(args, ws, r.Table)
		}
		args = append(args, limit)
	} else if r.To.Key != "" {
		args[3] = afterIDs
	}
	rows, err := s.rows(ctx, scans[shape{r.Index != 0, r.Desc, d}], args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	// Into fields of the row's own types database/sql would go by reflection, value by
	// value.
	var key sql.RawBytes
	var id string
	var version, schema, body, created, updated any
	into := []any{&key, &id, &version, &schema, &body, &created, &updated}[:[]int{2, 3, 7}[d]]
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		var row store.Row
		row.Position.Key, row.Position.ID = string(key), core.DocumentID(id)
		doc := &row.Document
		doc.ID = row.Position.ID
		doc.Version = integer(version)
		if d > keysOnly && doc.Version == 0 {
			return core.E("sqlite.Scan", core.Internal, "An index names a document that is not there.")
		}
		if d == withBodies {
			doc.Schema, doc.Body = int(integer(schema)), []byte(text(body))
			doc.Created, doc.Updated = time.UnixMicro(integer(created)).UTC(), time.UnixMicro(integer(updated)).UTC()
		}
		if !visit(row) {
			return nil
		}
	}
	return rows.Err()
}

// integer and text are what the driver gives for a column of that type.
func integer(v any) int64 { n, _ := v.(int64); return n }
func text(v any) string   { s, _ := v.(string); return s }

// Scan implements store.Backend.
func (d *documents) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (store.Rows, store.Moment, error) {
	depth := withBodies
	if r.KeysOnly {
		depth = keysOnly
	}
	var found store.Rows
	at, err := d.readOnce(ctx, ws, func(ctx context.Context, s session) error {
		bytes := 0
		found = store.Rows{}
		err := s.scan(ctx, ws, r, limit.Rows, depth, func(row store.Row) bool {
			found.Rows = append(found.Rows, row)
			bytes += len(row.Document.Body)
			return bytes < limit.Bytes
		})
		found.More = len(found.Rows) == limit.Rows || bytes >= limit.Bytes
		return err
	})
	return found, at, err
}

// digest is the store.Digest of what is in a range now.
func (s session) digest(ctx context.Context, ws core.WorkspaceID, r store.Range) (store.Digest, error) {
	depth := withVersions
	if r.KeysOnly {
		depth = keysOnly
	}
	r.Desc = false // a digest is of the rows in ascending order
	digester := store.NewDigester(r)
	err := s.scan(ctx, ws, r, store.MaxCounted+1, depth, func(row store.Row) bool {
		digester.Add(row.Position, row.Document.Version)
		return true
	})
	return digester.Sum(), err
}
