package app

import (
	"context"

	"github.com/carrel-dev/carrel/adapters/telemetry"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/runtime"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/web"
)

// watch is who is told what the server does; nil when nobody wants to know. Then
// nothing stands in the way of what it would be told of.
type watch struct{ *telemetry.Telemetry }

// startWatch begins to observe what the configuration says.
func (a *App) startWatch(ctx context.Context, cfg Config) (*watch, error) {
	if cfg.MetricsAddr == "" && cfg.OTLPEndpoint == "" {
		return nil, nil
	}
	t, err := telemetry.Open(ctx, telemetry.Config{
		Version: Version, Metrics: cfg.MetricsAddr != "", OTLP: cfg.OTLPEndpoint, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	a.closing(t.Close)
	if cfg.MetricsAddr != "" {
		listener, err := listen("--metrics-addr", cfg.MetricsAddr)
		if err != nil {
			return nil, err
		}
		a.metrics = listener.Addr()
		go func() {
			if err := t.Serve(listener); err != nil {
				cfg.Logger.Error("metrics are not served any more", "error", err)
			}
		}()
	}
	return &watch{t}, nil
}

// ofRequests is who is told of requests.
func (w *watch) ofRequests() web.Observer {
	if w == nil {
		return nil
	}
	return w
}

// ofCalls is who is told of invocations.
func (w *watch) ofCalls() dispatch.Observer {
	if w == nil {
		return nil
	}
	return w
}

// ofAttempts is who is told of attempts at deliveries.
func (w *watch) ofAttempts() events.Observer {
	if w == nil {
		return nil
	}
	return w
}

// backend is a store's backend that tells of what it is asked.
func (w *watch) backend(b store.Backend) store.Backend {
	if w == nil {
		return b
	}
	return watchedBackend{b, w}
}

// host is a run's host that tells of what it is asked.
func (w *watch) host(h runtime.Host) runtime.Host {
	if w == nil {
		return h
	}
	return watchedHost{h, w}
}

// run begins one run of a handler.
func (w *watch) run(ctx context.Context) (context.Context, func(core.Outcome, int64)) {
	if w == nil {
		return ctx, func(core.Outcome, int64) {}
	}
	return w.Run(ctx)
}

// load begins to make a module ready.
func (w *watch) load(ctx context.Context) (context.Context, func(error)) {
	if w == nil {
		return ctx, func(error) {}
	}
	return w.Load(ctx)
}

// parts has what the parts of the server count themselves read with the rest.
func (w *watch) parts(db database, engine *runtime.Engine) {
	if w == nil {
		return
	}
	w.Counter("carrel_commits_total", "Writes made durable.", nil, func() float64 { _, writes := db.Groups(); return float64(writes) })
	w.Counter("carrel_commit_groups_total", "Transactions they were made durable in, one flush of the disk each.", nil,
		func() float64 { groups, _ := db.Groups(); return float64(groups) })
	for name := range db.Pools() {
		w.pool(name, func() store.Pool { return db.Pools()[name] })
	}

	stat := func(read func(runtime.Stats) float64) func() float64 {
		return func() float64 { return read(engine.Stats()) }
	}
	const instances, made, took = "carrel_instances", "carrel_modules_made_ready_total", "carrel_modules_made_ready_seconds_total"
	w.Gauge(instances, "Instances of plugins.", telemetry.Labels{"state": "idle"}, stat(func(s runtime.Stats) float64 { return float64(s.Idle) }))
	w.Gauge(instances, "Instances of plugins.", telemetry.Labels{"state": "busy"},
		stat(func(s runtime.Stats) float64 { return float64(s.Instances - s.Idle) }))
	w.Gauge("carrel_instances_max", "Instances there may be.", nil, stat(func(s runtime.Stats) float64 { return float64(s.MaxInstances) }))
	w.Gauge("carrel_modules", "Modules that are ready.", nil, stat(func(s runtime.Stats) float64 { return float64(s.Modules) }))
	w.Gauge("carrel_modules_bytes", "Bytes of them, about.", nil, stat(func(s runtime.Stats) float64 { return float64(s.ModuleBytes) }))
	const help, helpTook = "Modules made ready to be called.", "Time that making modules ready took."
	w.Counter(made, help, telemetry.Labels{"from": "cache"}, stat(func(s runtime.Stats) float64 { return float64(s.Loaded) }))
	w.Counter(made, help, telemetry.Labels{"from": "compiler"}, stat(func(s runtime.Stats) float64 { return float64(s.Compiled) }))
	w.Counter(made, help, telemetry.Labels{"from": "nowhere"}, stat(func(s runtime.Stats) float64 { return float64(s.Failed) }))
	w.Counter(took, helpTook, telemetry.Labels{"from": "cache"}, stat(func(s runtime.Stats) float64 { return s.LoadTime.Seconds() }))
	w.Counter(took, helpTook, telemetry.Labels{"from": "compiler"}, stat(func(s runtime.Stats) float64 { return s.CompileTime.Seconds() }))
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

// watchedHost tells of the operations a guest asks for.
type watchedHost struct {
	runtime.Host
	w *watch
}

// Call implements runtime.Host.
func (h watchedHost) Call(ctx context.Context, op abi.Op, request []byte) (response []byte, err error) {
	name := operationNames[op]
	if name == "" {
		name = "unknown"
	}
	ctx, ended := h.w.Operation(ctx, name)
	defer func() { ended(err) }()
	return h.Host.Call(ctx, op, request)
}

var operationNames = func() map[abi.Op]string {
	names := map[abi.Op]string{}
	for _, o := range hostfuncs.Ops() {
		names[o.Op] = o.Name
	}
	return names
}()

// watchedBackend tells of what units of work ask the database.
type watchedBackend struct {
	store.Backend
	w *watch
}

// Document implements store.Backend.
func (b watchedBackend) Document(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (doc *core.Document, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "document")
	defer func() { ended(err) }()
	return b.Backend.Document(ctx, ws, table, id)
}

// Scan implements store.Backend.
func (b watchedBackend) Scan(ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit) (rows store.Rows, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "scan")
	defer func() { ended(err) }()
	return b.Backend.Scan(ctx, ws, r, limit)
}

// Receipt implements store.Backend.
func (b watchedBackend) Receipt(ctx context.Context, ws core.WorkspaceID, scope, key string) (receipt *core.Receipt, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "receipt")
	defer func() { ended(err) }()
	return b.Backend.Receipt(ctx, ws, scope, key)
}

// Ask implements store.Backend.
func (b watchedBackend) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (answer store.Answer, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "ask")
	defer func() { ended(err) }()
	return b.Backend.Ask(ctx, ws, q)
}

// Validate implements store.Backend.
func (b watchedBackend) Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []store.Observation) (err error) {
	ctx, ended := b.w.Store(ctx, "validate")
	defer func() { ended(err) }()
	return b.Backend.Validate(ctx, ws, epoch, seen)
}

// Commit implements store.Backend.
func (b watchedBackend) Commit(ctx context.Context, ws core.WorkspaceID, batch store.Batch) (seq int64, err error) {
	ctx, ended := b.w.Store(ctx, "commit")
	defer func() { ended(err) }()
	return b.Backend.Commit(ctx, ws, batch)
}
