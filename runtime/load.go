package runtime

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// Module is a module that passed every check and is compiled. It belongs to the
// engine that loaded it and lives as long.
type Module struct {
	digest core.Digest
	parsed *wasm.Module
	about  Description
	code   wazero.CompiledModule
}

// Exports returns the names of the functions the module exports. The slice must
// not be changed.
func (m *Module) Exports() []string { return m.about.Exports }

// Loaded returns the module of that digest if it was loaded before, else nil.
func (e *Engine) Loaded(digest core.Digest) *Module {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.modules[digest]
}

// Load checks and compiles a module, once per digest however many ask at the
// same time. A module whose bytes are not digest's, that imports what no host
// function offers, or speaks another version of the ABI is refused: kind
// Invalid, with a message for the author.
func (e *Engine) Load(ctx context.Context, digest core.Digest, module []byte) (*Module, error) {
	const op = "runtime.Load"
	if m := e.Loaded(digest); m != nil {
		return m, nil
	}
	if actual := DigestOf(module); actual != digest {
		return nil, core.E(op, core.Invalid, "The module's bytes have the digest %s, not %s: they were changed or damaged on the way.", actual, digest)
	}
	// The work is shared, so it must not end with the first asker's patience.
	work := context.WithoutCancel(ctx)
	done := e.loading.DoChan(string(digest), func() (any, error) {
		if m := e.Loaded(digest); m != nil {
			return m, nil
		}
		m, err := e.load(work, digest, module)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		e.modules[digest] = m
		e.mu.Unlock()
		return m, nil
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Module), nil
	case <-ctx.Done():
		return nil, core.Wrap(op, core.Timeout, ctx.Err())
	}
}

func (e *Engine) load(ctx context.Context, digest core.Digest, module []byte) (_ *Module, err error) {
	const op = "runtime.Load"
	if !e.enter() {
		return nil, errClosed(op)
	}
	defer e.running.Done()
	// A compiler is a large program fed with a stranger's bytes.
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("the compiler panicked", "digest", digest, "panic", r)
			err = core.E(op, core.Invalid, "The compiler failed on this module.")
		}
	}()

	parsed, err := parse(op, module)
	if err != nil {
		return nil, err
	}
	if err := e.check(parsed); err != nil {
		return nil, err
	}
	code, err := e.compile(ctx, digest, module)
	if err != nil {
		return nil, &core.Error{Op: op, Kind: core.Invalid, Msg: fmt.Sprintf("The module does not compile: %s.", firstLine(err.Error())), Err: err}
	}
	m := &Module{digest: digest, parsed: parsed, about: describe(parsed), code: code}
	if err := e.handshake(ctx, m); err != nil {
		_ = code.Close(ctx)
		return nil, err
	}
	return m, nil
}

func (e *Engine) compile(ctx context.Context, digest core.Digest, module []byte) (wazero.CompiledModule, error) {
	ctx = experimental.WithCompilationWorkers(ctx, goruntime.GOMAXPROCS(0))
	if e.cache == nil {
		return e.wazero.CompileModule(ctx, module)
	}
	return e.cache.compile(ctx, e.wazero, digest, module)
}

// check refuses a module that could not be started: an import nobody offers,
// or more memory than a call may have.
func (e *Engine) check(m *wasm.Module) error {
	const op = "runtime.Load"
	for _, i := range m.Imports {
		if err := checkImport(i); err != nil {
			return err
		}
	}
	for _, mem := range m.Memories {
		if need := int64(mem.Min) * wasm.PageSize; need > e.cfg.MaxMemory {
			return core.E(op, core.Invalid, "The module starts with %s of memory; a call may have %s.", bytesText(need), bytesText(e.cfg.MaxMemory))
		}
	}
	return nil
}

// handshakeLimits bound what a module does before it is accepted.
var handshakeLimits = Limits{Time: 5 * time.Second}

// handshake asks a plugin which version of the ABI it speaks.
func (e *Engine) handshake(ctx context.Context, m *Module) error {
	const op = "runtime.Load"
	if !m.about.Plugin {
		return nil
	}
	x, ok := m.parsed.Export(ExportABI)
	if !ok {
		return core.E(op, core.Invalid, "The module does not say which version of Carrel's ABI it speaks; this server speaks version %d. Export %s returning %d, or build the plugin with the SDK, which does.", abi.Version, ExportABI, abi.Version)
	}
	if !slices.Equal(x.Type.Results, []wasm.ValueType{wasm.I32}) || len(x.Type.Params) != 0 {
		return core.E(op, core.Invalid, "The export %s is %s; it must be () -> (i32).", ExportABI, x.Type)
	}
	inv := newInvocation(Call{Function: ExportABI}, handshakeLimits.within(e.cfg.MaxMemory))
	code, err := e.invoke(ctx, m, inv)
	if err != nil {
		outcome := inv.verdict(err)
		return &core.Error{Op: op, Kind: core.Invalid, Msg: "The module could not be started: " + core.MessageOf(outcome.Err), Err: outcome.Err}
	}
	if code != abi.Version {
		return core.E(op, core.Invalid, "The module speaks version %d of Carrel's ABI; this server speaks version %d. Build the plugin with an SDK of version %d.", code, abi.Version, abi.Version)
	}
	return nil
}

// Manifest runs the module's carrel_manifest export and returns what it
// answered, nil without that export.
func (e *Engine) Manifest(ctx context.Context, m *Module) ([]byte, error) {
	if _, ok := m.parsed.Export(ExportManifest); !ok {
		return nil, nil
	}
	r := e.Run(ctx, m, Call{Function: ExportManifest, Limits: handshakeLimits})
	if r.Err != nil {
		return nil, &core.Error{Op: "runtime.Manifest", Kind: core.Invalid, Msg: "The module does not tell its manifest: " + core.MessageOf(r.Err), Err: r.Err}
	}
	return r.Output, nil
}
