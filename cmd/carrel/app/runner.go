package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/runtime"
)

// modules finds the bytes of a release's module.
type modules interface {
	Module(ctx context.Context, digest core.Digest) ([]byte, error)
}

// runner joins the engine with the host functions: it runs a dispatcher's call
// in the engine, and answers the guest's operations from what the call binds.
type runner struct {
	engine  *runtime.Engine
	modules modules
	fetch   hostfuncs.Fetcher
	post    *hostfuncs.Post
	secrets workspace.Vault
	schemas hostfuncs.Schemas
	watch   *watch
	log     *slog.Logger
}

// Run implements dispatch.Runner.
func (r *runner) Run(ctx context.Context, call dispatch.Call) (result dispatch.Result) {
	ctx, ended := r.watch.run(ctx)
	defer func() { ended(result.Outcome, result.Fuel) }()
	for {
		module, err := r.module(ctx, call.Installation.Digest)
		if err != nil {
			return dispatch.Result{Outcome: core.OutcomeFailed, Err: err}
		}
		result = r.run(ctx, module, call)
		if errors.Is(result.Err, runtime.ErrUnloaded) && ctx.Err() == nil {
			continue // others needed the room in between
		}
		return result
	}
}

func (r *runner) run(ctx context.Context, module *runtime.Module, call dispatch.Call) dispatch.Result {
	log := newGuestLog(ctx, r.log, call)
	binding := hostfuncs.Binding{
		Workspace: call.Workspace, Installation: call.Installation, Manifest: call.Manifest, Plan: call.Plan, Actor: call.Actor,
		Kind: call.Kind, Trigger: call.Trigger, Invocation: call.Invocation, Hop: call.Hop, Now: call.Now,
		Grant: call.Grant, Mutate: call.Mutate, Schemas: r.schemas, Fetch: r.fetch, Log: log.write,
		Post: r.post, Secret: func(path ...string) (core.Secret, error) {
			return r.secrets.Secret(call.Installation, path...)
		},
	}
	if call.Unit != nil {
		binding.Unit = call.Unit.(unit)
	}
	function := call.Handler // of an Extism module, which exports each under its own name
	if slices.Contains(module.Exports(), runtime.ExportCall) {
		function = runtime.ExportCall
	}
	host := hostfuncs.Bind(binding)
	defer host.Close()
	result := r.engine.Run(ctx, module, runtime.Call{
		Function: function, Installation: call.Installation.ID, Input: call.Input, Now: call.Now, Seed: call.Seed, Host: r.watch.host(host),
		Limits: runtime.Limits{Memory: call.Limits.Memory, Time: call.Limits.Time, Output: call.Limits.Output, Fuel: call.Limits.Fuel},
		Yield:  call.Yield,
		Log:    func(level, message string) { log.write(abi.LogRequest{Level: level, Message: message}) },
	})
	return dispatch.Result{Output: result.Output, Outcome: result.Outcome, Fuel: result.Fuel, Duration: result.Duration, Log: log.lines(), Err: result.Err}
}

// module returns a release's module, compiled.
func (r *runner) module(ctx context.Context, digest core.Digest) (_ *runtime.Module, err error) {
	if m := r.engine.Loaded(digest); m != nil {
		return m, nil
	}
	ctx, ended := r.watch.load(ctx)
	defer func() { ended(err) }()
	return r.engine.Load(ctx, digest, func(ctx context.Context) ([]byte, error) { return r.modules.Module(ctx, digest) })
}
