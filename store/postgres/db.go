package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema is where Carrel's tables are, so that a database may have others.
const schema = "carrel"

// The roles of migrations/00001_roles.sql.
const (
	roleTenant   = "carrel_tenant"
	rolePlatform = "carrel_platform"
)

// The pools of one node, in connections. A connection is held for one batch of
// statements, never while a guest computes.
const (
	maxReads    = 16
	maxWrites   = 16
	maxPlatform = 8
	// Deleting a workspace takes a connection for as long as it has rows.
	maxDeletions = 2
	// Of one workspace the committer has one under way; the other is for a change of
	// who may do what.
	perWriter = 2
)

// How statements of a workspace's rows are planned: once, and along the indexes
// they were written for. A plan made while a table was small would read all of it
// for as long as the connection lives.
var plans = map[string]string{
	"plan_cache_mode":     "force_generic_plan",
	"enable_seqscan":      "off",
	"enable_bitmapscan":   "off",
	"enable_hashjoin":     "off",
	"enable_mergejoin":    "off",
	"enable_memoize":      "off", // of keys that nearly always differ
	"join_collapse_limit": "1",   // in the order they are written
	"jit":                 "off",
}

// What a connection may take: the server ends what takes longer, so that no node
// that died or stopped keeps others from a row.
var bounds = map[string]string{
	"statement_timeout":                   "30s",
	"lock_timeout":                        "20s",
	"idle_in_transaction_session_timeout": "10s",
}

// DB is a Postgres database. Its methods may be called concurrently.
type DB struct {
	reads     *pgxpool.Pool // of a workspace's rows, in one snapshot each
	writes    *pgxpool.Pool // of a workspace's rows
	platform  *pgxpool.Pool // of what is of no workspace
	reading   *turnstile    // before reads
	writing   *turnstile    // before writes
	deleting  chan struct{} // a place for each workspace that is being deleted
	committer *committer
	documents *documents
	here      *presence
	lease     *lease
	memory    memory
	wakes     *wakes
	clock     *clock

	// Who is asking, and where: what every request begins with, and ends with, unless
	// it is remembered.
	tokens      *gatherer[[32]byte, bearer]
	sessions    *gatherer[[32]byte, signedIn]
	memberships *gatherer[somebody, membership]
	workspaces  *gatherer[string, core.Workspace]
	epochs      *gatherer[core.WorkspaceID, int64]

	events *gatherer[core.EventID, core.Event] // of deliveries that are run side by side
}

// Open connects to a database and brings its schema up to date; of several nodes
// that start at once, one does. The URL's user owns the tables, and may make
// roles unless they are there. What can't be reached is Unavailable.
func Open(ctx context.Context, url string) (*DB, error) {
	const op = "postgres.Open"
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errAddress(op)
	}
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, notMigrated(op, config.ConnConfig, err)
	}
	db := &DB{reading: newTurnstile(maxReads / 4), writing: newTurnstile(perWriter), deleting: make(chan struct{}, maxDeletions), clock: newClock()}
	db.committer, db.documents = newCommitter(db), &documents{db: db}
	db.tokens, db.sessions = db.gathersTokens(), db.gathersSessions()
	db.memberships, db.workspaces, db.epochs = db.gathersMemberships(), db.gathersWorkspaces(), db.gathersEpochs()
	db.events = db.gathersEvents()
	for _, pool := range []struct {
		to   **pgxpool.Pool
		role string
		size int32
		set  map[string]string
	}{
		{&db.reads, roleTenant, maxReads, map[string]string{
			"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}},
		{&db.writes, roleTenant, maxWrites, nil},
		{&db.platform, rolePlatform, maxPlatform, nil},
	} {
		if *pool.to, err = connect(ctx, config, pool.role, pool.size, pool.set); err != nil {
			return nil, errors.Join(unreachable(op, config.ConnConfig, err), db.Close())
		}
	}
	if err := db.clock.read(ctx, db.platform); err != nil {
		return nil, errors.Join(unreachable(op, config.ConnConfig, err), db.Close())
	}
	here, err := newPresence(ctx, db, db.platform)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.lease = newLease(here.number, here.config, db.memory.forget)
	db.here, db.wakes = here, startWakes(here, db.clock.now, db.readClock)
	return db, nil
}

// errAddress says nothing of the driver's error, which may quote the address and
// with it the password.
func errAddress(op string) error {
	return core.E(op, core.Invalid, "--database-url is not an address of Postgres; write it like "+
		"postgres://user@host:5432/database, with the password in it, @ as %%40 and / as %%2F, or in PGPASSWORD.")
}

// notMigrated is the error of a schema that could not be brought up to date.
func notMigrated(op string, config *pgx.ConnConfig, err error) error {
	refusal, refused := asPgError(err)
	failed, begun := errors.AsType[*goose.PartialError](err)
	if !refused || !begun || goesDown(refusal) {
		return unreachable(op, config, err)
	}
	if refusal.Code == codeNoRight {
		return &core.Error{Op: op, Kind: core.Denied, Err: err,
			Msg: fmt.Sprintf("The user %s of --database-url may not make Carrel's tables and roles in the database %s. "+
				"Make it the database's owner, and have a superuser say: CREATE ROLE … NOLOGIN for each of %[3]s that is missing, and "+
				"GRANT %[3]s TO %[1]s. Postgres says: %[4]s",
				pgx.Identifier{config.User}.Sanitize(), config.Database, strings.Join([]string{roleTenant, rolePlatform, roleBackup}, ", "),
				refusal.Message)}
	}
	return &core.Error{Op: op, Kind: core.Internal, Err: err,
		Msg: fmt.Sprintf("The tables in the database %s can't be brought up to date: Postgres refuses change %d, and nothing of it is left. "+
			"The version before goes on with them. Postgres says: %s", config.Database, failed.Failed.Source.Version, refusal.Message)}
}

// unreachable says which server it was, and nothing of how to get in.
func unreachable(op string, config *pgx.ConnConfig, err error) error {
	if strings.Contains(config.Database, "@") { // the end of a password with a slash in it
		return errAddress(op)
	}
	return &core.Error{Op: op, Kind: core.Unavailable, Err: err,
		Msg: fmt.Sprintf("The database %s on %s can't be used. See that it runs and lets the user of --database-url in.",
			config.Database, config.Host)}
}

// migrate brings the schema up to date as the tables' owner. The lock is the
// database's: a second node waits, and then finds nothing left to do.
func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	config = config.Copy()
	config.RuntimeParams["search_path"] = schema
	owner := stdlib.OpenDB(*config)
	defer owner.Close() //nolint:errcheck // what it did is committed
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	// IF NOT EXISTS looks before it makes, and another node may be as far.
	_, err = owner.ExecContext(ctx, "DO $$ BEGIN CREATE SCHEMA IF NOT EXISTS "+schema+
		"; EXCEPTION WHEN duplicate_schema OR unique_violation THEN END $$")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(database.DialectPostgres, owner, sub, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// connect opens a pool whose connections have a role, and with it no more rights
// than that.
func connect(ctx context.Context, config *pgxpool.Config, role string, size int32, set map[string]string) (*pgxpool.Pool, error) {
	config = config.Copy()
	config.MaxConns = size
	params := config.ConnConfig.RuntimeParams
	params["search_path"], params["application_name"] = schema, role
	maps.Copy(params, bounds)
	maps.Copy(params, plans)
	maps.Copy(params, set)
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET ROLE "+role)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Ping fails while the database can't be read.
func (db *DB) Ping(ctx context.Context) error {
	return failed("postgres.Ping", db.platform.Ping(ctx))
}

// Groups returns how many transactions of units this node has made durable, and
// how many units were in them.
func (db *DB) Groups() (groups, writes int64) {
	return db.committer.groups.Load(), db.committer.writes.Load()
}

// Pools are the connections, by what they are for.
func (db *DB) Pools() map[string]store.Pool {
	of := func(pool *pgxpool.Pool) store.Pool {
		now := pool.Stat()
		return store.Pool{
			Busy: int(now.AcquiredConns()), Idle: int(now.IdleConns()), Waits: now.EmptyAcquireCount(), Waited: now.EmptyAcquireWaitTime(),
		}
	}
	return map[string]store.Pool{"read": of(db.reads), "write": of(db.writes), "platform": of(db.platform)}
}

// Acquired is how many connections are in use now.
func (db *DB) Acquired() int {
	return int(db.reads.Stat().AcquiredConns() + db.writes.Stat().AcquiredConns() + db.platform.Stat().AcquiredConns())
}

// Close waits for the statements under way and closes the connections. It may be
// called again.
func (db *DB) Close() error {
	if db.wakes != nil {
		db.lease.close()
		db.wakes.stop()
	}
	for _, pool := range []*pgxpool.Pool{db.reads, db.writes, db.platform} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}
