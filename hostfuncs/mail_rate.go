package hostfuncs

import (
	"context"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// maxMailsAMinute is what a workspace may hand to its mail servers, in a minute
// of the clock; of several nodes that don't reach their Counter, at each.
const maxMailsAMinute = 600

// Counter counts what other nodes count, too.
type Counter interface {
	// Take counts one more of a key, unless it was counted limit times within a
	// window that began with the first: then it reports false. An error means that
	// it can't say now.
	Take(ctx context.Context, key string, limit int, window time.Duration) (bool, error)
}

// rates counts what each workspace did in the minute that is running. It allows
// what this node's own count allows and, while it can say, the count of all nodes.
type rates struct {
	most   int
	now    func() time.Time
	shared Counter // nil: there are no others

	mu     sync.Mutex
	minute time.Time
	counts map[core.WorkspaceID]int
}

func newRates(most int, shared Counter) *rates {
	return &rates{most: most, now: time.Now, shared: shared, counts: map[core.WorkspaceID]int{}}
}

// allow counts one more, unless the workspace has had as many as it may.
func (r *rates) allow(ctx context.Context, ws core.WorkspaceID) bool {
	if !r.allowOwn(ws) {
		return false
	}
	if r.shared == nil {
		return true
	}
	allowed, err := r.shared.Take(ctx, string(ws), r.most, time.Minute)
	if err != nil || allowed {
		return true
	}
	r.giveBackOwn(ws)
	return false
}

func (r *rates) allowOwn(ws core.WorkspaceID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if minute := r.now().Truncate(time.Minute); !minute.Equal(r.minute) {
		r.minute = minute
		clear(r.counts)
	}
	if r.counts[ws] >= r.most {
		return false
	}
	r.counts[ws]++
	return true
}

func (r *rates) giveBackOwn(ws core.WorkspaceID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[ws] > 0 { // the minute may be another by now
		r.counts[ws]--
	}
}
