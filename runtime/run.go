package runtime

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// maxDepth is how deep Run may be called from within a Host.Call: an action
// that mutates, a capability that uses another.
const maxDepth = 4

// ErrUnloaded is in the error of a call whose module was dropped since it was
// loaded: nothing has run, and it can be loaded again.
var ErrUnloaded = errors.New("the module is not loaded any more")

// Run runs one call on a memory that holds nothing of any other call: its
// module's image, or a plain module's own start. It returns when the
// guest has stopped, whatever the guest did: no trap, exit or panic of a host
// function gets past it.
func (e *Engine) Run(ctx context.Context, m *Module, c Call) Result {
	const op = "runtime.Run"
	started := time.Now()
	if !e.enter() {
		return Result{Outcome: core.OutcomeFailed, Err: errClosed(op)}
	}
	defer e.running.Done()
	inv := newInvocation(c, c.Limits.within(e.cfg.MaxMemory))
	if outer := invocationOf(ctx); outer != nil {
		inv.depth = outer.depth + 1
	}
	var r Result
	if inv.depth > maxDepth {
		r = Result{Outcome: core.OutcomeDenied, Err: core.E(op, core.Denied,
			"Calls from plugin to plugin are nested more than %d deep.", maxDepth)}
	} else if code, err := e.invoke(ctx, m, inv, started); err != nil {
		r = inv.verdict(err)
		if bug, ok := errors.AsType[goruntime.Error](err); ok && inv.stopped == nil {
			e.log.Error("a host function panicked", "digest", m.digest, "panic", bug)
		}
	} else {
		r = inv.result(code)
	}
	r.Fuel = inv.meter.spent()
	r.Duration = time.Since(started)
	return r
}

// invoke takes an instance, calls the function, and lets the instance go.
func (e *Engine) invoke(ctx context.Context, m *Module, inv *invocation, now time.Time) (code int32, err error) {
	const op = "runtime.Run"
	if err := callable(m, inv.call.Function); err != nil {
		return 0, err
	}
	if start := m.startMemory(); !inv.memory.admit(start) {
		return 0, fmt.Errorf("the module starts with %d bytes of memory", start)
	}
	inv.hasMemory, inv.clock.before = hasMemory(m.parsed), m.clock
	if deadline, ok := ctx.Deadline(); ok { // the caller's may come first
		inv.limits.Time = min(inv.limits.Time, max(0, time.Until(deadline).Round(time.Millisecond)))
	}
	call := inv.begin(ctx, now, e.stopping)
	defer call.end()
	// wazero recovers what guests and host functions do; this is for its own
	// starting of an instance, and for Call.Log.
	defer func() {
		r := recover()
		if s, ok := r.(*stop); ok {
			inv.stopped, err = s, s
		} else if r != nil {
			e.log.Error("a call panicked", "digest", m.digest, "panic", r, "stack", string(debug.Stack()))
			inv.stopped = &stop{core.OutcomeFailed, core.E("runtime.Run", core.Internal, "Something went wrong on our side.")}
			err = inv.stopped
		}
	}()

	defer inv.log.flush()
	if err := ctx.Err(); err != nil {
		return 0, inv.late(err)
	}
	// Who waits holds no module: others may need its room.
	if inv.share, err = e.pool.litter.wait(call, m.litterer(inv.call.Installation)); err != nil {
		return 0, inv.late(err)
	}
	if !e.modules.use(m) {
		e.pool.litter.leave(m.litterer(inv.call.Installation), inv.share, 0)
		inv.stopped = &stop{core.OutcomeFailed, core.E(op, core.Unavailable,
			"The plugin was unloaded to make room for others. Try again.")}
		return 0, ErrUnloaded
	}
	defer e.modules.leave(m)
	in, err := e.pool.take(call, m, inv)
	if ours, ok := errors.AsType[*core.Error](err); ok {
		inv.stopped = &stop{core.OutcomeFailed, ours}
	}
	if err != nil {
		return 0, exitCleanly(err, inv)
	}
	clean := false
	defer func() {
		if inv.watched != nil {
			inv.watched.pause()
		}
		inv.meter.end(inv.owed)
		e.pool.put(ctx, in, clean)
	}()
	in.bind(inv)
	if !e.pool.dirty {
		in.watch(inv)
	}
	code, err = in.call(call, inv.call.Function)
	clean = err == nil
	if clean {
		inv.settle(in.module)
		in.arena, inv.extism.arena = inv.extism.recycled(), arena{}
	}
	return code, exitCleanly(err, inv)
}

// startMemory is the linear memory an instance has before its call, in bytes.
func (m *Module) startMemory() int64 {
	if m.image != nil {
		return m.image.size()
	}
	return m.about.Memory.Min
}

// exitCleanly makes exit(0) of a command, a module that is its `_start`, the
// normal end it is.
func exitCleanly(err error, inv *invocation) error {
	if inv.exit != nil && *inv.exit == 0 && inv.call.Function == "_start" {
		return nil
	}
	return err
}

// errNoFunction marks a call of something that cannot be called.
var errNoFunction = errors.New("no such function")

// callable refuses functions that don't exist or take parameters.
func callable(m *Module, function string) error {
	const op = "runtime.Run"
	if m.callable[function] {
		return nil
	}
	x, ok := m.parsed.Export(function)
	if !ok {
		var names []string
		for _, name := range m.about.Exports {
			if !strings.HasPrefix(name, "_") && len(names) < 20 {
				names = append(names, cut(name, 100))
			}
		}
		return &core.Error{Op: op, Kind: core.Invalid, Err: errNoFunction,
			Msg: cut(fmt.Sprintf("The module exports no function %q; it exports: %s.", cut(function, 100), strings.Join(names, ", ")), 1000)}
	}
	return &core.Error{Op: op, Kind: core.Invalid, Err: errNoFunction,
		Msg: fmt.Sprintf("The function %q is %s; a function to call is () -> (i32) or () -> ().", cut(function, 100), x.Type)}
}

// callables are the functions of a module that can be called.
func callables(m *wasm.Module) map[string]bool {
	names := map[string]bool{}
	for _, x := range m.Exports {
		r := x.Type.Results
		if x.Kind == wasm.KindFunction && len(x.Type.Params) == 0 && (len(r) == 0 || len(r) == 1 && r[0] == wasm.I32) {
			names[x.Name] = true
		}
	}
	return names
}

// result says how a call ended whose function returned.
func (inv *invocation) result(code int32) Result {
	const op = "runtime.Run"
	plugin := inv.call.Function == ExportCall || inv.call.Function == ExportManifest
	switch {
	case code != 0 && inv.extism.failure != "":
		return Result{Outcome: core.OutcomeGuestError, Err: core.E(op, core.Invalid, "%s", inv.extism.failure)}
	case code != 0:
		return Result{Outcome: core.OutcomeGuestError, Err: core.E(op, core.Invalid,
			"The function %s returned %d without saying why.", inv.call.Function, code)}
	case plugin && !inv.answered:
		return Result{Outcome: core.OutcomeTrap, Err: core.E(op, core.Internal, "The plugin ended without an answer.")}
	}
	return Result{Outcome: core.OutcomeOK, Output: inv.output}
}

// answer takes the guest's output, a copy of b.
func (inv *invocation) answer(b []byte) {
	if int64(len(b)) > inv.limits.Output {
		trap(core.TooLarge, "The plugin answered %d bytes; the limit is %s.", len(b), bytesText(inv.limits.Output))
	}
	inv.output = append(inv.output[:0], b...)
	inv.answered = true
}
