package events

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// maxAttempts is how often a delivery is tried before it is set aside.
const maxAttempts = 8

// backoff is how long to wait after each failed attempt but the last.
var backoff = [maxAttempts - 1]time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour,
}

// refusals are the errors that another attempt would meet again: the handler says
// that it cannot take this, or that it may not do what it would have to. The
// delivery is set aside at once, for a person who changes what is wrong to redrive.
// All others are tried again: what is missing or taken now may not be later, as
// events come in no order, and who crashed may have been unlucky.
var refusals = []core.Kind{core.Invalid, core.Denied, core.TooLarge}

// run makes one attempt, and says what becomes of the delivery when it fails.
// A successful attempt has completed the delivery with its own effects, or has
// put it off.
func (c *Claimer) run(ctx context.Context, d core.Delivery) {
	defer c.ended(d.Workspace)
	if d.Trace.IsZero() { // put before deliveries had one
		d.Trace.Request = core.NewRequestID()
	}
	ctx = core.WithTrace(ctx, d.Trace)
	became := core.DeliveryDone
	if c.Observer != nil {
		var ended func(core.DeliveryState)
		ctx, ended = c.Observer.Attempt(ctx, d, c.Now())
		defer func() { ended(became) }()
	}
	var err error
	if d.Attempt <= maxAttempts {
		err = c.deliver(ctx, d)
	} else {
		// The last one may be what ended a process: there is no other to find out.
		err = core.E("events.Run", core.Timeout, "Its last attempt did not end.")
	}
	if err == nil {
		return
	}
	// The outcome is stored even when the server is stopping; and not at all when
	// this attempt is no longer the running one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
	defer cancel()
	message := core.MessageOf(err)
	if d.Attempt < maxAttempts && !slices.Contains(refusals, core.KindOf(err)) {
		became = core.DeliveryRetry
		c.note(d, c.Store.RetryDelivery(ctx, d, c.Now().Add(c.delay(d.Attempt)), message))
		return
	}
	became = core.DeliverySetAside
	switch stored := c.SetAside(ctx, d, message); core.KindOf(stored) {
	case "":
		c.Logger.Warn("delivery set aside", "request", d.Trace.Request, "workspace", d.Workspace, "delivery", d.ID, "attempts", d.Attempt, "error", err)
	case core.Stale:
	default:
		c.note(d, stored)
	}
}

// note notes that the outcome of an attempt could not be stored.
func (c *Claimer) note(d core.Delivery, err error) {
	if err != nil {
		c.Logger.Error("a failed delivery could not be stored; it is tried again when its lease ends",
			"delivery", d.ID, "error", err)
	}
}

// deliver bounds the attempt to its lease, and to itself: a panic is its failure.
func (c *Claimer) deliver(ctx context.Context, d core.Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lease-margin)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = &core.Error{Op: "events.Deliver", Kind: core.Internal, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	return c.Deliver(ctx, d)
}

func (c *Claimer) ended(ws core.WorkspaceID) {
	c.mu.Lock()
	if c.running[ws]--; c.running[ws] == 0 {
		delete(c.running, ws)
	}
	c.total--
	c.mu.Unlock()
	c.Wake()
}

// delay is the wait after a failed attempt, up to a quarter longer so that what
// failed together isn't tried together.
func (c *Claimer) delay(attempt int) time.Duration {
	wait := backoff[min(attempt, len(backoff))-1]
	return wait + time.Duration(c.Jitter()*float64(wait)/4)
}
