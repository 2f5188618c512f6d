package runtime

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
)

// invocation is the state of one call, everything the three doors know. It is
// used by the guest's goroutine alone, lives as long as the call, and is found
// through the context that Run makes: there is no other way from one call to
// another's state.
type invocation struct {
	context callContext

	call   Call
	limits Limits
	depth  int // of Run inside Host.Call; 1 is outermost

	hasMemory bool       // the guest has a linear memory
	seen      linearView // its linear memory, nil until it asks
	owed      int64      // fuel for host calls that is not charged yet
	watched   backing    // of the guest's memory; nil without an image
	memory    budget
	meter     meter
	clock     clock
	random    random
	log       guestLog

	exchange
	output   []byte
	answered bool
	extism   extism

	stopped *stop   // set when a host function ended the call
	exit    *uint32 // set when the guest did, by proc_exit
}

type invocationKey struct{}

func newInvocation(c Call, l Limits) *invocation {
	inv := &invocation{call: c, limits: l, depth: 1}
	inv.memory.limit = l.Memory
	inv.meter.limit = l.Fuel
	if !c.Now.IsZero() {
		inv.clock.start = uint64(c.Now.UnixNano())
	}
	inv.random.seed = c.Seed
	inv.log.write = c.Log
	inv.extism.memory = &inv.memory
	return inv
}

// invocationOf returns the call a context belongs to, nil outside of one.
func invocationOf(ctx context.Context) *invocation {
	if c, ok := ctx.(*callContext); ok {
		return c.inv
	}
	inv, _ := ctx.Value(invocationKey{}).(*invocation)
	return inv
}

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

// firstLine returns the first line of a message, cut to a length fit for a
// person.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(cut(s, 200), ".")
}

// cut returns at most n bytes of s, as valid UTF-8.
func cut(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// bytesText writes a number of bytes as people do.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
