package postgres

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres/pgtest"
	"github.com/carrel-dev/carrel/store/storetest"
)

// TestDocumentsThroughTwoNodes runs the suite of every backend with each question
// and each commit at another of two nodes: write skew, phantoms, increments and
// all else are decided in the database.
func TestDocumentsThroughTwoNodes(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend {
		url := pgtest.Open(t)
		return &inTurn{nodes: [2]store.Backend{openURL(t, url).Documents(), openURL(t, url).Documents()}}
	})
}

// inTurn is two nodes of one database, asked in turn.
type inTurn struct {
	nodes [2]store.Backend
	asked atomic.Uint64
}

func (b *inTurn) next() store.Backend { return b.nodes[b.asked.Add(1)%2] }

func (b *inTurn) Numbers(ctx context.Context, names []string) ([]store.Number, error) {
	return b.next().Numbers(ctx, names)
}

func (b *inTurn) Document(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (*core.Document, store.Moment, error) {
	return b.next().Document(ctx, ws, table, id)
}

func (b *inTurn) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (store.Rows, store.Moment, error) {
	return b.next().Scan(ctx, ws, r, limit)
}

func (b *inTurn) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (*core.Receipt, store.Moment, error) {
	return b.next().Receipt(ctx, ws, scope, key)
}

func (b *inTurn) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (store.Answer, store.Moment, error) {
	return b.next().Ask(ctx, ws, q)
}

func (b *inTurn) Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []store.Observation) error {
	return b.next().Validate(ctx, ws, epoch, seen)
}

func (b *inTurn) Commit(ctx context.Context, ws core.WorkspaceID, unit store.Batch) (int64, error) {
	return b.next().Commit(ctx, ws, unit)
}
