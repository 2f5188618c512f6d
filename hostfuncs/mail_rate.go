package hostfuncs

import (
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// maxMailsAMinute is what a workspace may hand to its mail servers, in a minute
// of the clock.
const maxMailsAMinute = 600

// rates counts what each workspace did in the minute that is running.
type rates struct {
	most int
	now  func() time.Time

	mu     sync.Mutex
	minute time.Time
	counts map[core.WorkspaceID]int
}

func newRates(most int) *rates {
	return &rates{most: most, now: time.Now, counts: map[core.WorkspaceID]int{}}
}

// allow counts one more, unless the workspace has had as many as it may.
func (r *rates) allow(ws core.WorkspaceID) bool {
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
