package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// queued waits until n writes are in the committer's queue.
func (c *committer) queued(n int) {
	for len(c.queue) < n {
		runtime.Gosched()
	}
}

// hold keeps the committer busy in a write until release is closed.
func hold(db *DB) (release chan struct{}, done chan error) {
	db.committer.now = func() time.Time { return time.Time{} } // what holds it is no slow write
	release, done = make(chan struct{}), make(chan error, 1)
	entered := make(chan struct{})
	go func() {
		done <- db.Write(context.Background(), func(context.Context, *sql.Tx) error {
			close(entered)
			<-release
			return nil
		})
	}()
	<-entered
	return release, done
}

func makeTable(t *testing.T, db *DB) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE scratch (n INTEGER PRIMARY KEY) STRICT")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func insert(n int) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO scratch VALUES (?)", n)
		return err
	}
}

func scratch(t *testing.T, db *DB) string {
	t.Helper()
	var list sql.NullString
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT group_concat(n, ' ' ORDER BY n) FROM scratch").Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list.String
}

func TestWritesOfAGroupShareOneTransaction(t *testing.T) {
	db := openTest(t)
	makeTable(t, db)
	groups, writes := db.Groups()
	release, held := hold(db)
	const callers = 16
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			errs[i] = db.Write(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
				if err := insert(i)(ctx, tx); err != nil {
					return err
				}
				switch i {
				case 3:
					return core.E("test", core.Stale, "no")
				case 5:
					panic("a bug")
				}
				return nil
			})
		})
	}
	db.committer.queued(callers)
	close(release)
	wg.Wait()
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		want := core.Kind("")
		switch i {
		case 3:
			want = core.Stale
		case 5:
			want = core.Internal
		}
		if core.KindOf(err) != want {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := scratch(t, db); got != "0 1 2 4 6 7 8 9 10 11 12 13 14 15" {
		t.Errorf("written: %s", got)
	}
	nowGroups, nowWrites := db.Groups()
	if nowGroups-groups != 1 || nowWrites-writes != callers-2+1 {
		t.Errorf("%d writes in %d groups", nowWrites-writes, nowGroups-groups)
	}
}

func TestAWriteThatGaveUpWaitingIsNotDone(t *testing.T) {
	db := openTest(t)
	makeTable(t, db)
	release, held := hold(db)
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() { gone <- db.Write(ctx, insert(1)) }()
	db.committer.queued(1)
	cancel()
	close(release)
	if err := <-gone; core.KindOf(err) != core.Timeout || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-held
	if got := scratch(t, db); got != "" {
		t.Errorf("written: %s", got)
	}
}

// TestALostTransactionFailsItsWholeGroup rolls the transaction back under the
// committer, as SQLite does by itself when the disk is full.
func TestALostTransactionFailsItsWholeGroup(t *testing.T) {
	db := openTest(t)
	makeTable(t, db)
	release, held := hold(db)
	results := make(chan error, 2)
	go func() { results <- db.Write(context.Background(), insert(1)) }()
	db.committer.queued(1)
	go func() {
		results <- db.Write(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "ROLLBACK")
			return errors.Join(err, errors.New("disk full"))
		})
	}()
	db.committer.queued(2)
	close(release)
	for range 2 {
		if err := <-results; err == nil {
			t.Error("a write whose transaction was lost was reported as done")
		}
	}
	if err := <-held; core.KindOf(err) != core.Unavailable {
		t.Errorf("the first of the group: %v", err)
	}
	if got := scratch(t, db); got != "" {
		t.Errorf("written: %s", got)
	}
	if err := db.Write(t.Context(), insert(2)); err != nil || scratch(t, db) != "2" {
		t.Errorf("the next write: %v, %s", err, scratch(t, db))
	}
}

func TestCloseFinishesWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	makeTable(t, db)
	release, held := hold(db)
	results := make(chan error, 1)
	go func() { results <- db.Write(context.Background(), insert(1)) }()
	db.committer.queued(1)
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	<-db.committer.closing
	if err := db.Write(t.Context(), insert(2)); core.KindOf(err) != core.Unavailable {
		t.Errorf("a write while closing: %v", err)
	}
	close(release)
	if err := errors.Join(<-held, <-results, <-closed); err != nil {
		t.Error(err)
	}
	db, err = Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := scratch(t, db); got != "1" {
		t.Errorf("written: %s", got)
	}
}

// TestFault10_CommitsAreFlushedToDisk: an acknowledged commit survives a power
// failure only with synchronous=FULL.
func TestFault10_CommitsAreFlushedToDisk(t *testing.T) {
	db := openTest(t)
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
			var got string
			if err := tx.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Reader().ExecContext(t.Context(), "DELETE FROM heads"); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a reader could write: %v", err)
	}
}

func TestFault14_TwoServersOnOneFolder(t *testing.T) {
	dir := t.TempDir() + "/a folder?with=odd#characters%20"
	db, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), dir)
	if core.KindOf(err) != core.Unavailable || !strings.Contains(core.MessageOf(err), "in use by another Carrel server") {
		t.Errorf("a second one: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(t.Context(), dir)
	if err != nil {
		t.Fatal(fmt.Errorf("after the first has gone: %w", err))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
