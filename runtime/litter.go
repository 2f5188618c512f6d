package runtime

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// An instance is destroyed when its call does not end well, when its memory grew,
// and after every call of a plain module; a native stack that grew large is let
// go even if the instance stays. All that is litter: the collector, which works
// for everybody, has to clear it away, and a guest makes megabytes of it in next
// to no time. So an installation may leave so much at once, and then its calls
// wait until what they left is paid off at this rate.
const (
	litterBurst = 80 << 20
	litterRate  = 80 << 20 // bytes a second
	// litterersKept is how many installations are remembered before those are
	// looked for that have paid everything off.
	litterersKept = 1024
)

// crashLitter is the least that a call leaves which did not end well: wazero
// tells where it was.
const crashLitter = 1 << 20

// litter remembers the installations whose calls left some.
type litter struct {
	some atomic.Bool // somebody owes

	mu sync.Mutex
	of map[core.InstallationID]*debt
}

type debt struct {
	paid time.Time     // when everything is paid off
	last time.Duration // what the last call left
}

// toPayOff is how long it takes to pay bytes off.
func toPayOff(bytes int64) time.Duration {
	return time.Duration(float64(bytes) / litterRate * float64(time.Second))
}

// share is what wait supposes that a call will leave.
type share struct {
	of       *debt
	supposed time.Duration
}

// wait holds a call back while its installation owes more than a burst, and
// supposes that it will leave as much as the last one, which leave corrects. The
// error is that of the context, at once if it would end before.
func (l *litter) wait(ctx context.Context, who core.InstallationID) (share, error) {
	s, pause := l.suppose(who)
	if pause <= 0 {
		return s, nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
		l.leave(who, s, 0)
		return share{}, context.DeadlineExceeded
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s, nil
	case <-ctx.Done():
		l.leave(who, s, 0)
		return share{}, ctx.Err()
	}
}

func (l *litter) suppose(who core.InstallationID) (s share, pause time.Duration) {
	if !l.some.Load() {
		return s, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.of[who]
	if d == nil {
		return s, 0
	}
	now := time.Now()
	if d.paid.Before(now) {
		delete(l.of, who)
		l.some.Store(len(l.of) > 0)
		return s, 0
	}
	pause = d.paid.Sub(now) - toPayOff(litterBurst)
	d.paid = d.paid.Add(d.last)
	return share{d, d.last}, pause
}

// leave takes down what a call left, in bytes, of which wait supposed a share.
func (l *litter) leave(who core.InstallationID, s share, bytes int64) {
	if s.supposed == 0 && bytes == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	d := l.of[who]
	if d != s.of {
		s.supposed = 0 // that debt was paid off and forgotten
	}
	if d == nil {
		if bytes == 0 {
			return
		}
		if l.of == nil {
			l.of = map[core.InstallationID]*debt{}
		} else if len(l.of) >= litterersKept {
			maps.DeleteFunc(l.of, func(_ core.InstallationID, d *debt) bool { return d.paid.Before(now) })
		}
		d = &debt{}
		l.of[who] = d
		l.some.Store(true)
	}
	left := toPayOff(bytes)
	if bytes > 0 {
		d.last = left
	}
	if d.paid.Before(now) {
		d.paid = now
	}
	d.paid = d.paid.Add(left - s.supposed)
}
