package app

import (
	"context"
	"errors"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/postgres"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// database is where a server keeps everything: one file of its own, or a Postgres
// that several nodes share.
type database interface {
	account.Store
	workspace.InstallationStore
	billing.Store
	events.Store
	store.Invocations
	Documents() store.Backend

	// Digests lists the releases that any workspace has installed, and Unscheduled
	// the installations of one for which no occurrence of a schedule waits.
	Digests(ctx context.Context) ([]core.Digest, error)
	Unscheduled(ctx context.Context, digest core.Digest, schedule string) ([]core.Installation, error)

	// SecretKeys are the keys that secrets may be sealed with, by their ids, and
	// PutSecretKey notes the state of one, unless there is another than those known.
	// Scrub leaves nothing of what was changed; Timeout: it can't do so now.
	SecretKeys(ctx context.Context) (map[string]core.KeyState, error)
	PutSecretKey(ctx context.Context, id string, state core.KeyState, known ...string) error
	Scrub(ctx context.Context) error

	// Groups are the transactions that were made durable, and the writes in them.
	Groups() (groups, writes int64)
	Pools() map[string]store.Pool
	Ping(ctx context.Context) error
	// Now is the time that all nodes of the database go by.
	Now() time.Time
	Close() error
}

// records are what happened in the workspaces of a database.
type records interface {
	Events(ctx context.Context, ws core.WorkspaceID, eventType string, before core.EventID, limit int) ([]core.Event, error)
	Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error)
	DeliveriesOf(ctx context.Context, ws core.WorkspaceID, events []core.EventID) ([]core.Delivery, error)
	Deliveries(ctx context.Context, ws core.WorkspaceID, state core.DeliveryState, before core.DeliveryID, limit int) ([]core.Delivery, error)
	Delivery(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID) (core.Delivery, error)
	Attempts(ctx context.Context, ws core.WorkspaceID, deliveries []core.DeliveryID) ([]core.InvocationRecord, error)
	Invocations(ctx context.Context, ws core.WorkspaceID, before core.InvocationID, limit int) ([]core.InvocationRecord, error)
	Invocation(ctx context.Context, ws core.WorkspaceID, id core.InvocationID) (core.InvocationRecord, error)
	Pulse(ctx context.Context, ws core.WorkspaceID) (commits int64, call core.InvocationID, err error)
	Redrive(ctx context.Context, ws core.WorkspaceID, id core.DeliveryID, entry core.AuditEntry) (core.Delivery, error)
}

// openDatabase opens the Postgres at url or, without one, the file in the data
// folder. The caller closes it.
func openDatabase(ctx context.Context, url, dataDir string) (database, records, error) {
	if url != "" {
		db, err := postgres.Open(ctx, url)
		if err != nil {
			return nil, nil, err
		}
		return db, db.History(), nil
	}
	db, err := sqlite.Open(ctx, dataDir)
	if err != nil {
		return nil, nil, err
	}
	return db, db.History(), nil
}

// Accounts opens the accounts of a database, for commands beside a server; url and
// dataDir are as in Config. The caller calls shut.
func Accounts(ctx context.Context, url, dataDir string) (_ *account.Service, _ account.Store, shut func() error, err error) {
	db, _, err := openDatabase(ctx, url, dataDir)
	if err != nil {
		return nil, nil, nil, err
	}
	accounts, err := account.New(ctx, account.Config{Store: db, Now: db.Now})
	if err != nil {
		return nil, nil, nil, errors.Join(err, db.Close())
	}
	return accounts, db, db.Close, nil
}
