package store

import (
	"context"
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

// Invocations keeps records of invocations.
type Invocations interface {
	// WriteInvocations adds records, of whatever workspaces, in one transaction.
	// A call may end after its workspace was deleted: nothing is kept of that.
	WriteInvocations(ctx context.Context, records []core.InvocationRecord) error
}

// InvocationLog writes the log of invocations in the background, so that a
// query costs no transaction. A crash loses what was recorded in the last
// quarter of a second.
type InvocationLog struct {
	to      Invocations
	logger  *slog.Logger
	queue   chan core.InvocationRecord
	dropped atomic.Int64 // since it was last said
	lost    atomic.Int64 // of all there were
	closing chan struct{}
	once    sync.Once
	done    chan struct{}
}

// NewInvocationLog starts a log. Close it before the database it writes to.
func NewInvocationLog(to Invocations, logger *slog.Logger) *InvocationLog {
	l := &InvocationLog{
		to: to, logger: logger,
		queue:   make(chan core.InvocationRecord, invocationQueue),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go l.run()
	return l
}

// Record adds a record, without waiting. When the database is so far behind
// that the queue is full the record is dropped, in the workspace's favour.
func (l *InvocationLog) Record(r core.InvocationRecord) {
	select {
	case l.queue <- r:
	default:
		l.dropped.Add(1)
		l.lost.Add(1)
	}
}

// Lost is how many records were dropped, or could not be written.
func (l *InvocationLog) Lost() int64 { return l.lost.Load() }

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
	if err := l.to.WriteInvocations(context.Background(), batch); err != nil {
		l.logger.Error("invocations could not be recorded", "records", len(batch), "error", err)
		l.lost.Add(int64(len(batch)))
	}
	if n := l.dropped.Swap(0); n > 0 {
		l.logger.Error("invocations were not recorded: the queue was full", "records", n)
	}
}

// LogText is what a guest logged as it is stored. What can't be JSON is left out:
// a log that cannot be written never fails anything.
func LogText(lines []core.LogLine) string {
	if len(lines) == 0 {
		return ""
	}
	encoded, err := json.Marshal(lines)
	if err != nil {
		return ""
	}
	return string(encoded)
}
