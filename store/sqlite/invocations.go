package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	invocationQueue = 4096                   // records that wait; more are dropped, and counted
	invocationBatch = 256                    // records a transaction writes
	invocationDelay = 250 * time.Millisecond // the longest a record waits for others
)

// InvocationLog writes the log of invocations in the background, so that a
// query costs no transaction. A crash loses what was recorded in the last
// quarter of a second.
type InvocationLog struct {
	db      *DB
	logger  *slog.Logger
	queue   chan core.InvocationRecord
	dropped atomic.Int64
	closing chan struct{}
	once    sync.Once
	done    chan struct{}
}

// NewInvocationLog starts a log. Close it before the DB.
func NewInvocationLog(db *DB, logger *slog.Logger) *InvocationLog {
	l := &InvocationLog{
		db: db, logger: logger,
		queue:   make(chan core.InvocationRecord, invocationQueue),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go l.run()
	return l
}

// Record adds a record, without waiting. When the disk is so far behind that
// the queue is full the record is dropped, in the workspace's favour.
func (l *InvocationLog) Record(r core.InvocationRecord) {
	select {
	case l.queue <- r:
	default:
		l.dropped.Add(1)
	}
}

// Close writes what was recorded and ends the log.
func (l *InvocationLog) Close() {
	l.once.Do(func() { close(l.closing) })
	<-l.done
}

func (l *InvocationLog) run() {
	defer close(l.done)
	for {
		select {
		case first := <-l.queue:
			l.write(l.batch(first))
		case <-l.closing:
			for {
				select {
				case first := <-l.queue:
					l.write(l.batch(first))
				default:
					return
				}
			}
		}
	}
}

// batch gathers the records that follow the first within the delay.
func (l *InvocationLog) batch(first core.InvocationRecord) []core.InvocationRecord {
	batch := []core.InvocationRecord{first}
	timer := time.NewTimer(invocationDelay)
	defer timer.Stop()
	for len(batch) < invocationBatch {
		select {
		case next := <-l.queue:
			batch = append(batch, next)
		case <-timer.C:
			return batch
		case <-l.closing:
			select {
			case next := <-l.queue:
				batch = append(batch, next)
			default:
				return batch
			}
		}
	}
	return batch
}

func (l *InvocationLog) write(batch []core.InvocationRecord) {
	err := l.db.writeData(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		// A call may end after its workspace was deleted: nothing is kept of that.
		insert, err := tx.PrepareContext(ctx, `INSERT INTO invocations
			(workspace, id, install, handler, kind, trigger, outcome, runs, fuel, duration, error, started, delivery, attempt, log, request)
			SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM workspaces WHERE id = ?`)
		if err != nil {
			return err
		}
		defer insert.Close() //nolint:errcheck // its transaction ends
		for _, r := range batch {
			if _, err := insert.ExecContext(ctx, r.ID, r.Install, r.Handler, r.Kind, r.Trigger, r.Outcome,
				r.Runs, r.Fuel, r.Duration.Microseconds(), r.Error, micros(r.Started), r.Delivery, r.Attempt, encodeLog(r.Log), r.Request, r.Workspace); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.logger.Error("invocations could not be recorded", "records", len(batch), "error", err)
	}
	if n := l.dropped.Swap(0); n > 0 {
		l.logger.Error("invocations were not recorded: the queue was full", "records", n)
	}
}

// encodeLog is a log as it is stored. What can't be JSON is left out: a log
// that cannot be written never fails anything.
func encodeLog(lines []core.LogLine) string {
	if len(lines) == 0 {
		return ""
	}
	encoded, err := json.Marshal(lines)
	if err != nil {
		return ""
	}
	return string(encoded)
}
