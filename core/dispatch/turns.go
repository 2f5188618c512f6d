package dispatch

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	queueAfter = 2                     // conflicts: the re-runs that follow queue
	ownAfter   = 5                     // conflicts: the re-runs that follow are alone
	maxBackoff = 10 * time.Millisecond // between two runs
)

// turn is what calls of a workspace take one after the other.
type turn struct {
	workspace core.WorkspaceID
	by        reason
	key       string
}

// reason is why calls take turns.
type reason int

const (
	byRequest  reason = iota // they are the same request: the key is its Idempotency-Key's
	byConflict               // they collided: the key is what they collided over
)

// turns is what the runs of one invocation wait for after a conflict. At first
// it is a moment of luck; then those that collided over one thing go one after
// the other; and in the end, as newcomers can still get in between, the run is
// alone with its plugin's data, so that it cannot lose again.
type turns struct {
	*invocation
	queued     string // the conflict's key whose turn it is
	leaveQueue func()
	leaveData  func()
}

// before waits until the run after n may begin.
func (t *turns) before(ctx context.Context, n int, key string) (err error) {
	switch {
	case t.alone:
		return pause(ctx, n)
	case n >= ownAfter:
		if t.leaveData, err = t.commits.own(ctx, t.data()); err == nil {
			t.alone = true
		}
		return err
	case n >= queueAfter && key != "" && key != t.queued:
		t.end()
		if t.leaveQueue, err = t.Dispatcher.turns.enter(ctx, turn{t.workspace.ID, byConflict, key}); err == nil {
			t.queued = key
		}
		return err
	default:
		return pause(ctx, n)
	}
}

// end gives up whatever the runs had the turn of.
func (t *turns) end() {
	for _, leave := range []*func(){&t.leaveQueue, &t.leaveData} {
		if *leave != nil {
			(*leave)()
			*leave = nil
		}
	}
	t.queued, t.alone = "", false
}

// pause waits a moment, longer after more runs and never the same, so that
// units that collided don't collide again.
func pause(ctx context.Context, runs int) error {
	timer := time.NewTimer(rand.N(min(time.Millisecond<<runs, maxBackoff)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
