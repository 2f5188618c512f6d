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
func (b watchedBackend) Document(
	ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID,
) (doc *core.Document, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "document")
	defer func() { ended(err) }()
	return b.Backend.Document(ctx, ws, table, id)
}

// Scan implements store.Backend.
func (b watchedBackend) Scan(
	ctx context.Context, ws core.WorkspaceID, r store.Range, limit store.ScanLimit,
) (rows store.Rows, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "scan")
	defer func() { ended(err) }()
	return b.Backend.Scan(ctx, ws, r, limit)
}

// Receipt implements store.Backend.
func (b watchedBackend) Receipt(
	ctx context.Context, ws core.WorkspaceID, scope, key string,
) (receipt *core.Receipt, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "receipt")
	defer func() { ended(err) }()
	return b.Backend.Receipt(ctx, ws, scope, key)
}

// Ask implements store.Backend.
func (b watchedBackend) Ask(
	ctx context.Context, ws core.WorkspaceID, q store.Question,
) (answer store.Answer, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "ask")
	defer func() { ended(err) }()
	return b.Backend.Ask(ctx, ws, q)
}

// Blob implements store.Backend.
func (b watchedBackend) Blob(
	ctx context.Context, ws core.WorkspaceID, plugin core.PluginID, digest core.Digest,
) (blob *core.Blob, at store.Moment, err error) {
	ctx, ended := b.w.Store(ctx, "blob")
	defer func() { ended(err) }()
	return b.Backend.Blob(ctx, ws, plugin, digest)
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
