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
	at, err := d.readOnce(ctx, ws, func(ctx context.Context, s session) (err error) {
		doc, err = s.document(ctx, ws, table, id)
		return err
	})
	return doc, at, err
}

// Receipt implements store.Backend.
func (d *documents) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (*core.Receipt, store.Moment, error) {
	var receipt *core.Receipt
	at, err := d.readOnce(ctx, ws, func(ctx context.Context, s session) error {
		receipt = nil
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
	at, err = d.readOnce(ctx, ws, func(ctx context.Context, s session) (err error) {
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
