package postgres

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

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

// TestPlatformThroughTwoNodes runs the suite of what is around the documents with
// everything written at one node, and who is asking, and whether that is so still,
// asked at another: what ends there ends here with the next question.
func TestPlatformThroughTwoNodes(t *testing.T) {
	storetest.RunPlatform(t, func(t *testing.T) storetest.Platform {
		p := openPlatform(t)
		return twoNodes{p, openURL(t, p.url)}
	})
}

// twoNodes is a platform whose every request comes to another node.
type twoNodes struct {
	platform
	other *DB
}

func (p twoNodes) TokenByHash(ctx context.Context, hash [32]byte) (core.Token, core.Account, error) {
	return p.other.TokenByHash(ctx, hash)
}

// TouchToken is for who has just been told when it was used last.
func (p twoNodes) TouchToken(ctx context.Context, id core.TokenID, used time.Time) error {
	return p.other.TouchToken(ctx, id, used)
}

func (p twoNodes) SessionByHash(ctx context.Context, hash [32]byte) (core.Session, core.Account, error) {
	return p.other.SessionByHash(ctx, hash)
}

func (p twoNodes) Membership(ctx context.Context, ref string, account core.AccountID) (core.Workspace, core.Member, error) {
	return p.other.Membership(ctx, ref, account)
}

func (p twoNodes) Workspace(ctx context.Context, ref string) (core.Workspace, error) {
	return p.other.Workspace(ctx, ref)
}

func (p twoNodes) Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []store.Observation) error {
	return p.other.Documents().Validate(ctx, ws, epoch, seen)
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

func (b *inTurn) Blob(ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest) (*core.Blob, store.Moment, error) {
	return b.next().Blob(ctx, ws, plugin, digest)
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
