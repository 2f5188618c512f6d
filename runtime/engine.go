package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"

	"github.com/carrel-dev/carrel/core"
)

// Config configures an Engine. The zero value is usable: no disk cache, the
// default logger, 256 MiB.
type Config struct {
	// CacheDir keeps compiled code between restarts; "" keeps none. It holds
	// executable code, so it belongs to this engine's user alone (0700).
	CacheDir string
	Logger   *slog.Logger
	// MaxMemory is the most linear memory any call may have, in bytes. 0 means
	// 256 MiB. A module that starts with more is refused by Load.
	MaxMemory int64
}

// Engine compiles modules and runs calls. It is safe for concurrent use.
type Engine struct{}

// Module is a module that passed every check and is compiled. It belongs to the
// engine that loaded it and lives as long.
type Module struct{}

// New starts an engine.
func New(ctx context.Context, cfg Config) (*Engine, error) { return &Engine{}, nil }

// Close refuses new calls, waits for the running ones, and frees all code. When
// ctx ends first, the running calls are stopped.
func (e *Engine) Close(ctx context.Context) error { return nil }

// Load checks and compiles a module, once per digest however many ask at the
// same time. A module whose bytes are not digest's, that imports what no host
// function offers, or speaks another version of the ABI is refused: kind
// Invalid, with a message for the author.
func (e *Engine) Load(ctx context.Context, digest core.Digest, module []byte) (*Module, error) {
	return nil, core.E("runtime.Load", core.Unavailable, "not yet")
}

// Manifest runs the module's carrel_manifest export and returns what it
// answered, nil without that export.
func (e *Engine) Manifest(ctx context.Context, m *Module) ([]byte, error) { return nil, nil }

// Run runs one call. It never panics and never returns before the guest has
// stopped.
func (e *Engine) Run(ctx context.Context, m *Module, c Call) Result { return Result{} }

// DigestOf returns the digest of a module's bytes.
func DigestOf(module []byte) core.Digest {
	sum := sha256.Sum256(module)
	return core.Digest("sha256:" + hex.EncodeToString(sum[:]))
}
