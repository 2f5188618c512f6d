package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// database is what a house needs of a store.
type database interface {
	events.Store
	store.Invocations
	Documents() store.Backend
	Access(ctx context.Context, ws core.WorkspaceID) (core.Access, error)
	Change(ctx context.Context, ws core.WorkspaceID, decide func(core.Access) ([]core.Change, error)) error
	CreateAccount(ctx context.Context, a core.Account) error
	CreateWorkspace(ctx context.Context, w core.Workspace, owner core.AccountID, c core.Contract, entry core.AuditEntry) error
	Groups() (groups, writes int64)
	Now() time.Time
	Close() error
}

// records are the events and deliveries of a database.
type records interface {
	Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error)
	Deliveries(ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int) ([]core.Delivery, error)
}

// openStore opens an empty database: a file in a folder or, if there is one, in
// Postgres.
func openStore(ctx context.Context, dir string, pg *machine.Postgres) (database, records, error) {
	if pg == nil {
		db, err := sqlite.Open(ctx, filepath.Join(dir, "data"))
		if err != nil {
			return nil, nil, err
		}
		return db, db.History(), nil
	}
	url, err := pg.Database(ctx, "events")
	if err != nil {
		return nil, nil, err
	}
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	return db, db.History(), nil
}
