package api

import (
	"math"
	"sync"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// What one account may have compiled: uploadBurst modules at once, and then one
// more each uploadEvery. Refused modules count: refusing one is work as well. A
// module counts as one more for every uploadWeight bytes, as it may take longer.
const (
	uploadBurst  = 30
	uploadEvery  = time.Minute
	uploadWeight = 8 << 20 // bytes
)

// uploads counts what each account has uploaded. Accounts that may upload are
// few, and an entry is small, so none is forgotten.
type uploads struct {
	mu   sync.Mutex
	free map[core.AccountID]time.Time // when all of the account's uploads are free again
}

// take counts an upload of size bytes, or refuses it: kind RateLimited, with the
// time after which it would be taken.
func (u *uploads) take(who core.AccountID, size int, now time.Time) error {
	cost := time.Duration(1 + size/uploadWeight)
	u.mu.Lock()
	defer u.mu.Unlock()
	free := u.free[who]
	if free.Before(now) {
		free = now
	}
	if wait := free.Sub(now) - (uploadBurst-cost)*uploadEvery; wait > 0 {
		return core.E("api.Upload", core.RateLimited, "You uploaded as much as %d modules within %d minutes. Try again in %d s.",
			uploadBurst, uploadBurst*uploadEvery/time.Minute, int(math.Ceil(wait.Seconds())))
	}
	if u.free == nil {
		u.free = map[core.AccountID]time.Time{}
	}
	u.free[who] = free.Add(cost * uploadEvery)
	return nil
}
