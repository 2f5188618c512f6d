package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/carrel-dev/carrel/core"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is one SQLite file, owned by this process alone: readers share a pool of
// read-only connections, and one committer is the only writer.
type DB struct {
	read      *sql.DB
	write     *sql.DB
	lock      *os.File
	committer *committer
}

// Open opens, or creates, the database `carrel.db` in dir and brings its schema
// up to date. A second process that opens the same folder is refused with
// Unavailable: SQLite would let it write, and two committers would each trust a
// memory the other makes stale.
func Open(ctx context.Context, dir string) (*DB, error) {
	const op = "sqlite.Open"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{lock: lock}
	if err := db.open(ctx, filepath.Join(dir, "carrel.db")); err != nil {
		return nil, errors.Join(core.Wrap(op, core.Unavailable, err), db.Close())
	}
	db.committer = startCommitter(db.write)
	return db, nil
}

func (db *DB) open(ctx context.Context, path string) (err error) {
	// synchronous=FULL: in WAL mode NORMAL may lose acknowledged commits on a
	// power failure. The pragma is per connection, so it is part of the name.
	if db.write, err = sql.Open("sqlite", dsn(path, "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "foreign_keys(1)")); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
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
	if db.read, err = sql.Open("sqlite", dsn(path, "query_only(1)", "busy_timeout(5000)")); err != nil {
		return err
	}
	readers := max(4, 2*runtime.NumCPU())
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return db.read.PingContext(ctx)
}

func dsn(path string, pragmas ...string) string {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	return (&url.URL{Scheme: "file", Opaque: path, RawQuery: query.Encode()}).String()
}

// Write runs fn in the committer's transaction, in a savepoint of its own: when
// fn fails, what it wrote is undone and the others of the group are not. It
// returns once the group is on disk. fn runs at most once; its error is
// returned as it is.
func (db *DB) Write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return db.committer.write(ctx, fn)
}

// Reader returns the read-only pool. Hold a connection for one query, never
// while a guest computes.
func (db *DB) Reader() *sql.DB { return db.read }

// Close waits for the committer to finish what it has taken on, and releases
// the folder.
func (db *DB) Close() error {
	if db.committer != nil {
		db.committer.stop()
	}
	var errs []error
	for _, pool := range []*sql.DB{db.read, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.lock.Close())...)
}

func lockDir(dir string) (*os.File, error) {
	const op = "sqlite.Open"
	file, err := os.OpenFile(filepath.Join(dir, "carrel.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
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
