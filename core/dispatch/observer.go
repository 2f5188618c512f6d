package dispatch

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Observer is told what a Dispatcher does by the calls that do it, which wait
// for it to return.
type Observer interface {
	// Invocation begins one, of which the record knows little yet. What is done
	// for it is done with the context. The function is called when it has ended,
	// with the record as it is kept; its Outcome is empty when none is kept, as
	// nothing was run.
	Invocation(ctx context.Context, r core.InvocationRecord) (context.Context, func(core.InvocationRecord))
	// Waited says that a call could not pass a gate at once, and whether it gave
	// up in the end: "workspace", where those of a workspace are bounded; "headroom",
	// where they are held back as it wants far more than others; "turn", where calls
	// that collided go one after the other; "commit", where one of them is alone with
	// its plugin's data.
	Waited(ctx context.Context, gate string, took time.Duration, gaveUp bool)
}

// observed tells the observer of an invocation.
func (i *invocation) observed(ctx context.Context) (context.Context, func()) {
	if i.observer == nil {
		return ctx, func() {}
	}
	ctx, ended := i.observer.Invocation(ctx, i.record)
	return ctx, func() {
		record := i.record
		if !i.known {
			record.Outcome = ""
		}
		ended(record)
	}
}
