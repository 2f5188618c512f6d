package account

import (
	"context"
	"sync"
	"time"
)

// maxRemembered bounds the limiter's memory. When it is full, whatever failed
// longest ago is forgotten.
const maxRemembered = 10_000

// Counter counts what other nodes count, too. An error of Take
// means that it can't say now; the rest is then left undone.
type Counter interface {
	// Take counts one more of a key, unless it was counted limit times within a
	// window that began with the first: then it reports false.
	Take(ctx context.Context, key string, limit int, window time.Duration) (bool, error)
	GiveBack(ctx context.Context, key string)
	Forget(ctx context.Context, key string)
}

// limiter counts failures per email in a window that begins with the first. It
// allows what this node's own count allows and, while it can say, the count of all
// nodes: that one being lost makes the limit that of each node, and nothing else.
type limiter struct {
	limit  int
	window time.Duration
	shared Counter // nil: there are no others

	mu     sync.Mutex
	failed map[string]*failure
}

type failure struct {
	count int
	since time.Time
}

func newLimiter(limit int, window time.Duration, shared Counter) *limiter {
	return &limiter{limit: limit, window: window, shared: shared, failed: map[string]*failure{}}
}

// take counts an attempt as a failure, before anybody knows, so that attempts
// at the same time count too. It reports whether the email may be tried now.
func (l *limiter) take(ctx context.Context, email string, now time.Time) bool {
	if !l.takeOwn(email, now) {
		return false
	}
	if l.shared != nil {
		if allowed, err := l.shared.Take(ctx, email, l.limit, l.window); err == nil && !allowed {
			l.giveBackOwn(email)
			return false
		}
	}
	return true
}

// giveBack takes back an attempt that was neither right nor wrong.
func (l *limiter) giveBack(ctx context.Context, email string) {
	l.giveBackOwn(email)
	if l.shared != nil {
		l.shared.GiveBack(ctx, email)
	}
}

// forget ends the count of an email that signed in.
func (l *limiter) forget(ctx context.Context, email string) {
	l.mu.Lock()
	delete(l.failed, email)
	l.mu.Unlock()
	if l.shared != nil {
		l.shared.Forget(ctx, email)
	}
}

func (l *limiter) takeOwn(email string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.failed[email]
	if f == nil || now.Sub(f.since) >= l.window {
		if f == nil && len(l.failed) >= maxRemembered {
			l.evict(now)
		}
		l.failed[email] = &failure{count: 1, since: now}
		return true
	}
	if f.count >= l.limit {
		return false
	}
	f.count++
	return true
}

func (l *limiter) giveBackOwn(email string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.failed[email]; f != nil && f.count > 0 {
		f.count--
	}
}

// evict drops what has expired, or the oldest if nothing has.
func (l *limiter) evict(now time.Time) {
	var oldest string
	for email, f := range l.failed {
		if now.Sub(f.since) >= l.window {
			delete(l.failed, email)
		} else if oldest == "" || f.since.Before(l.failed[oldest].since) {
			oldest = email
		}
	}
	if len(l.failed) >= maxRemembered {
		delete(l.failed, oldest)
	}
}
