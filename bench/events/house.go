package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/runtime"
	"github.com/carrel-dev/carrel/store"
)

// house is a server without its web: the parts a delivery goes through, put
// together as cmd/carrel/app does.
type house struct {
	store      string // what rows call it
	db         database
	pg         *machine.Postgres // nil: its data is a file
	past       records
	units      *store.Store
	engine     *runtime.Engine
	module     []byte
	digest     core.Digest
	manifest   *abi.Manifest
	dispatcher *dispatch.Dispatcher
	records    *store.InvocationLog
	claimer    *events.Claimer
	owner      core.Actor

	mu      sync.Mutex
	effects func(core.WorkspaceID) // told when a delivery has had its effect
}

// open makes a house on a store in an empty folder, with the plugin bell.
func open(ctx context.Context, name, dir string, pg *machine.Postgres) (_ *house, err error) {
	h := &house{store: name, pg: pg, effects: func(core.WorkspaceID) {}}
	if h.module, err = build(dir); err != nil {
		return nil, err
	}
	h.digest = runtime.DigestOf(h.module)
	if h.engine, err = runtime.New(ctx, runtime.Config{CacheDir: filepath.Join(dir, "cache"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}); err != nil {
		return nil, err
	}
	if err := h.readManifest(ctx); err != nil {
		return nil, err
	}
	if h.db, h.past, err = openStore(ctx, dir, pg); err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h.units, h.records = store.New(h.db.Documents()), store.NewInvocationLog(h.db, logger)
	h.dispatcher = dispatch.New(dispatch.Config{
		Views: h, Units: units{h.units}, Events: h.past, Runner: h, Records: h.records, Wake: func() { h.claimer.Wake() }, Now: h.db.Now,
		Logger: logger,
	})
	h.claimer = events.New(events.Config{Store: h.db, SetAside: h.dispatcher.SetAside, Now: h.db.Now, Logger: logger, Deliver: func(ctx context.Context, d core.Delivery) error {
		err := h.dispatcher.Deliver(ctx, d)
		if err == nil {
			h.mu.Lock()
			told := h.effects
			h.mu.Unlock()
			told(d.Workspace)
		}
		return err
	}})
	h.owner = core.Actor{Type: core.ActorMember, Account: core.NewAccountID(), Role: core.RoleOwner}
	return h, h.db.CreateAccount(ctx, core.Account{ID: h.owner.Account, Email: "owner@example.com", Name: "Owner", PasswordHash: "-", Created: time.Now()})
}

func (h *house) close(ctx context.Context) error {
	h.records.Close()
	return errors.Join(h.db.Close(), h.engine.Close(ctx))
}

// build compiles the plugin.
func build(dir string) ([]byte, error) {
	file := filepath.Join(dir, "bell.wasm")
	command := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, "./guests/bell")
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the plugin: %w\n%s", err, out)
	}
	return os.ReadFile(file)
}

// readManifest asks the plugin what it declares.
func (h *house) readManifest(ctx context.Context) error {
	m, err := h.load(ctx)
	if err != nil {
		return err
	}
	raw, err := h.engine.Manifest(ctx, m)
	if err != nil {
		return err
	}
	h.manifest = new(abi.Manifest)
	return json.Unmarshal(raw, h.manifest)
}

func (h *house) load(ctx context.Context) (*runtime.Module, error) {
	return h.engine.Load(ctx, h.digest, func(context.Context) ([]byte, error) { return h.module, nil })
}

// effect sets what is told of each effect.
func (h *house) effect(told func(core.WorkspaceID)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.effects = told
}

// run runs the claimer until the returned function is called.
func (h *house) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.claimer.Run(ctx) }()
	return func() { cancel(); <-done }
}

// workspace makes one with the plugin installed.
func (h *house) workspace(ctx context.Context) (core.Workspace, core.Installation, error) {
	id := core.NewWorkspaceID()
	now := h.db.Now()
	w := core.Workspace{ID: id, Slug: "w" + string(id[len(id)-12:]), Name: "W", TimeZone: "UTC", Locale: "en", Plan: "all", Created: now}
	contract := core.Contract{ID: core.NewContractID(), Workspace: id, Plan: "all", Began: now}
	if err := h.db.CreateWorkspace(ctx, w, h.owner.Account, contract, core.AuditEntry{Time: now}); err != nil {
		return w, core.Installation{}, err
	}
	in := core.Installation{
		ID: core.NewInstallationID(), Workspace: id, Plugin: core.PluginID{Publisher: h.manifest.Publisher, Name: h.manifest.Name}, Alias: "bell",
		Version: h.manifest.Version, Digest: h.digest, State: core.InstallationEnabled, Revision: 1, Created: now, Updated: now,
	}
	for _, asked := range core.Requests(h.manifest) {
		in.Grants = append(in.Grants, core.Grant{Capability: asked.Name, Events: asked.Events, Domains: asked.Domains})
	}
	return w, in, h.db.Change(ctx, id, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	})
}

// ring makes the call that emits an event.
func (h *house) ring(ctx context.Context, w core.Workspace, n int) error {
	_, err := h.dispatcher.Request(ctx, dispatch.Request{Workspace: w, Alias: "bell", Actor: h.owner, HTTP: abi.Request{
		Method: "POST", Path: "/ring", Body: data(n), Headers: map[string]string{"content-type": "application/json"},
	}})
	return err
}

func data(n int) json.RawMessage {
	return fmt.Appendf(nil, `{"number":%d,"who":"reader%d@example.com"}`, n, n)
}

// backlog has events wait for the plugin, as if its calls had emitted them.
func (h *house) backlog(ctx context.Context, w core.Workspace, in core.Installation, n int) error {
	const inUnit = 2_000
	a, err := h.db.Access(ctx, w.ID)
	if err != nil {
		return err
	}
	for done := 0; done < n; {
		unit := h.units.Begin(w.ID, store.Scope{Plugin: in.Plugin, Installation: in.ID, AuthEpoch: a.Epoch})
		var emitted []core.Event
		for range min(inUnit, n-done) {
			e := core.Event{
				ID: core.NewEventID(), Workspace: w.ID, Type: "bell.rang", Version: 1, Source: "/bell", Data: data(done), Cause: "inv_bench", Time: h.db.Now(),
			}
			emitted, done = append(emitted, e), done+1
			unit.Add(core.AppendEvent{Event: e})
		}
		for _, d := range core.Deliveries(w.ID, a.Installations, emitted) {
			unit.Add(core.PutDelivery{Delivery: d})
		}
		if _, err := unit.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// View implements dispatch.Views.
func (h *house) View(ctx context.Context, ws core.WorkspaceID) (dispatch.View, error) {
	access, err := h.db.Access(ctx, ws)
	return dispatch.View{
		Access: access, Plan: core.Plan{ID: "all", Title: "All", Plugins: []string{"*"}}, Manifests: map[core.Digest]*abi.Manifest{h.digest: h.manifest},
	}, err
}

// Run implements dispatch.Runner.
func (h *house) Run(ctx context.Context, call dispatch.Call) dispatch.Result {
	module, err := h.load(ctx)
	if err != nil {
		return dispatch.Result{Outcome: core.OutcomeFailed, Err: err}
	}
	host := hostfuncs.Bind(hostfuncs.Binding{
		Workspace: call.Workspace, Installation: call.Installation, Manifest: call.Manifest, Plan: call.Plan, Actor: call.Actor, Kind: call.Kind,
		Trigger: call.Trigger, Invocation: call.Invocation, Hop: call.Hop, Now: call.Now, Grant: call.Grant, Schemas: schemas, Unit: call.Unit.(unit),
	})
	r := h.engine.Run(ctx, module, runtime.Call{
		Function: runtime.ExportCall, Installation: call.Installation.ID, Input: call.Input, Now: call.Now, Seed: call.Seed, Host: host, Yield: call.Yield,
		Limits: runtime.Limits{Memory: call.Limits.Memory, Time: call.Limits.Time, Output: call.Limits.Output, Fuel: call.Limits.Fuel},
	})
	return dispatch.Result{Output: r.Output, Outcome: r.Outcome, Fuel: r.Fuel, Duration: r.Duration, Err: r.Err}
}

var schemas = &jsonschema.Events{}

// units lets the dispatcher begin the store's units of work.
type units struct{ store *store.Store }

// Begin implements dispatch.Units.
func (u units) Begin(ws core.WorkspaceID, scope dispatch.Scope) dispatch.Unit {
	return unit{u.store.Begin(ws, store.Scope(scope))}
}

type unit struct{ *store.Unit }

// Commit implements dispatch.Unit.
func (u unit) Commit(ctx context.Context) (bool, error) {
	done, err := u.Unit.Commit(ctx)
	return done.Deliveries, err
}
