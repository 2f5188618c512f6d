package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is one SQLite file, owned by this process alone: readers share a pool of
// read-only connections, and one committer is the only writer.
type DB struct {
	read      *sql.DB
	write     *sql.DB
	copy      *sql.DB // from the log into the file
	lock      *os.File
	committer *committer
	documents *documents
	memory    memory
	resumed   chan struct{} // holds one signal

	readStatements, writeStatements statements
}

// Open opens, or creates, the database `carrel.db` in dir and brings its schema
// up to date. A second process that opens the same folder is refused with
// Unavailable: SQLite would let it write, and two committers would each trust a
// memory the other makes stale.
func Open(ctx context.Context, dir string) (*DB, error) {
	const op = "sqlite.Open"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: "The data folder " + dir + " can't be made. Name one that can with --data."}
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{lock: lock, resumed: make(chan struct{}, 1)}
	db.documents = &documents{db: db}
	path := filepath.Join(dir, "carrel.db")
	if err := keepPrivate(path); err != nil {
		return nil, errors.Join(core.Wrap(op, core.Unavailable, err), db.Close())
	}
	if err := db.open(ctx, path); err != nil {
		return nil, errors.Join(core.Wrap(op, core.Unavailable, err), db.Close())
	}
	db.committer = startCommitter(db.write, db.writeStatements, &db.memory.moments, startCheckpointer(db.copy))
	return db, nil
}

func (db *DB) open(ctx context.Context, path string) (err error) {
	// synchronous=FULL: in WAL mode NORMAL may lose acknowledged commits on a
	// power failure. The pragma is per connection, so it is part of the name.
	if db.write, err = open(path, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "wal_autocheckpoint(0)"); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if db.copy, err = open(path, "deferred", "synchronous(FULL)", "wal_autocheckpoint(0)"); err != nil {
		return err
	}
	db.copy.SetMaxOpenConns(1)
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(database.DialectSQLite3, db.write, sub)
	if err != nil {
		return err
	}
	if _, err = provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if db.read, err = open(path, "deferred", "query_only(1)"); err != nil {
		return err
	}
	readers := max(4, 2*runtime.NumCPU())
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	reads := slices.AppendSeq(slices.Clone(readQueries), maps.Values(scans))
	if db.readStatements, err = prepare(ctx, db.read, reads); err != nil {
		return err
	}
	db.writeStatements, err = prepare(ctx, db.write, append(reads, writeQueries...))
	return err
}

// open opens a pool of connections to the file, with the pragmas each of them
// begins with.
func open(path, lock string, pragmas ...string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	pragmas = append(pragmas, "busy_timeout(5000)", "cache_size(-16384)", "temp_store(memory)")
	query := url.Values{"_txlock": {lock}, "_pragma": pragmas}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
}

// querier is what pools and transactions have in common for reading.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Write runs fn in the committer's transaction, in a savepoint of its own: when
// fn fails, what it wrote is undone and the others of the group are not. It
// returns once the group is on disk. fn runs at most once and must not call
// Write; its error is returned as it is. A ctx that ends while fn waits for its
// turn is a Timeout, and fn does not run.
//
// What is remembered of accounts, tokens, sessions, members and workspaces is
// forgotten before it returns, as fn may have changed any of it.
func (db *DB) Write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return db.writeOf(ctx, "", fn)
}

// writeOf is Write for what is a workspace's: it takes turns with others'.
func (db *DB) writeOf(ctx context.Context, ws core.WorkspaceID, fn func(context.Context, *sql.Tx) error) error {
	inTransaction := func(ctx context.Context, s session) error { return fn(ctx, s.tx) }
	return db.committer.write(ctx, ws, inTransaction, func(error) { db.memory.forget() })
}

// writeData is Write for what changes nothing that is remembered: log, usage,
// deliveries, documents. An empty workspace stands for many.
func (db *DB) writeData(ctx context.Context, ws core.WorkspaceID, fn func(context.Context, session) error) error {
	return db.committer.write(ctx, ws, fn, func(error) {})
}

// Groups returns how many transactions the committer has made durable, and how
// many writes were in them.
func (db *DB) Groups() (groups, writes int64) {
	return db.committer.groups.Load(), db.committer.writes.Load()
}

// Reader returns the read-only pool. Hold a connection for one query, never
// while a guest computes.
func (db *DB) Reader() *sql.DB { return db.read }

// Pools are the connections, by what they are for.
func (db *DB) Pools() map[string]store.Pool {
	of := func(pool *sql.DB) store.Pool {
		now := pool.Stats()
		return store.Pool{Busy: now.InUse, Idle: now.Idle, Waits: now.WaitCount, Waited: now.WaitDuration}
	}
	return map[string]store.Pool{"read": of(db.read), "write": of(db.write)}
}

// Close waits for the committer to finish what it has taken on, and releases
// the folder.
func (db *DB) Close() error {
	if db.committer != nil {
		db.committer.stop()
	}
	errs := []error{db.readStatements.close(), db.writeStatements.close()}
	for _, pool := range []*sql.DB{db.read, db.copy, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.lock.Close())...)
}

// keepPrivate makes the database readable by its owner alone, before there is
// anything in it. SQLite gives the files it puts beside it the same mode,
// whatever the umask; those of an earlier process are set right here.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Chmod(path+suffix, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func lockDir(dir string) (*os.File, error) {
	const op = "sqlite.Open"
	file, err := os.OpenFile(filepath.Join(dir, "carrel.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Err: err,
			Msg: "The data folder " + dir + " can't be written. It must belong to whoever runs the server."}
	}
	if err := file.Chmod(0o600); err != nil { // an earlier one may be readable by all
		file.Close()
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, core.E(op, core.Unavailable,
			"The data in %s is in use by another Carrel server (process %s). Stop it, or give this one another folder with --data.",
			dir, strings.TrimSpace(string(holder)))
	}
	if err := file.Truncate(0); err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
		if err != nil {
			file.Close()
			return nil, core.Wrap(op, core.Unavailable, err)
		}
	}
	return file, nil
}

// Now is the time by this machine's clock: there is no other node.
func (*DB) Now() time.Time { return time.Now() }

// Ping fails while the file can't be read.
func (db *DB) Ping(ctx context.Context) error {
	var tables int64
	return failed("sqlite.Ping", db.read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables))
}
