package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const deliveryColumns = "workspace, id, install, event, handler, payload, state, attempt, due, hop, last_error, created, schedule, occurrence, trace"

// thisAttempt is the condition that a delivery is still being run by the
// attempt that wants to change it.
const thisAttempt = inWorkspace + " AND id = ? AND attempt = ? AND state = 'running'"

const (
	claimQuery = "UPDATE deliveries SET state = 'running', attempt = attempt + 1, due = ?, later = 1 WHERE " + inWorkspace +
		" AND id = ? AND due <= ? RETURNING " + deliveryColumns
	completeQuery = "UPDATE deliveries SET state = 'done', due = NULL, last_error = '' WHERE " + thisAttempt
	holdQuery     = "UPDATE deliveries SET state = 'held', attempt = attempt - 1, due = NULL, last_error = ? WHERE " + thisAttempt
	setAsideQuery = "UPDATE deliveries SET state = 'set_aside', due = NULL, last_error = ? WHERE " + thisAttempt
	failQuery     = "UPDATE deliveries SET state = ?, due = ?, later = 1, last_error = ? WHERE " + thisAttempt
)

// insertDeliveries puts deliveries, unless the occurrence of a schedule has one already.
var insertDeliveries = newInsert(
	"INSERT OR FAIL INTO deliveries ("+deliveryColumns+", later)",
	"(?, ?, ?, ?, ?, ?, 'pending', 0, ?, ?, '', ?, ?, ?, ?, ?)",
	" ON CONFLICT (workspace, install, schedule, occurrence) WHERE schedule <> '' DO NOTHING",
)

func putDeliveries(ctx context.Context, s session, ws core.WorkspaceID, deliveries []core.PutDelivery) error {
	return failed("sqlite.PutDelivery", execEach(ctx, s, insertDeliveries, deliveries, func(args []any, put *core.PutDelivery) []any {
		d := &put.Delivery
		return append(args, string(ws), string(d.ID), string(d.Install), string(d.Event), d.Handler, string(d.Payload), micros(d.Due),
			int64(d.Hop), micros(d.Created), d.Schedule, micros(d.Occurrence), d.Trace.String(), micros(d.Due) > micros(d.Created))
	}))
}

// waitingQuery counts the jobs of an installation that are not over, from the
// index deliveries_waiting alone.
const waitingQuery = `SELECT count(*), coalesce(sum(octet_length(payload)), 0) FROM deliveries
	WHERE ` + inWorkspace + ` AND install = ? AND event = '' AND state IN ('pending', 'running', 'retry', 'held')`

// checkWaiting holds the jobs of an installation to their bounds. It is asked
// in the transaction that added some, so that units which race for the last
// place don't all get it.
func checkWaiting(ctx context.Context, s session, ws core.WorkspaceID, install core.InstallationID) error {
	const op = "sqlite.PutDelivery"
	var jobs, bytes int64
	if err := s.row(ctx, waitingQuery, ws, install).Scan(&jobs, &bytes); err != nil {
		return failed(op, err)
	}
	switch {
	case jobs > core.MaxWaitingJobs:
		return core.E(op, core.RateLimited,
			"The plugin has %d jobs waiting, which is as many as it may have. Try again when some of them are done.",
			core.MaxWaitingJobs)
	case bytes > core.MaxWaitingBytes:
		return core.E(op, core.RateLimited,
			"The plugin's jobs that are waiting hold %d bytes with this one, and %d are allowed. Try again "+
				"when some of them are done, or keep the data in a table and send its id.", bytes, core.MaxWaitingBytes)
	}
	return nil
}

// listeningQuery answers whether an installation has more events waiting than
// ?, from the index deliveries_listening alone.
const listeningQuery = `SELECT EXISTS (SELECT 1 FROM deliveries
	WHERE ` + inWorkspace + ` AND install = ? AND event <> '' AND state IN ('pending', 'running', 'retry', 'held') LIMIT 1 OFFSET ?)`

func checkListening(ctx context.Context, s session, ws core.WorkspaceID, install core.InstallationID) error {
	const op = "sqlite.PutDelivery"
	var full bool
	if err := s.row(ctx, listeningQuery, ws, install, core.MaxWaitingEvents).Scan(&full); err != nil {
		return failed(op, err)
	}
	if full {
		return core.E(op, core.RateLimited,
			"A plugin that listens to this event has %d events waiting, and a listener can't "+
				"add to them. Try again when it has worked some of them off.", core.MaxWaitingEvents)
	}
	return nil
}

// cancelDelivery removes a delivery that has not begun. It is no error when
// there is none.
func cancelDelivery(ctx context.Context, tx *sql.Tx, ws core.WorkspaceID, c core.CancelDelivery) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM deliveries WHERE "+inWorkspace+" AND id = ? AND install = ? AND state = 'pending'",
		ws, c.ID, c.Install)
	return failed("sqlite.CancelDelivery", err)
}

// completeDelivery is what makes the effect happen exactly once: it is part of
// the unit of work that has the effect, and fails it unless this attempt is the
// running one.
func completeDelivery(ctx context.Context, s session, ws core.WorkspaceID, c core.CompleteDelivery) error {
	n, err := s.exec(ctx, completeQuery, ws, c.ID, c.Attempt)
	return ofAttempt("sqlite.CompleteDelivery", c.ID, c.Attempt, n, err)
}

// ofAttempt is Stale when a statement with thisAttempt touched no row.
func ofAttempt(op string, id core.DeliveryID, attempt int, touched int64, err error) error {
	if err == nil && touched == 0 {
		return core.E(op, core.Stale, "Attempt %d of the delivery %s is not the running one any more.", attempt, id)
	}
	return failed(op, err)
}

// holdDelivery takes the running attempt back. Its number will be another's,
// which is no danger: who holds a delivery does nothing else with it.
func holdDelivery(ctx context.Context, s session, ws core.WorkspaceID, h core.HoldDelivery) error {
	n, err := s.exec(ctx, holdQuery, h.Reason, ws, h.ID, h.Attempt)
	return ofAttempt("sqlite.HoldDelivery", h.ID, h.Attempt, n, err)
}

// setAsideDelivery ends the running attempt, and with it the delivery until a
// person redrives it.
func setAsideDelivery(ctx context.Context, s session, ws core.WorkspaceID, a core.SetAsideDelivery) error {
	n, err := s.exec(ctx, setAsideQuery, a.Reason, ws, a.ID, a.Attempt)
	return ofAttempt("sqlite.SetAsideDelivery", a.ID, a.Attempt, n, err)
}

// resume makes the deliveries due that are held and meet a condition.
func resume(ctx context.Context, tx *sql.Tx, at time.Time, where string, args ...any) error {
	_, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = iif(attempt = 0, 'pending', 'retry'), due = ?, later = 0 WHERE state = 'held'"+where,
		append([]any{micros(at)}, args...)...)
	return failed("sqlite.ResumeDeliveries", err)
}

// Resumed implements core/events' Store.
func (db *DB) Resumed() <-chan struct{} { return db.resumed }

// signalResumed never blocks: one signal says it all.
func (db *DB) signalResumed() {
	select {
	case db.resumed <- struct{}{}:
	default:
	}
}

// RecoverDeliveries implements core/events' Store. This process owns the file,
// so whatever is running at its start was run by one that is gone. What has had
// all its attempts is set aside: it may be what ended the other process. Only an
// occurrence of a schedule is claimed once more, as who sets it aside puts the
// next. What is held is tried: the plans may be others now.
func (db *DB) RecoverDeliveries(ctx context.Context, now time.Time, attempts int) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET
				state = iif(attempt < ?1 OR schedule <> '', 'retry', 'set_aside'), due = iif(attempt < ?1 OR schedule <> '', ?2, NULL), later = 0,
				last_error = 'The server stopped during this attempt.'
			WHERE due IS NOT NULL AND state = 'running'`, attempts, micros(now))
		if err != nil {
			return failed("sqlite.RecoverDeliveries", err)
		}
		// An archive doesn't say what waits for a later time.
		_, err = tx.ExecContext(ctx, "UPDATE deliveries SET later = 1 WHERE due IS NOT NULL AND later = 0 AND due > ?", micros(now))
		if err != nil {
			return failed("sqlite.RecoverDeliveries", err)
		}
		return resume(ctx, tx, now, "")
	})
}

const dueQuery = "SELECT workspace, id, due FROM deliveries WHERE due <= ? ORDER BY due LIMIT ?"

// What waited for a later time and is due is put in the way of turnQuery, so many
// at a time.
const (
	ripeQuery  = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE due <= ? AND later = 1)"
	ripenQuery = `UPDATE deliveries SET later = 0 WHERE rowid IN (
		SELECT rowid FROM deliveries WHERE due <= ? AND later = 1 ORDER BY due LIMIT ?)`
)

// turnQuery finds the first due delivery of each workspace behind ?1, going
// from workspace to workspace in one index seek each: a workspace with a long
// backlog costs no more than one with a single delivery, and one that only waits
// for a later time costs nothing.
const turnQuery = `WITH RECURSIVE turn (workspace) AS (
		SELECT min(workspace) FROM deliveries WHERE due IS NOT NULL AND later = 0 AND workspace > ?1
		UNION ALL
		SELECT (SELECT min(d.workspace) FROM deliveries d WHERE d.due IS NOT NULL AND d.later = 0 AND d.workspace > turn.workspace)
		FROM turn WHERE turn.workspace IS NOT NULL)
	SELECT workspace, (SELECT id FROM deliveries d WHERE d.workspace = turn.workspace AND d.later = 0 AND d.due <= ?2 ORDER BY d.due LIMIT 1) AS first,
		(SELECT due FROM deliveries d WHERE d.workspace = turn.workspace AND d.later = 0 AND d.due <= ?2 ORDER BY d.due LIMIT 1)
	FROM turn
	WHERE workspace IS NOT NULL AND first IS NOT NULL AND workspace NOT IN (SELECT value FROM json_each(?3))
	LIMIT ?4`

// nextOfQuery finds the first due deliveries of a workspace.
const nextOfQuery = "SELECT workspace, id, due FROM deliveries WHERE " + inWorkspace + " AND later = 0 AND due <= ? ORDER BY due LIMIT ?"

// ClaimDeliveries implements core/events' Store.
func (db *DB) ClaimDeliveries(ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	for {
		claimed, found, err := db.claim(ctx, now, lease, after, busy, each, limit)
		// Where all that was found was cancelled meanwhile, there may be more behind it.
		if err != nil || len(claimed) > 0 || !found {
			return claimed, err
		}
	}
}

// claim looks once; found says that there was something to claim.
func (db *DB) claim(
	ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int,
) (claimed []core.Delivery, found bool, err error) {
	const op = "sqlite.ClaimDeliveries"
	due, err := db.due(ctx, dueQuery, micros(now), store.MaxDue)
	if err == nil && len(due) < store.MaxDue {
		due = store.Turn(due, after, busy, each, limit)
	} else if err == nil {
		due, err = db.walk(ctx, now, after, busy, each, limit)
	}
	if err != nil || len(due) == 0 {
		return nil, false, failed(op, err)
	}
	err = db.writeData(ctx, "", func(ctx context.Context, s session) error {
		for _, d := range due {
			owed := d.Due
			d, err := scanDelivery(s.row(ctx, claimQuery, micros(lease), d.Workspace, d.ID, micros(now)))
			if errors.Is(err, sql.ErrNoRows) {
				continue // cancelled since it was found
			}
			if err != nil {
				return failed(op, err)
			}
			d.Owed = owed
			claimed = append(claimed, d)
		}
		return nil
	})
	return claimed, true, err
}

// walk finds whose turn it is in a backlog. While it finds nobody, what waited for a
// later time may still be behind that of the busy ones.
func (db *DB) walk(ctx context.Context, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	for {
		more, err := db.ripen(ctx, now)
		if err != nil {
			return nil, err
		}
		due, err := db.turns(ctx, now, after, busy, limit)
		if err == nil && each > 1 && len(due) < limit {
			due, err = db.several(ctx, now, after, due, each, limit)
		}
		if err != nil || len(due) > 0 || !more {
			return due, err
		}
	}
}

// turns is walk among those that take part in the turns already.
func (db *DB) turns(ctx context.Context, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, limit int) ([]core.Delivery, error) {
	due, err := db.due(ctx, turnQuery, after, micros(now), jsonList(busy), limit)
	if err != nil || len(due) == limit || after == "" {
		return due, err
	}
	seen := slices.Clone(busy)
	for _, d := range due {
		seen = append(seen, d.Workspace)
	}
	more, err := db.due(ctx, turnQuery, core.WorkspaceID(""), micros(now), jsonList(seen), limit-len(due)) // the turn begins again
	return append(due, more...), err
}

// several adds to the first of each workspace those that follow.
func (db *DB) several(ctx context.Context, now time.Time, after core.WorkspaceID, first []core.Delivery, each, limit int) (due []core.Delivery, err error) {
	for _, d := range first {
		next, err := db.due(ctx, nextOfQuery, d.Workspace, micros(now), each)
		if err != nil {
			return nil, err
		}
		due = append(due, next...)
	}
	return store.Turn(due, after, nil, each, limit), nil
}

// ripen has what waited for a later time take part in the turns, if it is due, up to
// MaxDue; more says that there may be more.
func (db *DB) ripen(ctx context.Context, now time.Time) (more bool, err error) {
	var ripe bool
	if err := db.readStatements[ripeQuery].QueryRowContext(ctx, micros(now)).Scan(&ripe); err != nil || !ripe {
		return false, err
	}
	err = db.writeData(ctx, "", func(ctx context.Context, s session) error {
		ripened, err := s.exec(ctx, ripenQuery, micros(now), store.MaxDue)
		more = ripened == store.MaxDue
		return err
	})
	return more, err
}

// due reads which deliveries are due: their workspace, id and time.
func (db *DB) due(ctx context.Context, query string, args ...any) ([]core.Delivery, error) {
	rows, err := db.readStatements[query].QueryContext(ctx, args...)
	return collect(rows, err, func(s scanner) (d core.Delivery, err error) {
		var due int64
		err = s.Scan(&d.Workspace, &d.ID, &due)
		d.Due = fromMicros(due)
		return d, err
	})
}

const nextQuery = `SELECT due FROM deliveries
	WHERE due > ? AND workspace NOT IN (SELECT value FROM json_each(?)) ORDER BY due LIMIT 1`

// NextDelivery implements core/events' Store.
func (db *DB) NextDelivery(ctx context.Context, after time.Time, busy []core.WorkspaceID) (time.Time, bool, error) {
	var due int64
	err := db.readStatements[nextQuery].QueryRowContext(ctx, micros(after), jsonList(busy)).Scan(&due)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	return fromMicros(due), err == nil, failed("sqlite.NextDelivery", err)
}

// RetryDelivery implements core/events' Store.
func (db *DB) RetryDelivery(ctx context.Context, d core.Delivery, due time.Time, message string) error {
	return db.failDelivery(ctx, d, core.DeliveryRetry, micros(due), message)
}

// SetAsideDelivery implements core/events' Store.
func (db *DB) SetAsideDelivery(ctx context.Context, d core.Delivery, message string) error {
	return db.failDelivery(ctx, d, core.DeliverySetAside, nil, message)
}

func (db *DB) failDelivery(ctx context.Context, d core.Delivery, state core.DeliveryState, due any, message string) error {
	return db.writeData(ctx, d.Workspace, func(ctx context.Context, s session) error {
		_, err := s.exec(ctx, failQuery, state, due, message, d.Workspace, d.ID, d.Attempt)
		return failed("sqlite.FailDelivery", err)
	})
}

func scanDelivery(s scanner) (d core.Delivery, err error) {
	var payload, trace string
	var due sql.NullInt64
	var created, occurrence int64
	err = s.Scan(&d.Workspace, &d.ID, &d.Install, &d.Event, &d.Handler, &payload, &d.State, &d.Attempt, &due, &d.Hop, &d.LastError, &created,
		&d.Schedule, &occurrence, &trace)
	if payload != "" {
		d.Payload = json.RawMessage(payload)
	}
	d.Due, d.Created, d.Occurrence = fromMicros(due.Int64), fromMicros(created), fromMicros(occurrence)
	d.Trace = core.ParseTrace(trace)
	return d, err
}

// jsonList is a list as one parameter, for json_each.
func jsonList[T ~string](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	encoded, _ := json.Marshal(list)
	return string(encoded)
}
