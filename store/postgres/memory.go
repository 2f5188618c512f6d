package postgres

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// memory is what every request asks for: who a token or a session belongs to, who is
// a member of what, and at which epoch each workspace is. It answers only while the
// node holds its lease: then no other node has been told that it changed any of it.
type memory struct {
	tokens      store.Shelf[[32]byte, bearer]
	sessions    store.Shelf[[32]byte, signedIn]
	memberships store.Shelf[somebody, membership]
	workspaces  store.Shelf[string, core.Workspace]
	epochs      store.Shelf[core.WorkspaceID, int64]
}

func (m *memory) forget() {
	m.tokens.Clear()
	m.sessions.Clear()
	m.memberships.Clear()
	m.workspaces.Clear()
	m.epochs.Clear()
}

// remembered answers from memory, or asks the database and remembers.
func remembered[Q comparable, A any](ctx context.Context, l *lease, kept *store.Shelf[Q, A], from *gatherer[Q, A], q Q) (A, error) {
	if !l.holds(time.Now()) {
		return from.ask(ctx, "", q)
	}
	return store.Recall(kept, q, func() (A, error) { return from.ask(ctx, "", q) })
}
