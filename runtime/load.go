package runtime

import (
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/errgroup"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// Module is a module that passed every check and is ready to run. It belongs to
// the engine that loaded it and lives as long.
type Module struct {
	digest    core.Digest
	parsed    *wasm.Module // its shell, where there is one; exports of the engine's own left out
	about     Description
	report    Report
	callable  map[string]bool
	shell     int64 // bytes of what was parsed
	maxMemory int64 // bytes an instance may ever have
	each      int64 // bytes of Go's heap that an instance takes besides its memory, about

	code     wazero.CompiledModule
	enlarged sync.Once // its pages
	image    *image    // nil for a plain module, and for one without memory
	globals  []globalValue
	clock    uint64 // where a call's clock begins: start-up has used the time before

	users int           // calls under way; of the engine's modules
	place *list.Element // among them; nil once it was dropped
}

// functionBytes is what wazero keeps of each function, about, in each instance
// and for the module.
const functionBytes = 100

// instanceBytes is what an instance takes of Go's heap besides its memory,
// about: segments are as large as the shell that has them.
func instanceBytes(m *wasm.Module, a *artifact) int64 {
	const (
		empty   = 64 << 10
		global  = 100
		element = 8 // of a table
		shell   = 4 // for each byte
	)
	return empty + functionBytes*int64(a.Report.Functions) + global*int64(m.Globals) + element*int64(m.Elements) + shell*int64(len(a.module))
}

// litterer is who answers for what a call leaves: a call without an installation
// is asked for by nobody but the module's publisher.
func (m *Module) litterer(owner core.InstallationID) core.InstallationID {
	if owner == "" {
		return core.InstallationID(m.digest)
	}
	return owner
}

// Exports returns the names of the functions the module exports. The slice must
// not be changed.
func (m *Module) Exports() []string { return m.about.Exports }

// Report returns what ingest found out about the module.
func (m *Module) Report() Report { return m.report }

// Plain says why every call starts the module anew; "" when calls start from
// its image.
func (m *Module) Plain() string { return m.report.Plain }

// size is what the module takes in memory while it is ready, in bytes, about.
// All of the image counts: the system keeps a page of zeros for each that a
// guest has ever read. wazero's decoded form and ours go by what there is of
// functions and exports.
func (m *Module) size() int64 {
	const (
		moduleBytes = 256 << 10 // that of an empty one, and its share of what the system can map
		exportBytes = 400
		shellTimes  = 4
	)
	return moduleBytes + m.report.Code + m.report.Image + shellTimes*m.shell +
		exportBytes*int64(len(m.parsed.Exports)) + functionBytes*int64(m.report.Functions)
}

// close frees what the module holds outside of Go's heap. wazero frees the code
// when the last instance is gone.
func (m *Module) close(ctx context.Context) {
	if m.image != nil {
		m.image.close()
	}
	if m.code != nil {
		_ = m.code.Close(ctx)
	}
}

// Loaded returns the module of that digest if it is ready, else nil.
func (e *Engine) Loaded(digest core.Digest) *Module { return e.modules.get(digest) }

// LoadBytes is Load of a module that is at hand. When ctx ends, and nobody else
// waits for the module, it is not compiled any further.
func (e *Engine) LoadBytes(ctx context.Context, module []byte) (*Module, error) {
	return e.loadOnce(ctx, DigestOf(module), false, func(context.Context) ([]byte, error) { return module, nil })
}

// Load ingests a module, or finds what was made of it before, once per digest
// however many ask at the same time. read is asked for the module's bytes only
// when the cache has nothing made of them. A module whose bytes are not
// digest's, that imports what no host function offers, speaks another version of
// the ABI, or would take more to compile or start than it may is refused: kind
// Invalid, with a message for the author. An error of read's is returned as it
// is.
func (e *Engine) Load(ctx context.Context, digest core.Digest, read func(context.Context) ([]byte, error)) (*Module, error) {
	return e.loadOnce(ctx, digest, true, read)
}

func (e *Engine) loadOnce(ctx context.Context, digest core.Digest, wanted bool, read func(context.Context) ([]byte, error)) (*Module, error) {
	if m := e.Loaded(digest); m != nil {
		return m, nil
	}
	return e.loading.join(ctx, digest, wanted, func(ctx context.Context) (*Module, error) {
		if m := e.Loaded(digest); m != nil {
			return m, nil
		}
		m, err := e.load(ctx, digest, read)
		if err != nil {
			return nil, err
		}
		for _, old := range e.modules.add(m) {
			e.pool.dropModule(ctx, old)
			old.close(ctx)
		}
		return m, nil
	})
}

func (e *Engine) load(ctx context.Context, digest core.Digest, read func(context.Context) ([]byte, error)) (_ *Module, err error) {
	const op = "runtime.Load"
	if !e.enter() {
		return nil, errClosed(op)
	}
	defer e.running.Done()
	began, compiled := time.Now(), false
	defer func() { e.loads.add(began, compiled, err) }()
	if a := e.cache.open(digest, e.made); a != nil {
		m, err := e.assemble(ctx, digest, a)
		if err == nil {
			return m, nil
		}
		e.log.Warn("a compiled module cannot be used; compiling it again", "digest", digest, "error", err)
	}
	module, err := read(ctx)
	if err != nil {
		return nil, err
	}
	if actual := DigestOf(module); actual != digest {
		return nil, core.E(op, core.Invalid,
			"The module's bytes have the digest %s, not %s: they were changed or damaged on the way.", actual, digest)
	}
	compiled = true
	a, err := e.ingest(ctx, module)
	if err != nil {
		return nil, err
	}
	e.cache.keep(digest, a)
	return e.assemble(ctx, digest, a)
}

// ingest makes an artifact of a module, in a child process.
func (e *Engine) ingest(ctx context.Context, module []byte) (*artifact, error) {
	const op = "runtime.Ingest"
	say := progressOf(ctx)
	if len(module) > wasm.PluginBounds.Size {
		return nil, core.E(op, core.Invalid,
			"The module was refused: it has %d bytes; the limit is %d.", len(module), wasm.PluginBounds.Size)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.stopping, cancel)()
	if !e.workers.TryAcquire(1) {
		say("waiting for another module")
		if err := e.workers.Acquire(ctx, 1); err != nil {
			return nil, core.Wrap(op, core.Timeout, err)
		}
	}
	defer e.workers.Release(1)
	return runWorker(ctx, workerOptions{Made: e.made, Interpreter: e.cfg.Interpreter, Unmetered: e.cfg.Measure.Unmetered, MaxMemory: e.cfg.MaxMemory}, module, say)
}

// assemble makes a module ready to run of its artifact.
func (e *Engine) assemble(ctx context.Context, digest core.Digest, a *artifact) (_ *Module, err error) {
	const op = "runtime.Load"
	parsed, err := parse(op, a.module)
	if err != nil {
		return nil, err
	}
	parsed.Exports = slices.DeleteFunc(parsed.Exports, func(x wasm.Export) bool { return strings.HasPrefix(x.Name, wasm.Reserved) })
	parsed.Customs = nil
	m := &Module{
		digest: digest, parsed: parsed, about: describe(parsed), callable: callables(parsed), report: a.Report, shell: int64(len(a.module)),
		maxMemory: e.cfg.MaxMemory, globals: a.Globals, clock: a.Clock,
		each: instanceBytes(parsed, a),
	}
	var both errgroup.Group
	if m.Plain() == "" && hasMemory(parsed) {
		both.Go(func() error {
			memory, err := a.memory()
			if err == nil {
				m.image, err = newImage(memory)
			}
			return err
		})
	}
	both.Go(func() (err error) {
		m.code, err = e.cache.compile(ctx, e.wazero, a)
		return err
	})
	if err := both.Wait(); err != nil {
		m.close(ctx)
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	return m, nil
}

// Verify ingests a module without keeping anything, and reports what was found.
// A refused module is an error of kind Invalid whose message names the reason
// and the place.
func (e *Engine) Verify(ctx context.Context, module []byte) (Report, error) {
	if !e.enter() {
		return Report{}, errClosed("runtime.Verify")
	}
	defer e.running.Done()
	a, err := e.ingest(ctx, module)
	if err != nil {
		return Report{}, err
	}
	return a.Report, nil
}

// manifestLimits bound a module's carrel_manifest.
var manifestLimits = Limits{Time: 5 * time.Second, Output: maxManifest}

// Manifest runs the module's carrel_manifest export and returns what it
// answered, nil without that export. It may take 5 s; an error is of kind
// Invalid, with a message for the author.
func (e *Engine) Manifest(ctx context.Context, m *Module) ([]byte, error) {
	if _, ok := m.parsed.Export(ExportManifest); !ok {
		return nil, nil
	}
	r := e.Run(ctx, m, Call{Function: ExportManifest, Limits: manifestLimits})
	if r.Err != nil {
		return nil, &core.Error{Op: "runtime.Manifest", Kind: core.Invalid, Msg: "The module does not tell its manifest: " + core.MessageOf(r.Err), Err: r.Err}
	}
	return r.Output, nil
}
