package postgres

import "github.com/carrel-dev/carrel/core"

// eventWrites is events and deliveries that units add: one statement for all of a
// kind.
type eventWrites struct {
	events     []core.Event
	deliveries []core.Delivery
}

func (w *eventWrites) exec(b *batch, ws core.WorkspaceID) {
	if e := w.events; len(e) > 0 {
		b.exec(`INSERT INTO events (workspace, id, type, version, source, data, cause, hop, time) SELECT $1, n.* FROM unnest(
				$2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[]) AS n`,
			ws, columnOf(e, func(e core.Event) string { return string(e.ID) }),
			columnOf(e, func(e core.Event) string { return e.Type }),
			columnOf(e, func(e core.Event) int64 { return int64(e.Version) }),
			columnOf(e, func(e core.Event) string { return e.Source }),
			columnOf(e, func(e core.Event) string { return string(e.Data) }),
			columnOf(e, func(e core.Event) string { return string(e.Cause) }),
			columnOf(e, func(e core.Event) int64 { return int64(e.Hop) }),
			columnOf(e, func(e core.Event) int64 { return micros(e.Time) }))
	}
	if d := w.deliveries; len(d) > 0 {
		b.exec(`INSERT INTO deliveries (workspace, state, attempt, last_error,
				id, install, event, handler, payload, due, hop, created, schedule, occurrence, trace, later)
			SELECT $1, 'pending', 0, '', n.*, n.due > n.created FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
				$7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::text[])
				AS n (id, install, event, handler, payload, due, hop, created, schedule, occurrence, trace)
			ON CONFLICT (workspace, install, schedule, occurrence) WHERE schedule <> '' DO NOTHING`,
			ws, columnOf(d, func(d core.Delivery) string { return string(d.ID) }),
			columnOf(d, func(d core.Delivery) string { return string(d.Install) }),
			columnOf(d, func(d core.Delivery) string { return string(d.Event) }),
			columnOf(d, func(d core.Delivery) string { return d.Handler }),
			columnOf(d, func(d core.Delivery) string { return string(d.Payload) }),
			columnOf(d, func(d core.Delivery) int64 { return micros(d.Due) }),
			columnOf(d, func(d core.Delivery) int64 { return int64(d.Hop) }),
			columnOf(d, func(d core.Delivery) int64 { return micros(d.Created) }),
			columnOf(d, func(d core.Delivery) string { return d.Schedule }),
			columnOf(d, func(d core.Delivery) int64 { return micros(d.Occurrence) }),
			columnOf(d, func(d core.Delivery) string { return d.Trace.String() }))
	}
}
