package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// ingestion makes an artifact of a module. It runs in a child process: every
// step of it works on a stranger's bytes or runs a stranger's code.
type ingestion struct {
	options workerOptions
	say     func(stage string) // tells the publisher what is being done
	stages  []Stage
	begun   time.Time
}

// workerOptions are what an engine's artifacts depend on.
type workerOptions struct {
	Made        string `json:"made"`
	Interpreter bool   `json:"interpreter"`
	Unmetered   bool   `json:"unmetered"`
	MaxMemory   int64  `json:"maxMemory"` // bytes
}

// What a module may use while it starts. Start-up runs once a release.
const (
	startTime = 5 * time.Second
	startFuel = 500_000_000
)

// startDate is what a guest's clock shows while it starts. It is the same for
// every release and on every node, as are its random numbers: the image must be.
var startDate = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// stage ends the stage before, and begins one.
func (g *ingestion) stage(name string) {
	now := time.Now()
	if n := len(g.stages); n > 0 {
		g.stages[n-1].Took = now.Sub(g.begun)
	}
	g.begun = now
	if name != "" {
		g.stages = append(g.stages, Stage{Name: name})
		g.say(name)
	}
}

// run checks, weaves, compiles and starts the module. A refusal is of kind
// Invalid, with a message for the author.
func (g *ingestion) run(ctx context.Context, module []byte) (*artifact, error) {
	const op = "runtime.Ingest"
	g.stage("checking")
	checked, err := wasm.Check(module, wasm.PluginBounds)
	if err != nil {
		return nil, core.E(op, core.Invalid, "The module was refused: %s.", err)
	}
	parsed, err := parse(op, module)
	if err != nil {
		return nil, err
	}
	if err := checkDeclarations(parsed, g.options.MaxMemory); err != nil {
		return nil, err
	}

	g.stage("weaving")
	woven := checked.Weave(wasm.Weaving{Stack: stackBudget, Unmetered: g.options.Unmetered})
	detached, err := wasm.Detach(woven)
	if err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}

	g.stage("compiling")
	a := &artifact{module: detached.Module}
	a.Made = g.options.Made
	a.Report = Report{Digest: DigestOf(module), Engine: EngineImage, Plain: detached.Plain, Functions: parsed.Functions(), Size: int64(len(module)), Woven: int64(len(woven))}
	if detached.Plain != "" {
		a.Report.Engine = EnginePlain
	}
	dir, err := os.MkdirTemp("", "carrel-ingest-")
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in, code, err := g.compile(ctx, dir, detached.Module)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close(ctx) }()
	if err := g.setCode(ctx, a, dir); err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}

	g.stage("starting")
	if err := g.start(ctx, a, in, code, parsed, detached); err != nil {
		return nil, err
	}
	g.stage("")
	a.Report.Stages = g.stages
	return a, nil
}

func (g *ingestion) compile(ctx context.Context, dir string, module []byte) (wazero.Runtime, wazero.CompiledModule, error) {
	const op = "runtime.Ingest"
	in, err := g.runtime(ctx, dir)
	if err != nil {
		return nil, nil, core.Wrap(op, core.Unavailable, err)
	}
	for _, d := range doors {
		if err := d.open(ctx, in, slog.New(slog.DiscardHandler)); err != nil {
			return nil, nil, core.Wrap(op, core.Internal, err)
		}
	}
	code, err := in.CompileModule(experimental.WithCompilationWorkers(ctx, goruntime.GOMAXPROCS(0)), module)
	if err != nil {
		return nil, nil, &core.Error{Op: op, Kind: core.Invalid, Err: err,
			Msg: fmt.Sprintf("The module does not compile: %s.", firstLine(err.Error()))}
	}
	return in, code, nil
}

// runtime makes a wazero runtime that keeps its machine code in dir.
func (g *ingestion) runtime(ctx context.Context, dir string) (wazero.Runtime, error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, err
	}
	return wazero.NewRuntimeWithConfig(ctx, runtimeConfig(g.options.Interpreter).WithCompilationCache(cache)), nil
}

// setCode takes the machine code out of wazero's directory. What has to be read
// besides it in every process that loads the module is the module's shell only.
func (g *ingestion) setCode(ctx context.Context, a *artifact, dir string) error {
	file, err := cacheFile(dir)
	if err != nil || file == "" {
		return err // the interpreter writes none
	}
	if a.code, err = os.ReadFile(file); err != nil {
		return err
	}
	a.Report.Code = int64(len(a.code))
	if a.module, err = wasm.Shell(a.module); err != nil {
		return err
	}
	a.CodeName, err = g.nameOf(ctx, a.module)
	return err
}

// nameOf returns the name of the file in which wazero would look for a module's
// machine code.
func (g *ingestion) nameOf(ctx context.Context, module []byte) (string, error) {
	dir, err := os.MkdirTemp("", "carrel-ingest-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in, err := g.runtime(ctx, dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close(ctx) }()
	if _, err := in.CompileModule(ctx, module); err != nil {
		return "", err
	}
	file, err := cacheFile(dir)
	return filepath.Base(file), err
}

// cacheFile returns the one file of wazero's cache directory, which lies in a
// directory that wazero names after its version and the machine; "" if there is
// none.
func cacheFile(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) == 0 {
		return "", err
	}
	return files[0], nil
}

// start runs the module's start-up once and takes the image.
func (g *ingestion) start(ctx context.Context, a *artifact, in wazero.Runtime, code wazero.CompiledModule, parsed *wasm.Module, detached wasm.Detached) error {
	const op = "runtime.Ingest"
	inv := newInvocation(Call{Now: startDate}, Limits{Time: startTime, Fuel: startFuel}.within(g.options.MaxMemory))
	inv.hasMemory = hasMemory(parsed)
	call := inv.begin(ctx, time.Now(), context.Background())
	defer call.end()
	memory := &heapMemory{limit: g.options.MaxMemory, admit: inv.memory.admit}
	module, err := in.InstantiateModule(experimental.WithMemoryAllocator(call, memory), code,
		wazero.NewModuleConfig().WithName("").WithStartFunctions())
	inv.seen = nil // a start function that is a host's own was called for another module
	if err == nil {
		err = startModule(call, module, memory, detached)
	}
	if err == nil {
		a.Report.Warm, err = warm(call, module, parsed)
	}
	inv.log.flush()
	if err != nil {
		if why, ok := errors.AsType[*core.Error](err); ok {
			return why
		}
		outcome := inv.verdict(err)
		return &core.Error{Op: op, Kind: core.Invalid, Msg: "The module could not be started: " + core.MessageOf(outcome.Err), Err: outcome.Err}
	}
	a.Report.Fuel = inv.meter.spent() + inv.owed
	if err := handshake(call, module, inv, parsed); err != nil {
		return err
	}
	if detached.Plain != "" {
		return nil
	}
	a.Clock = inv.clock.elapsed
	a.setMemory(memory.bytes)
	for _, global := range detached.Globals {
		a.Globals = append(a.Globals, globalValue{global.Name, module.ExportedGlobal(global.Name).Get()})
	}
	return nil
}

// startModule does what instantiating the original module would have done, and
// runs a reactor's start code.
func startModule(ctx context.Context, module api.Module, memory *heapMemory, detached wasm.Detached) error {
	for _, segment := range detached.Data {
		if uint64(segment.Offset)+uint64(len(segment.Bytes)) > uint64(len(memory.bytes)) {
			return core.E("runtime.Ingest", core.Invalid,
				"The module could not be started: it lays %d bytes of data at %#x, outside its memory of %s.",
				len(segment.Bytes), segment.Offset, bytesText(int64(len(memory.bytes))))
		}
		copy(memory.bytes[segment.Offset:], segment.Bytes)
	}
	if detached.Start {
		if _, err := module.ExportedFunction(wasm.StartName).Call(ctx); err != nil {
			return err
		}
	}
	entry := initializer(module)
	if entry == nil {
		return nil
	}
	_, err := entry.Call(ctx)
	return err
}

// warm runs carrel_warm, with which a guest gets ready for its calls: what it
// touches here, no call has to.
func warm(ctx context.Context, module api.Module, parsed *wasm.Module) (bool, error) {
	x, ok := parsed.Export(ExportWarm)
	if !ok {
		return false, nil
	}
	if len(x.Type.Params)+len(x.Type.Results) > 0 {
		return false, core.E("runtime.Ingest", core.Invalid, "The export %s is %s; it must be () -> ().", ExportWarm, x.Type)
	}
	_, err := module.ExportedFunction(ExportWarm).Call(ctx)
	return err == nil, err
}

// checkDeclarations refuses a module that could not be started: an import
// nobody offers, or more memory than a call may have.
func checkDeclarations(m *wasm.Module, maxMemory int64) error {
	for _, i := range m.Imports {
		if err := checkImport(i); err != nil {
			return err
		}
	}
	for _, mem := range m.Memories {
		if need := int64(mem.Min) * wasm.PageSize; need > maxMemory {
			return core.E("runtime.Load", core.Invalid,
				"The module starts with %s of memory; a call may have %s.", bytesText(need), bytesText(maxMemory))
		}
	}
	return nil
}

func hasMemory(m *wasm.Module) bool { return len(m.Memories) > 0 }

// handshake asks a plugin which version of the ABI it speaks.
func handshake(ctx context.Context, module api.Module, inv *invocation, parsed *wasm.Module) error {
	const op = "runtime.Load"
	if !describe(parsed).Plugin {
		return nil
	}
	x, ok := parsed.Export(ExportABI)
	if !ok {
		return core.E(op, core.Invalid,
			"The module does not say which version of Carrel's ABI it speaks; this server speaks version "+
				"%d. Export %s returning %d, or build the plugin with the SDK, which does.", abi.Version, ExportABI, abi.Version)
	}
	if !slices.Equal(x.Type.Results, []wasm.ValueType{wasm.I32}) || len(x.Type.Params) != 0 {
		return core.E(op, core.Invalid, "The export %s is %s; it must be () -> (i32).", ExportABI, x.Type)
	}
	results, err := module.ExportedFunction(ExportABI).Call(ctx)
	if err != nil {
		outcome := inv.verdict(err)
		return &core.Error{Op: op, Kind: core.Invalid, Msg: "The module could not be started: " + core.MessageOf(outcome.Err), Err: outcome.Err}
	}
	if version := api.DecodeI32(results[0]); version != abi.Version {
		return core.E(op, core.Invalid,
			"The module speaks version %d of Carrel's ABI; this server speaks "+
				"version %d. Build the plugin with an SDK of version %d.", version, abi.Version, abi.Version)
	}
	return nil
}
