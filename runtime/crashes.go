package runtime

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// An instance is destroyed when its call does not end well, and the next call
// makes another. That leaves megabytes behind for the collector, which works for
// everybody, and takes a guest next to no time to ask for. So an installation
// whose calls crash gets a few new instances at once, and then one each
// crashPause, until it has asked for fewer for a while.
const (
	crashBurst = 10
	crashPause = 50 * time.Millisecond
	// crashesKept is how many installations are remembered before those are
	// looked for that can be forgotten.
	crashesKept = 1024
)

// crashes remembers the installations whose calls have crashed.
type crashes struct {
	mu   sync.Mutex
	free map[core.InstallationID]time.Time // when it may have a burst again
}

// count takes down a crash. The first one is enough: from then on pause counts
// the instances.
func (c *crashes) count(who core.InstallationID) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.free[who]; known {
		return
	}
	if c.free == nil {
		c.free = map[core.InstallationID]time.Time{}
	} else if len(c.free) >= crashesKept {
		maps.DeleteFunc(c.free, func(_ core.InstallationID, free time.Time) bool { return free.Before(now) })
	}
	c.free[who] = now.Add(crashPause)
}

// wait holds a new instance of an installation back while it must be. The error
// is that of the context, at once if it would end before; who gets no instance
// leaves no trace.
func (c *crashes) wait(ctx context.Context, who core.InstallationID) error {
	pause := c.pause(who)
	if pause <= 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
		c.giveBack(who)
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		c.giveBack(who)
		return ctx.Err()
	}
}

func (c *crashes) giveBack(who core.InstallationID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if free, known := c.free[who]; known {
		c.free[who] = free.Add(-crashPause)
	}
}

// pause says for how long, and counts the instance.
func (c *crashes) pause(who core.InstallationID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	free, known := c.free[who]
	if !known {
		return 0
	}
	now := time.Now()
	if free.Before(now) {
		delete(c.free, who)
		return 0
	}
	c.free[who] = free.Add(crashPause)
	return free.Sub(now) - crashBurst*crashPause
}
