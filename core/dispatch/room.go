package dispatch

import (
	"math"
	"slices"
	"time"
)

const (
	// longestRest is how long a place rests at most. Who is held back may be alone by
	// then.
	longestRest = 100 * time.Millisecond
	// quick and slow are how much of an average is left after a period: a third after so
	// long.
	quick = 100 * time.Millisecond
	slow  = 400 * time.Millisecond
	// nothing is less than somebody has who makes a call of a millisecond now and then.
	nothing = 0.001
)

// room is the calls that a workspace has in progress, and those that wait. It is
// guarded by its headroom's mutex.
type room struct {
	most    float64 // calls in progress, on average; +Inf: as many as there are
	inside  int     // calls in progress
	resting int     // places of calls that have ended
	line    []chan struct{}

	at   time.Time // until when has and asks count
	has  average   // calls in progress
	asks average   // those, and those that wait
}

// average is one over time, of which what was lately counts more.
type average struct {
	sum  float64 // of this period, seconds
	mean float64
}

func newRoom(now time.Time) *room { return &room{most: math.Inf(1), at: now} }

// join takes a place, or a place in line, which is closed when there is one.
func (r *room) join(now time.Time) (mine chan struct{}) {
	r.count(now)
	if len(r.line) == 0 && r.free() {
		r.inside++
		return nil
	}
	mine = make(chan struct{})
	r.line = append(r.line, mine)
	return mine
}

// leave ends a call that took so long, and returns how long its place rests; rested
// must follow then.
func (r *room) leave(now time.Time, took time.Duration) (rest time.Duration) {
	r.count(now)
	r.inside--
	if !math.IsInf(r.most, 1) {
		rest = min(time.Duration(float64(took)*(math.Ceil(r.most)/r.most-1)), longestRest)
	}
	if rest > 0 {
		r.resting++
	}
	r.next()
	return rest
}

func (r *room) rested(now time.Time) {
	r.count(now)
	r.resting--
	r.next()
}

// abandon leaves the line, or the place that was given meanwhile.
func (r *room) abandon(now time.Time, mine chan struct{}) {
	r.count(now)
	if at := slices.Index(r.line, mine); at >= 0 {
		r.line = slices.Delete(r.line, at, at+1)
		return
	}
	r.inside--
	r.next()
}

// admit says how many calls may be in progress, on average, from now on.
func (r *room) admit(now time.Time, most float64) {
	r.count(now)
	r.most = most
	r.next()
}

// free reports whether there is a place. Places are whole ones: they rest for what is
// above the average.
func (r *room) free() bool { return float64(r.inside+r.resting) < math.Ceil(r.most) }

// next gives the places there are to those who wait.
func (r *room) next() {
	for len(r.line) > 0 && r.free() {
		close(r.line[0])
		r.line = r.line[1:]
		r.inside++
	}
}

// count adds what there was until now.
func (r *room) count(now time.Time) {
	passed := now.Sub(r.at).Seconds()
	r.has.sum += passed * float64(r.inside)
	r.asks.sum += passed * float64(r.inside+len(r.line))
	r.at = now
}

// average ends a period. That somebody is back, and in the way of others, is noticed
// quickly; that he asks for much only when he has for a while.
func (r *room) average(now time.Time, period time.Duration) {
	r.count(now)
	memory := slow
	if r.has.sum > r.has.mean*period.Seconds() {
		memory = quick
	}
	r.has.end(period, memory)
	r.asks.end(period, slow)
}

func (a *average) end(period, memory time.Duration) {
	new := 1 - math.Exp(-period.Seconds()/memory.Seconds())
	a.mean += new * (a.sum/period.Seconds() - a.mean)
	a.sum = 0
}

// gone reports whether it had no calls for a while.
func (r *room) gone() bool {
	return r.inside+r.resting+len(r.line) == 0 && r.asks.mean < nothing
}
