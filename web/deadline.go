package web

import (
	"context"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// deadline bounds the handling of a request. fasthttp does not tell when a
// client is gone, so this is also what ends work nobody waits for.
func deadline(c *fiber.Ctx) error {
	ctx := newHandling(c.UserContext(), time.Now().Add(maxHandling))
	defer ctx.end()
	c.SetUserContext(ctx)
	return c.Next()
}

// handling is a context with a deadline, as context.WithDeadline makes one, whose
// timer is made when somebody waits for it: for most requests nobody does, and the
// timer would be a fiftieth of what they take.
type handling struct {
	context.Context
	at time.Time

	mu      sync.Mutex
	waiting context.Context // nil until somebody waits
	cancel  context.CancelFunc
	ended   bool
}

func newHandling(ctx context.Context, at time.Time) *handling {
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(at) {
		at = earlier
	}
	return &handling{Context: ctx, at: at}
}

// Deadline implements context.Context.
func (h *handling) Deadline() (time.Time, bool) { return h.at, true }

// Done implements context.Context.
func (h *handling) Done() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting, h.cancel = context.WithDeadline(h.Context, h.at)
		if h.ended {
			h.cancel()
		}
	}
	return h.waiting.Done()
}

// Err implements context.Context.
func (h *handling) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.waiting != nil:
		return h.waiting.Err()
	case h.ended:
		return context.Canceled
	case h.Context.Err() == nil && !time.Now().Before(h.at):
		return context.DeadlineExceeded
	default:
		return h.Context.Err()
	}
}

// Value implements context.Context. Package context finds in it what it made, so
// that its children need no goroutine to see its end.
func (h *handling) Value(key any) any {
	h.mu.Lock()
	ctx := h.Context
	if h.waiting != nil {
		ctx = h.waiting
	}
	h.mu.Unlock()
	return ctx.Value(key)
}

// end ends it with the handling.
func (h *handling) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	if h.cancel != nil {
		h.cancel()
	}
}
