package runtime

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/semaphore"

	"github.com/carrel-dev/carrel/core"
)

// Config configures an Engine. The zero value is usable: a cache that goes with
// the process, the default logger, 64 MiB.
type Config struct {
	// CacheDir keeps compiled modules and their images between restarts, 4 GiB of
	// them; "" keeps them as long as the process lives. It holds executable code,
	// so it belongs to this engine's user alone (0700).
	CacheDir string
	Logger   *slog.Logger
	// MaxMemory is the most memory any call may have, in bytes. 0 means
	// 64 MiB. A module that starts with more is refused by Load.
	MaxMemory int64
	// IdlePerInstallation is how many unused instances are kept of one module
	// in one installation. Of those beyond the fourth that nobody needed for a
	// minute one is given up with each call that follows. 0 means 16, as many as a workspace has calls at a time; a
	// negative number keeps none, so that every call makes a new one.
	IdlePerInstallation int
	// MaxInstances is how many instances may live, used ones included. 0 means
	// 2,048; never more than the system can map.
	MaxInstances int
	// MaxModules bounds the modules that are held ready, in bytes of machine
	// code and images. 0 means 1 GiB, some 60 plugins in Go. Others are loaded
	// from the cache when they are called.
	MaxModules int64
	// Interpreter runs guests in wazero's interpreter, which is many times
	// slower. It is for comparing the two.
	Interpreter bool
	// Measure switches promises off. Only benchmarks set it.
	Measure Measure
}

// Measure is what a benchmark leaves out to learn what it costs. A guest that
// anybody else wrote must never run like that.
type Measure struct {
	Unmetered bool // no fuel, no stack budget, no deadline: such a guest can't be stopped
	Dirty     bool // a call finds the memory as the call before left it
}

const (
	defaultIdle      = 16
	defaultInstances = 2048
	defaultModules   = 1 << 30
)

// Engine ingests modules and runs calls. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	wazero  wazero.Runtime
	cache   *cache
	made    string // what artifacts of this engine say they were made by
	pool    pool
	modules modules
	loading flights
	loads   loads
	workers *semaphore.Weighted // bounds how many modules are ingested at a time

	stopping context.Context // ends when running calls must stop
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// New starts an engine. An error is of kind Unavailable when CacheDir can't be
// used, or this program can't be read.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	const op = "runtime.New"
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MaxMemory == 0 {
		cfg.MaxMemory = defaultMemory
	}
	if cfg.IdlePerInstallation == 0 {
		cfg.IdlePerInstallation = defaultIdle
	}
	if cfg.MaxInstances == 0 {
		cfg.MaxInstances = defaultInstances
	}
	if cfg.MaxModules == 0 {
		cfg.MaxModules = defaultModules
	}
	e := &Engine{
		cfg: cfg, log: cfg.Logger,
		modules: modules{max: cfg.MaxModules, byKey: map[core.Digest]*list.Element{}},
		// Half of the processors: the others serve.
		workers: semaphore.NewWeighted(int64(max(1, goruntime.GOMAXPROCS(0)/2))),
	}
	e.stopping, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	if e.cache, err = openCache(cfg.CacheDir, cfg.Logger); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	e.wazero = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(cfg.Interpreter).WithCompilationCache(e.cache.wazero))
	if e.made, err = e.making(ctx); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	for _, door := range doors {
		if err := door.open(ctx, e.wazero, e.log); err != nil {
			return nil, core.Wrap(op, core.Internal, err)
		}
	}
	e.pool = pool{
		wazero: e.wazero, perInstallation: cfg.IdlePerInstallation, dirty: cfg.Measure.Dirty,
		max: min(cfg.MaxInstances, maxInstances()), homes: map[homeKey]*home{}, now: time.Now,
	}
	return e, nil
}

// runtimeConfig is that of engines and workers: code one compiles must be code
// the other finds. Custom sections and debug information are the author's
// bytes, and nothing here needs them parsed. Fuel stops a guest, so wazero need
// not: its own checks cost several times as much.
func runtimeConfig(interpreter bool) wazero.RuntimeConfig {
	config := wazero.NewRuntimeConfigCompiler()
	if interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	return config.WithDebugInfoEnabled(false)
}

// making tells artifacts of this engine from those of every other: another
// program, another wazero, another processor.
func (e *Engine) making(ctx context.Context) (string, error) {
	environment, err := e.cache.environment(ctx, e.wazero)
	if err != nil {
		return "", err
	}
	build, err := program()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s, interpreter=%t unmetered=%t memory=%d", build, environment, e.cfg.Interpreter,
		e.cfg.Measure.Unmetered, e.cfg.MaxMemory), nil
}

// stopGrace is how long Close waits for stopped calls, which end at their next
// slice of fuel or host call.
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
	e.pool.close(ctx)
	for _, m := range e.modules.empty() {
		m.close(ctx)
	}
	if err := e.wazero.Close(ctx); err != nil {
		return core.Wrap(op, core.Internal, err)
	}
	return core.Wrap(op, core.Internal, e.cache.Close(ctx))
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
