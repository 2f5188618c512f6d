package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

const deliveryColumns = "workspace, id, install, event, handler, payload, state, attempt, due, hop, last_error, created, schedule, occurrence, trace"

// thisAttempt is the condition that a delivery is still being run by the attempt
// that wants to change it.
const thisAttempt = inWorkspace + " AND id = $2 AND attempt = $3 AND state = 'running'"

const (
	completeQuery = "UPDATE deliveries SET state = 'done', due = NULL, last_error = '' WHERE " + thisAttempt
	holdQuery     = "UPDATE deliveries SET state = 'held', attempt = attempt - 1, due = NULL, last_error = $4 WHERE " + thisAttempt
	setAsideQuery = "UPDATE deliveries SET state = 'set_aside', due = NULL, last_error = $4 WHERE " + thisAttempt
	retryQuery    = "UPDATE deliveries SET state = 'retry', due = $5, later = true, last_error = $4 WHERE " + thisAttempt
	resumeQuery   = "UPDATE deliveries SET state = CASE WHEN attempt = 0 THEN 'pending' ELSE 'retry' END, due = $2, later = false WHERE " + inWorkspace + " AND state = 'held'"
)

// at is the condition that a row is in one of the places a query finds. Postgres goes
// to them; with the rows' keys instead, it would join the table with itself, which it
// may plan to go through all of it for each.
func at(places string) string { return "ctid = ANY (ARRAY(" + places + "))" }

// unlocked leaves out what somebody else is changing, and keeps the rest where it is.
const unlocked = " FOR NO KEY UPDATE SKIP LOCKED"

// overtaken is the error of an attempt that is not the running one any more. It
// is what makes an effect happen exactly once: the unit with the effect fails.
func overtaken(op string, id core.DeliveryID, attempt int) error {
	return core.E(op, core.Stale, "Attempt %d of the delivery %s is not the running one any more.", attempt, id)
}

const waiting = " FROM deliveries WHERE " + inWorkspace + " AND install = $2 AND event = '' AND state IN ('pending', 'running', 'retry', 'held')"

// checkWaiting holds the jobs of an installation to their bounds, behind those the
// transaction has added: units that race for the last place don't all get it.
func (b *batch) checkWaiting(ws core.WorkspaceID, install core.InstallationID) {
	const op = "postgres.PutDelivery"
	b.exec("SELECT expect(count(*) <= $3, $4)"+waiting, ws, install, core.MaxWaitingJobs, int32(b.unless(func(int64) error {
		return core.E(op, core.RateLimited,
			"The plugin has %d jobs waiting, which is as many as it may have. Try again when some of them are done.", core.MaxWaitingJobs)
	})))
	b.exec("SELECT expect(bytes <= $3, $4, bytes) FROM (SELECT coalesce(sum(octet_length(payload)), 0)::bigint AS bytes"+waiting+") held",
		ws, install, core.MaxWaitingBytes, int32(b.unless(func(bytes int64) error {
			return core.E(op, core.RateLimited,
				"The plugin's jobs that are waiting hold %d bytes with this one, and %d are allowed. Try again "+
					"when some of them are done, or keep the data in a table and send its id.", bytes, core.MaxWaitingBytes)
		})))
}

func (b *batch) checkListening(ws core.WorkspaceID, install core.InstallationID) {
	b.exec("SELECT expect(NOT EXISTS (SELECT FROM deliveries WHERE "+inWorkspace+` AND install = $2 AND event <> ''
			AND state IN ('pending', 'running', 'retry', 'held') OFFSET $3 LIMIT 1), $4)`,
		ws, install, core.MaxWaitingEvents, int32(b.unless(func(int64) error {
			return core.E("postgres.PutDelivery", core.RateLimited,
				"A plugin that listens to this event has %d events waiting, and a listener can't "+
					"add to them. Try again when it has worked some of them off.", core.MaxWaitingEvents)
		})))
}

// RecoverDeliveries implements core/events' Store. What is running may be another
// node's, so it is left to its lease. What has had all its attempts and whose lease
// is over is set aside: it may be what ended its node. Only an occurrence of a
// schedule is claimed once more, as who sets it aside puts the next. What is held
// is tried: the plans may be others now.
func (db *DB) RecoverDeliveries(ctx context.Context, now time.Time, attempts int) error {
	var b batch
	b.exec(`UPDATE deliveries SET state = 'set_aside', due = NULL, last_error = 'The server stopped during this attempt.'
		WHERE `+at("SELECT ctid FROM deliveries WHERE due <= $1 AND state = 'running' AND attempt >= $2 AND schedule = ''"+unlocked), micros(now), attempts)
	b.exec(`UPDATE deliveries SET state = CASE WHEN attempt = 0 THEN 'pending' ELSE 'retry' END, due = $1, later = false
		WHERE `+at("SELECT ctid FROM deliveries WHERE state = 'held'"+unlocked), micros(now))
	// An archive doesn't say what waits for a later time.
	b.exec("UPDATE deliveries SET later = true WHERE "+
		at("SELECT ctid FROM deliveries WHERE due IS NOT NULL AND NOT later AND due > $1"+unlocked), micros(now))
	return b.send(ctx, "postgres.RecoverDeliveries", db.platform)
}

const dueQuery = "SELECT workspace, id FROM deliveries WHERE due <= $1 ORDER BY due LIMIT $2"

// What waited for a later time and is due is put in the way of turnQuery, so many
// at a time.
const ripeQuery = "SELECT EXISTS (SELECT FROM deliveries WHERE due <= $1 AND later)"

var ripenQuery = "WITH ripe AS (UPDATE deliveries SET later = false WHERE " +
	at("SELECT ctid FROM deliveries WHERE due <= $1 AND later ORDER BY due LIMIT $2"+unlocked) + " RETURNING 1) SELECT count(*) FROM ripe"

// turnQuery finds the first $4 due deliveries of each workspace behind $1, going from
// workspace to workspace in one index seek each: a workspace with a long backlog
// costs no more than one with a single delivery, and one that only waits for a later
// time costs nothing.
const turnQuery = `WITH RECURSIVE turn (workspace) AS (
		(SELECT workspace FROM deliveries WHERE due IS NOT NULL AND NOT later AND workspace > $1 ORDER BY workspace LIMIT 1)
		UNION ALL
		SELECT (SELECT d.workspace FROM deliveries d WHERE d.due IS NOT NULL AND NOT d.later AND d.workspace > turn.workspace
			ORDER BY d.workspace LIMIT 1)
		FROM turn WHERE turn.workspace IS NOT NULL)
	SELECT workspace, next FROM turn,
		LATERAL (SELECT id AS next FROM deliveries d WHERE d.workspace = turn.workspace AND NOT d.later AND d.due <= $2
			ORDER BY d.due LIMIT $4) due
	WHERE workspace <> ALL ($3)
	LIMIT $5`

// perTurn is how many deliveries of a workspace are claimed together when there are
// not more places than workspaces that wait: they run side by side, so their units share
// transactions, and others wait for a place in any case.
const perTurn = 4

// claimQuery takes deliveries that are due and that no other node is taking. What it
// returns last is when each was due: the subquery sees it as it was before.
var claimQuery = "UPDATE deliveries SET state = 'running', attempt = attempt + 1, due = $4, later = true, node = $5 WHERE " +
	at("SELECT (SELECT ctid FROM deliveries WHERE workspace = n.ws AND id = n.delivery AND due <= $3"+unlocked+")"+
		" FROM unnest($1::text[], $2::text[]) AS n (ws, delivery)") +
	" RETURNING " + deliveryColumns + ", (SELECT due FROM deliveries was WHERE was.workspace = deliveries.workspace AND was.id = deliveries.id)"

// ClaimDeliveries implements core/events' Store.
func (db *DB) ClaimDeliveries(ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	for looks := 1; ; looks++ {
		claimed, found, err := db.claim(ctx, now, lease, after, busy, each, limit)
		if err != nil || len(claimed) > 0 || len(found) == 0 {
			return claimed, err
		}
		// All that was found was cancelled or claimed meanwhile, so there may be more
		// behind it; or somebody has it for long, like one who deletes the workspace.
		if looks > 1 {
			busy = append(slices.Clone(busy), found...)
		}
	}
}

// claim looks once; found are the workspaces in which there was something to claim.
func (db *DB) claim(
	ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int,
) (claimed []core.Delivery, found []core.WorkspaceID, err error) {
	const op = "postgres.ClaimDeliveries"
	due, err := db.due(ctx, dueQuery, micros(now), store.MaxDue)
	if err == nil && len(due) < store.MaxDue {
		due = store.Turn(due, after, busy, each, limit)
	} else if err == nil {
		due, err = db.walk(ctx, now, after, busy, each, limit)
	}
	if err != nil || len(due) == 0 {
		return nil, nil, err
	}
	found = columnOf(due, func(d core.Delivery) core.WorkspaceID { return d.Workspace })
	workspaces, ids := texts(found), columnOf(due, func(d core.Delivery) string { return string(d.ID) })
	var b batch
	b.rows(func(s scanner) error {
		var owed int64
		d, err := scanDelivery(s, &owed)
		d.Owed = fromMicros(owed)
		claimed = append(claimed, d)
		return err
	}, claimQuery, workspaces, ids, micros(now), micros(lease), db.here.claims())
	err = b.send(ctx, op, db.platform)
	order := func(d core.Delivery) int { return slices.Index(ids, string(d.ID)) }
	slices.SortFunc(claimed, func(a, b core.Delivery) int { return order(a) - order(b) })
	return claimed, found, err
}

// walk finds whose turn it is in a backlog: up to each of each workspace or, when there
// are not more places than workspaces, perTurn. While it finds none, what waited
// for a later time may still be behind that of the busy ones.
func (db *DB) walk(ctx context.Context, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	for {
		more, err := db.ripen(ctx, now)
		if err != nil {
			return nil, err
		}
		due, err := db.turns(ctx, now, after, busy, each, limit)
		if err != nil || len(due) > 0 || !more {
			return due, err
		}
	}
}

// turns is walk among those that take part in the turns already.
func (db *DB) turns(ctx context.Context, now time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error) {
	several := max(perTurn, each)
	due, err := db.due(ctx, turnQuery, after, micros(now), texts(busy), several, limit*several)
	if err != nil {
		return nil, err
	}
	first := firsts(due)
	if len(first) < limit && after != "" {
		seen := texts(busy)
		for _, d := range first {
			seen = append(seen, string(d.Workspace))
		}
		more, err := db.due(ctx, turnQuery, "", micros(now), seen, several, limit*several) // the turn begins again
		if err != nil {
			return nil, err
		}
		due, first = append(due, more...), append(first, firsts(more)...)
	}
	if len(first) >= limit {
		return due[:limit], nil
	}
	return store.Turn(due, after, nil, each, limit), nil
}

// firsts are the first of each workspace, whose deliveries are next to each other.
func firsts(due []core.Delivery) []core.Delivery {
	return slices.CompactFunc(slices.Clone(due), func(a, b core.Delivery) bool { return a.Workspace == b.Workspace })
}

// ripen has what waited for a later time take part in the turns, if it is due, up to
// MaxDue; more says that there may be more.
func (db *DB) ripen(ctx context.Context, now time.Time) (more bool, err error) {
	const op = "postgres.ClaimDeliveries"
	var ripe bool
	var look batch
	look.row(func(s scanner) error { return s.Scan(&ripe) }, ripeQuery, micros(now))
	if err := look.send(ctx, op, db.platform); err != nil || !ripe {
		return false, err
	}
	var b batch
	b.row(func(s scanner) error {
		ripened, err := scanned[int](s)
		more = ripened == store.MaxDue
		return err
	}, ripenQuery, micros(now), store.MaxDue)
	return more, b.send(ctx, op, db.platform)
}

// due reads which deliveries are due: their workspace and id.
func (db *DB) due(ctx context.Context, query string, args ...any) (due []core.Delivery, err error) {
	var b batch
	b.rows(func(s scanner) error {
		var d core.Delivery
		err := s.Scan(&d.Workspace, &d.ID)
		due = append(due, d)
		return err
	}, query, args...)
	return due, b.send(ctx, "postgres.ClaimDeliveries", db.platform)
}

// texts is a list of ids as an argument.
func texts[T ~string](list []T) []string {
	plain := make([]string, len(list))
	for i, item := range list {
		plain[i] = string(item)
	}
	return plain
}

// NextDelivery implements core/events' Store.
func (db *DB) NextDelivery(ctx context.Context, after time.Time, busy []core.WorkspaceID) (next time.Time, any bool, err error) {
	var b batch
	b.rows(func(s scanner) error {
		var due int64
		err := s.Scan(&due)
		next, any = fromMicros(due), true
		return err
	}, "SELECT due FROM deliveries WHERE due > $1 AND workspace <> ALL ($2) ORDER BY due LIMIT 1", micros(after), texts(busy))
	return next, any, b.send(ctx, "postgres.NextDelivery", db.platform)
}

// RetryDelivery implements core/events' Store.
func (db *DB) RetryDelivery(ctx context.Context, d core.Delivery, due time.Time, message string) error {
	return db.writeData(ctx, "postgres.RetryDelivery", d.Workspace, func(b *batch) {
		b.exec(retryQuery, d.Workspace, d.ID, d.Attempt, message, micros(due))
	})
}

// SetAsideDelivery implements core/events' Store.
func (db *DB) SetAsideDelivery(ctx context.Context, d core.Delivery, message string) error {
	return db.writeData(ctx, "postgres.SetAsideDelivery", d.Workspace, func(b *batch) {
		b.exec(setAsideQuery, d.Workspace, d.ID, d.Attempt, message)
	})
}

// scanDelivery reads deliveryColumns, and what stands behind them.
func scanDelivery(s scanner, also ...any) (d core.Delivery, err error) {
	var payload, trace string
	var due *int64
	var created, occurrence int64
	err = s.Scan(append([]any{&d.Workspace, &d.ID, &d.Install, &d.Event, &d.Handler, &payload, &d.State, &d.Attempt, &due, &d.Hop,
		&d.LastError, &created, &d.Schedule, &occurrence, &trace}, also...)...)
	if payload != "" {
		d.Payload = json.RawMessage(payload)
	}
	if due != nil {
		d.Due = fromMicros(*due)
	}
	d.Created, d.Occurrence, d.Trace = fromMicros(created), fromMicros(occurrence), core.ParseTrace(trace)
	return d, err
}
