package runtime

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"

	"github.com/carrel-dev/carrel/core"
)

// stop is the panic with which a host function ends a call. wazero turns it
// into the error of the guest's function.
type stop struct {
	outcome core.Outcome
	err     *core.Error
}

// Error implements error.
func (s *stop) Error() string { return s.err.Error() }

// trap ends the call as the guest's fault.
func trap(kind core.Kind, format string, args ...any) {
	panic(&stop{core.OutcomeTrap, core.E("runtime.Run", kind, format, args...)})
}

// outOfMemory ends the call.
func (inv *invocation) outOfMemory() {
	panic(&stop{core.OutcomeMemoryExceeded, errMemory(inv.limits.Memory)})
}

func errMemory(limit int64) *core.Error {
	return core.E("runtime.Run", core.Internal, "The plugin needed more memory than its limit of %s.", bytesText(limit))
}

// alive ends a call whose time is over before it can have another effect.
func (inv *invocation) alive(ctx context.Context) {
	if err := ctx.Err(); err != nil {
		panic(inv.late(err))
	}
}

func (inv *invocation) late(err error) *stop {
	const op = "runtime.Run"
	if errors.Is(err, context.DeadlineExceeded) {
		return &stop{core.OutcomeTimeout, core.E(op, core.Timeout, "The plugin did not finish within %s.", inv.limits.Time)}
	}
	return &stop{core.OutcomeTimeout, core.E(op, core.Unavailable, "The call was stopped before the plugin finished.")}
}

// verdict says how a call ended whose function failed with err.
func (inv *invocation) verdict(err error) Result {
	const op = "runtime.Run"
	s := inv.stopped
	if s == nil {
		s, _ = errors.AsType[*stop](err)
	}
	bug, ours := errors.AsType[goruntime.Error](err)
	switch {
	case s != nil:
	case ours:
		s = &stop{core.OutcomeFailed, &core.Error{Op: op, Kind: core.Internal, Msg: "Something went wrong on our side.", Err: bug}}
	case inv.memory.exceeded:
		s = &stop{core.OutcomeMemoryExceeded, errMemory(inv.limits.Memory)}
	case errors.Is(err, errNoFunction):
		return Result{Outcome: core.OutcomeTrap, Err: err}
	default:
		s = &stop{core.OutcomeTrap, core.E(op, core.Internal, "The plugin crashed: %s.", inv.reason(err))}
	}
	return Result{Outcome: s.outcome, Err: &core.Error{Op: s.err.Op, Kind: s.err.Kind, Msg: s.err.Msg, Err: err}}
}

// reason is one line about a crash. A language's runtime prints what happened
// before it exits, which says more than the exit code.
func (inv *invocation) reason(err error) string {
	if inv.log.lastWords != "" {
		return inv.log.lastWords
	}
	if inv.exit != nil {
		return fmt.Sprintf("it exited with code %d", *inv.exit)
	}
	return firstLine(err.Error())
}
