package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Document implements store.Backend.
func (d *documents) Document(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (*core.Document, store.Moment, error) {
	var doc *core.Document
	at, err := d.read(ctx, ws, func(s session, _ store.Moment) (err error) {
		doc, err = s.document(ctx, ws, table, id)
		return err
	})
	return doc, at, err
}

// Scan implements store.Backend.
func (d *documents) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (store.Rows, store.Moment, error) {
	var found store.Rows
	at, err := d.read(ctx, ws, func(s session, _ store.Moment) error {
		places, err := s.positions(ctx, ws, r, limit.Rows)
		if err != nil {
			return err
		}
		found.More = len(places) == limit.Rows
		found.Rows = make([]store.Row, 0, len(places))
		bytes := 0
		for _, p := range places {
			row := store.Row{Position: p, Document: core.Document{ID: p.ID}}
			if !r.KeysOnly {
				doc, err := s.document(ctx, ws, r.Table, p.ID)
				if err != nil {
					return err
				}
				if doc == nil {
					return core.E("sqlite.Scan", core.Internal, "An index names a document that is not there.")
				}
				row.Document = *doc
				bytes += len(doc.Body)
			}
			found.Rows = append(found.Rows, row)
			if bytes >= limit.Bytes && len(found.Rows) < len(places) {
				found.More = true
				break
			}
		}
		return nil
	})
	return found, at, err
}

// Receipt implements store.Backend.
func (d *documents) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (*core.Receipt, store.Moment, error) {
	var receipt *core.Receipt
	at, err := d.read(ctx, ws, func(s session, _ store.Moment) error {
		var hash, answer []byte
		var created int64
		switch err := s.row(ctx, selectReceipt, ws, scope, key).Scan(&hash, &answer, &created); {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		receipt = &core.Receipt{Scope: scope, Key: key, Answer: answer, Created: time.UnixMicro(created).UTC()}
		if copy(receipt.RequestHash[:], hash) != len(receipt.RequestHash) {
			return core.E("sqlite.Receipt", core.Internal, "A stored receipt has no whole request hash.")
		}
		return nil
	})
	return receipt, at, err
}

// Ask implements store.Backend.
func (d *documents) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (answer store.Answer, at store.Moment, err error) {
	at, err = d.read(ctx, ws, func(s session, _ store.Moment) (err error) {
		answer, err = s.answer(ctx, ws, q)
		return err
	})
	return answer, at, err
}

func (s session) head(ctx context.Context, ws core.WorkspaceID) (store.Moment, error) {
	return scanHead(s.row(ctx, selectHead, ws))
}

func (s session) document(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (*core.Document, error) {
	doc := core.Document{ID: id}
	var created, updated int64
	var body []byte
	err := s.row(ctx, selectDocument, ws, table, id).Scan(&doc.Version, &doc.Schema, &body, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc.Body = body
	doc.Created, doc.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return &doc, nil
}

// afterIDs is behind every document's id.
const afterIDs = "\x7f"

// positions lists the places of a range in its order, limit of them at most, or
// all when limit is negative.
func (s session) positions(ctx context.Context, ws core.WorkspaceID, r store.Range, limit int) ([]store.Position, error) {
	var rows *sql.Rows
	var err error
	if r.Index == 0 {
		query, to := selectTable, string(r.To.ID)
		if r.To.Key != "" {
			to = afterIDs
		}
		if r.Desc {
			query = selectTableDesc
		}
		rows, err = s.rows(ctx, query, ws, r.Table, string(r.From.ID), to, limit)
	} else {
		query := selectEntries
		if r.Desc {
			query = selectEntriesDesc
		}
		rows, err = s.rows(ctx, query, ws, r.Index, []byte(r.From.Key), string(r.From.ID), []byte(r.To.Key), string(r.To.ID), limit)
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var places []store.Position
	for rows.Next() {
		var p store.Position
		if r.Index == 0 {
			err = rows.Scan(&p.ID)
		} else {
			err = rows.Scan(&p.Key, &p.ID)
		}
		if err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, rows.Err()
}
