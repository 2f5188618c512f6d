package events

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// lease is how long a claimed delivery belongs to its attempt. The attempt
	// is stopped before it ends.
	lease  = 30 * time.Second
	margin = 5 * time.Second
	// crowd is how long after the turn passed from one workspace to another each has
	// one delivery in progress, whatever its share: who comes with a single event
	// meets a processor and a disk that a storm does not fill.
	crowd = 100 * time.Millisecond
)

// Store keeps deliveries. An attempt is changed only while it is the running
// one; otherwise the methods that take an attempt do nothing.
type Store interface {
	// RecoverDeliveries makes what a dead process left running due at now, and
	// sets aside what has had all its attempts.
	RecoverDeliveries(ctx context.Context, now time.Time, attempts int) error
	// ClaimDeliveries makes up to limit due deliveries running until lease, their
	// attempts counted: of the workspaces that follow after, in turn, and none of the busy
	// ones, the first of each, then the second, up to each. Where limit workspaces wait,
	// or more, it may take a few of one at once. None at all means that none is due.
	ClaimDeliveries(ctx context.Context, now, lease time.Time, after core.WorkspaceID, busy []core.WorkspaceID, each, limit int) ([]core.Delivery, error)
	// Resumed holds a signal after deliveries became due that no unit of work put:
	// held ones, or those of an event of the platform.
	Resumed() <-chan struct{}
	// NextDelivery returns when the next delivery after a time is due outside the
	// busy workspaces, and false when there is none. It reads nothing of what they
	// have waiting since before.
	NextDelivery(ctx context.Context, after time.Time, busy []core.WorkspaceID) (time.Time, bool, error)
	// RetryDelivery has a failed attempt made again at due.
	RetryDelivery(ctx context.Context, d core.Delivery, due time.Time, message string) error
	// SetAsideDelivery keeps a delivery for a person to look at.
	SetAsideDelivery(ctx context.Context, d core.Delivery, message string) error
}

// Config is what a Claimer is made of. Store and Deliver are required.
type Config struct {
	Store Store
	// Deliver runs a delivery and completes it. Invalid, Denied and TooLarge are
	// refusals, which are set aside at once; all other errors are tried again.
	Deliver func(context.Context, core.Delivery) error
	// SetAside keeps a delivery for a person to look at, and does what else is to
	// be done at the end of one; nil: the store's SetAsideDelivery.
	SetAside func(ctx context.Context, d core.Delivery, message string) error
	// Waiting are the workspaces with deliveries in progress that wait for others: no more
	// of theirs are claimed. nil: none are.
	Waiting  func() []core.WorkspaceID
	Workers  int // deliveries in progress, most of whose time is waiting for the disk; 0 is 64
	Share    int // of them, for one workspace while it is the only one; 0 is a quarter of them
	Now      func() time.Time
	Jitter   func() float64 // in [0, 1)
	Logger   *slog.Logger
	Observer Observer // nil: nobody is told
}

// Observer is told of attempts by those who make them, who wait for it to return.
type Observer interface {
	// Attempt begins one at a delivery, now. It is made with the context. The
	// function is called when it has ended, with what became of the delivery: done,
	// also when it was put off; retry; or set_aside.
	Attempt(ctx context.Context, d core.Delivery, now time.Time) (context.Context, func(core.DeliveryState))
}

// Claimer runs due deliveries until it is told to stop. It sleeps until a
// commit wakes it or the next delivery is due; it never polls.
type Claimer struct {
	Config
	wake chan struct{} // holds one signal

	last   core.WorkspaceID // whose turn was last; Run's own
	passed time.Time        // when it was another's before; Run's own
	looked time.Time        // when due deliveries were last asked for; Run's own

	mu      sync.Mutex
	running map[core.WorkspaceID]int // deliveries in progress
	total   int
}

// New makes a Claimer. Nothing happens before Run.
func New(c Config) *Claimer {
	if c.Workers == 0 {
		c.Workers = 64
	}
	if c.Share == 0 {
		c.Share = max(1, c.Workers/4)
	}
	if c.SetAside == nil {
		c.SetAside = c.Store.SetAsideDelivery
	}
	if c.Waiting == nil {
		c.Waiting = func() []core.WorkspaceID { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Claimer{Config: c, wake: make(chan struct{}, 1), running: map[core.WorkspaceID]int{}}
}

// Wake has the claimer look for due deliveries. It never blocks, and calling it
// too often does no harm.
func (c *Claimer) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run claims and runs deliveries until ctx ends. Then it begins no others,
// gives those in progress a few seconds to end, and returns when they have.
func (c *Claimer) Run(ctx context.Context) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	for recovered := false; ctx.Err() == nil; {
		var err error
		var claimed []core.Delivery
		if !recovered {
			err = c.Store.RecoverDeliveries(ctx, c.Now(), maxAttempts)
			recovered = err == nil
		}
		if err == nil {
			claimed, err = c.claim(ctx)
		}
		for _, d := range claimed {
			workers.Go(func() { c.run(work, d) })
		}
		switch {
		case err != nil && ctx.Err() == nil:
			c.Logger.Error("deliveries could not be claimed", "error", err)
			c.wait(ctx, time.Second)
		case len(claimed) == 0:
			c.sleep(ctx)
		}
	}
	grace := time.AfterFunc(margin, stop)
	defer grace.Stop()
	workers.Wait()
}

// claim takes as many due deliveries as there are free workers.
func (c *Claimer) claim(ctx context.Context) ([]core.Delivery, error) {
	free, busy, each := c.load()
	if free == 0 {
		return nil, nil
	}
	// A claim that was begun is waited for when the claimer is to stop: what nobody
	// learns of would be running, by nobody, until its lease ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
	defer cancel()
	now := c.Now()
	c.looked = now
	claimed, err := c.Store.ClaimDeliveries(ctx, now, now.Add(lease), c.last, busy, each, free)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range claimed {
		c.running[d.Workspace]++
		c.total++
		if c.last != "" && c.last != d.Workspace {
			c.passed = now
		}
		c.last = d.Workspace
	}
	return claimed, nil
}

// load returns how many workers are free, which workspaces have their share, and how
// many deliveries of each of the others to claim: a quarter of the share at once, once
// there is room for them. A look at what waits costs as much for one as for several.
func (c *Claimer) load() (free int, busy []core.WorkspaceID, each int) {
	share := c.Share
	if c.Now().Sub(c.passed) < crowd {
		share = 1
	}
	each = max(1, share/4)
	waiting := c.Waiting()
	c.mu.Lock()
	defer c.mu.Unlock()
	for ws, n := range c.running {
		if n > share-each || slices.Contains(waiting, ws) {
			busy = append(busy, ws)
		}
	}
	return c.Workers - c.total, busy, each
}

// sleep waits until there may be something to claim: a commit or a worker that
// ended wakes it, or the next delivery becomes due.
func (c *Claimer) sleep(ctx context.Context) {
	free, busy, _ := c.load()
	if free == 0 {
		c.wait(ctx, forever)
		return
	}
	// What was due when it was last looked for is somebody's who is busy, or came
	// with a signal.
	due, any, err := c.Store.NextDelivery(ctx, c.looked, busy)
	switch {
	case err != nil:
		c.wait(ctx, time.Second)
	case any:
		c.wait(ctx, due.Sub(c.Now()))
	default:
		c.wait(ctx, forever)
	}
}

// forever is longer than any server runs.
const forever = time.Duration(1<<63 - 1)

func (c *Claimer) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.wake:
	case <-c.Store.Resumed():
	case <-ctx.Done():
	}
}
