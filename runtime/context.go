package runtime

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of one call: the caller's, with the call's
// deadline, its end when the engine stops, and the invocation. Most calls never
// wait for it, so its timer is made when someone does.
type callContext struct {
	context.Context // the caller's
	inv             *invocation
	deadline        time.Time
	stopping        context.Context

	mu      sync.Mutex
	waiting context.Context // nil until Done is asked for
	cancel  func()
	ended   bool
}

// begin begins the call of an invocation and returns its context, to be ended
// with end.
func (inv *invocation) begin(ctx context.Context, now time.Time, stopping context.Context) *callContext {
	deadline := now.Add(inv.limits.Time)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	c := &inv.context // one piece of memory for both
	c.Context, c.inv, c.deadline, c.stopping = ctx, inv, deadline, stopping
	return c
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	if _, ok := key.(invocationKey); ok {
		return c.inv
	}
	return c.Context.Value(key)
}

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		ctx, cancel := context.WithDeadline(c.Context, c.deadline)
		detach := context.AfterFunc(c.stopping, cancel)
		c.waiting, c.cancel = ctx, func() { detach(); cancel() }
		if c.ended {
			c.cancel()
		}
	}
	return c.waiting.Done()
}

// Err implements context.Context. It says that the time is over at once, even
// when nobody waits.
func (c *callContext) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.stopping.Err() != nil {
		return context.Canceled
	}
	return nil
}

// end ends the context with its call.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}
