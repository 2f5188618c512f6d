package app

import (
	"context"
	"math"
	"time"

	"github.com/carrel-dev/carrel/adapters/telemetry"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/runtime"
	"github.com/carrel-dev/carrel/store"
)

// parts has what the parts of the server count themselves read with the rest.
func (w *watch) parts(db database, records *store.InvocationLog, engine *runtime.Engine) {
	if w == nil {
		return
	}
	w.Counter("carrel_commits_total", "Writes made durable.", nil, func() float64 { _, writes := db.Groups(); return float64(writes) })
	w.Counter("carrel_commit_groups_total", "Transactions they were made durable in, one flush of the disk each.", nil,
		func() float64 { groups, _ := db.Groups(); return float64(groups) })
	for name := range db.Pools() {
		w.pool(name, func() store.Pool { return db.Pools()[name] })
	}

	w.Counter("carrel_invocation_records_lost_total", "Records of invocations that could not be written.", nil,
		func() float64 { return float64(records.Lost()) })
	w.Gauge("carrel_delivery_backlog_seconds", "How long the delivery has been due that waits longest.", nil,
		func() float64 { return backlog(db, db.Now()) })

	gauge := func(name, help string, labels telemetry.Labels, read func(runtime.Stats) float64) {
		w.Gauge(name, help, labels, func() float64 { return read(engine.Stats()) })
	}
	const instances = "carrel_instances"
	gauge(instances, "Instances of plugins.", telemetry.Labels{"state": "idle"},
		func(s runtime.Stats) float64 { return float64(s.Idle) })
	gauge(instances, "Instances of plugins.", telemetry.Labels{"state": "busy"},
		func(s runtime.Stats) float64 { return float64(s.Instances - s.Idle) })
	gauge("carrel_instances_max", "Instances there may be.", nil, func(s runtime.Stats) float64 { return float64(s.MaxInstances) })
	gauge("carrel_modules", "Modules that are ready.", nil, func(s runtime.Stats) float64 { return float64(s.Modules) })
	gauge("carrel_modules_bytes", "Bytes of them, about.", nil, func(s runtime.Stats) float64 { return float64(s.ModuleBytes) })

	made := func(from string, read func(runtime.Stats) int64) {
		w.Counter("carrel_modules_made_ready_total", "Modules made ready to be called.", telemetry.Labels{"from": from},
			func() float64 { return float64(read(engine.Stats())) })
	}
	made("cache", func(s runtime.Stats) int64 { return s.Loaded })
	made("compiler", func(s runtime.Stats) int64 { return s.Compiled })
	made("nowhere", func(s runtime.Stats) int64 { return s.Failed })
	took := func(from string, read func(runtime.Stats) time.Duration) {
		w.Counter("carrel_modules_made_ready_seconds_total", "Time that making modules ready took.", telemetry.Labels{"from": from},
			func() float64 { return read(engine.Stats()).Seconds() })
	}
	took("cache", func(s runtime.Stats) time.Duration { return s.LoadTime })
	took("compiler", func(s runtime.Stats) time.Duration { return s.CompileTime })
}

// pool has a pool of connections to a database read with the rest.
func (w *watch) pool(name string, now func() store.Pool) {
	const help = "Connections to the database."
	of := func(state string) telemetry.Labels { return telemetry.Labels{"pool": name, "state": state} }
	w.Gauge("carrel_db_connections", help, of("busy"), func() float64 { return float64(now().Busy) })
	w.Gauge("carrel_db_connections", help, of("idle"), func() float64 { return float64(now().Idle) })
	w.Counter("carrel_db_connection_waits_total", "Times that somebody waited for a connection.", telemetry.Labels{"pool": name},
		func() float64 { return float64(now().Waits) })
	w.Counter("carrel_db_connection_wait_seconds_total", "Time that was waited for connections.", telemetry.Labels{"pool": name},
		func() float64 { return now().Waited.Seconds() })
}

// backlog is how long a delivery has been due and not begun, in seconds; not a
// number while the database doesn't answer.
func backlog(db events.Store, now time.Time) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	due, any, err := db.NextDelivery(ctx, time.Time{}, nil)
	switch {
	case err != nil:
		return math.NaN()
	case !any:
		return 0
	default:
		return max(0, now.Sub(due).Seconds())
	}
}
