package account

import (
	"sync"
	"time"
)

// maxRemembered bounds the limiter's memory. When it is full, whatever failed
// longest ago is forgotten.
const maxRemembered = 10_000

// limiter counts failures per email in a window that begins with the first.
type limiter struct {
	limit  int
	window time.Duration

	mu     sync.Mutex
	failed map[string]*failure
}

type failure struct {
	count int
	since time.Time
}

func newLimiter(limit int, window time.Duration) *limiter {
	return &limiter{limit: limit, window: window, failed: map[string]*failure{}}
}

// take counts an attempt as a failure, before anybody knows, so that attempts
// at the same time count too. It reports whether the email may be tried now.
func (l *limiter) take(email string, now time.Time) bool {
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

// giveBack takes back an attempt that was neither right nor wrong.
func (l *limiter) giveBack(email string) {
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

// forget ends the count of an email that signed in.
func (l *limiter) forget(email string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failed, email)
}
