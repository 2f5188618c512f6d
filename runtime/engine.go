package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/singleflight"

	"github.com/carrel-dev/carrel/core"
)

// Config configures an Engine. The zero value is usable: no disk cache, the
// default logger, 256 MiB.
type Config struct {
	// CacheDir keeps compiled code between restarts; "" keeps none. It holds
	// executable code, so it belongs to this engine's user alone (0700).
	CacheDir string
	Logger   *slog.Logger
	// MaxMemory is the most memory any call may have, in bytes. 0 means
	// 256 MiB. A module that starts with more is refused by Load.
	MaxMemory int64
}

// Engine compiles modules and runs calls. It is safe for concurrent use.
type Engine struct {
	cfg       Config
	log       *slog.Logger
	wazero    wazero.Runtime
	cache     *codeCache // nil without a directory
	instances instances
	loading   singleflight.Group

	stopping context.Context // ends when running calls must stop
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	modules map[core.Digest]*Module
}

// New starts an engine.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	const op = "runtime.New"
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MaxMemory == 0 {
		cfg.MaxMemory = defaultMemory
	}
	e := &Engine{cfg: cfg, log: cfg.Logger, modules: map[core.Digest]*Module{}}
	e.stopping, e.stop = context.WithCancel(context.WithoutCancel(ctx))

	// Custom sections and debug information are the author's bytes, and nothing
	// here needs them parsed.
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(true).WithDebugInfoEnabled(false)
	if cfg.CacheDir != "" {
		cache, err := openCodeCache(cfg.CacheDir, cfg.Logger)
		if err != nil {
			return nil, core.Wrap(op, core.Unavailable, err)
		}
		e.cache = cache
		config = config.WithCompilationCache(cache.wazero)
	}
	e.wazero = wazero.NewRuntimeWithConfig(ctx, config)
	e.instances = instances{wazero: e.wazero}
	for _, door := range doors {
		if err := e.open(ctx, door); err != nil {
			return nil, core.Wrap(op, core.Internal, err)
		}
	}
	return e, nil
}

// stopGrace is how long Close waits for stopped calls. A guest inside one long
// bulk operation, or a tree of calls without a loop, only stops at its end.
const stopGrace = 5 * time.Second

// Close refuses new calls, waits for the running ones, and frees all code. When
// ctx ends first, the running calls are stopped; should one not stop, Close
// gives up and frees nothing, as that guest still runs in the code.
func (e *Engine) Close(ctx context.Context) error {
	const op = "runtime.Close"
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()

	idle := make(chan struct{})
	go func() { e.running.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-ctx.Done():
		e.stop()
		select {
		case <-idle:
		case <-time.After(stopGrace):
			return core.E(op, core.Timeout, "A call did not stop within %s.", stopGrace)
		}
	}
	e.stop()
	ctx = context.WithoutCancel(ctx)
	if err := e.wazero.Close(ctx); err != nil {
		return core.Wrap(op, core.Internal, err)
	}
	if e.cache != nil {
		return core.Wrap(op, core.Internal, e.cache.Close(ctx))
	}
	return nil
}

// enter counts a call or a load in; false when the engine is closed. Everyone
// who entered leaves with e.running.Done.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.running.Add(1)
	return true
}

func errClosed(op string) *core.Error {
	return core.E(op, core.Unavailable, "The server is shutting down. Try again in a moment.")
}

// DigestOf returns the digest of a module's bytes.
func DigestOf(module []byte) core.Digest {
	sum := sha256.Sum256(module)
	return core.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
