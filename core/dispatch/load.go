package dispatch

import (
	"math"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
)

const (
	// longestRest is how long a place rests at most: who was held back may be alone by
	// then.
	longestRest = 100 * time.Millisecond
	// Of what there was so long ago a third still counts. That somebody is back, and
	// others are in his way, is noticed soon; that he wants much, when he has for a while;
	// and how often he comes, when it can be told from chance.
	soon  = 100 * time.Millisecond
	while = 400 * time.Millisecond
	long  = 2 * time.Second
	// forgotten is less than somebody wants who makes a call of a millisecond now and
	// then.
	forgotten = 0.001

	// Calls come faster than they are answered, or slower, when they differ by this much.
	faster, slower = 1.1, 0.95
	// patience is how long they must come faster, as many may come at once without being
	// any more than that; and for how long they are then let on, at least, until they are
	// answered faster than they come.
	patience = 5 * time.Second
	// ahead is how much more than what comes is let on then, to answer what waits as well.
	ahead = 1.5
)

// load is the calls of a workspace in progress, and those that wait to be. It is
// guarded by its headroom's mutex.
type load struct {
	workspace  core.WorkspaceID
	allowed    float64 // calls in progress, on average; +Inf: all there are
	inProgress int
	resting    int                // places of calls that have ended
	lines      [2][]chan struct{} // of requests that wait, and of all else; closed when one is let on
	turn       int                // the line whose turn it is

	at         time.Time // until when has and wants count
	has        average   // calls in progress
	wants      average   // those, and those that wait
	had        average   // has, over a longer time
	came, went average   // requests a second
	behind     time.Time // since when requests come faster; zero: they don't
	catchesUp  time.Time // until when it is let on for what comes; zero: it isn't
}

// The lines.
const (
	ofRequests = iota
	ofOthers
)

// average is one over time, in which what was lately counts more.
type average struct {
	sum  float64 // of this period
	mean float64 // a second
}

func newLoad(ws core.WorkspaceID, now time.Time) *load {
	return &load{workspace: ws, allowed: math.Inf(1), at: now}
}

// enter takes a place, or a place in line.
func (l *load) enter(line int) (mine chan struct{}) {
	if l.waiting() == 0 && l.free() {
		l.inProgress++
		return nil
	}
	mine = make(chan struct{})
	l.lines[line] = append(l.lines[line], mine)
	return mine
}

// leave ends a call that took so long, and returns how long its place rests; rested
// must follow then.
func (l *load) leave(took time.Duration) (rest time.Duration) {
	l.inProgress--
	if !math.IsInf(l.allowed, 1) {
		rest = time.Duration(min(float64(longestRest), float64(took)*(math.Ceil(l.allowed)/l.allowed-1)))
	}
	if rest > 0 {
		l.resting++
	}
	l.letOn()
	return rest
}

func (l *load) rested() {
	l.resting--
	l.letOn()
}

// abandon leaves the line, or the place that was given meanwhile.
func (l *load) abandon(mine chan struct{}) {
	for i, line := range l.lines {
		if at := slices.Index(line, mine); at >= 0 {
			l.lines[i] = slices.Delete(line, at, at+1)
			return
		}
	}
	l.inProgress--
	l.letOn()
}

// allow says how many calls may be in progress, on average, from now on.
func (l *load) allow(allowed float64) {
	l.allowed = allowed
	l.letOn()
}

// release says that there may be all there are, as it doesn't want that many.
func (l *load) release() {
	l.behind, l.catchesUp = time.Time{}, time.Time{}
	l.allow(math.Inf(1))
}

// free reports whether there is a place. There are whole ones, which rest for as long
// as there are more than allowed.
func (l *load) free() bool { return float64(l.inProgress+l.resting) < math.Ceil(l.allowed) }

// letOn gives the places there are to those who wait, of both lines in turn: who asks
// for a page doesn't wait behind all events.
func (l *load) letOn() {
	for l.waiting() > 0 && l.free() {
		l.turn = 1 - l.turn
		if len(l.lines[l.turn]) == 0 {
			l.turn = 1 - l.turn
		}
		line := l.lines[l.turn]
		close(line[0])
		l.lines[l.turn] = line[1:]
		l.inProgress++
	}
}

func (l *load) waiting() int { return len(l.lines[ofRequests]) + len(l.lines[ofOthers]) }

// keepsComing is how many calls are to be let on of somebody whose calls come at a pace
// of their own, as people's do, and who wants much only because they wait: he was held
// back for a moment in which he wanted much. Who calls again whenever he is answered
// comes as fast as he is let on, whatever that is; and who comes for more than enough
// of them is held back for that. Both are let on for nothing here.
func (l *load) keepsComing(now time.Time, enough float64) float64 {
	pace := l.came.mean / l.went.mean
	comes := l.had.mean * pace // calls that would be in progress if none waited
	switch {
	case !(comes < enough): // nor if it is not a number, as nothing came or went
		l.behind, l.catchesUp = time.Time{}, time.Time{}
	case pace <= faster:
		l.behind = time.Time{}
		if pace > slower && now.After(l.catchesUp) {
			l.catchesUp = time.Time{}
		}
	case l.behind.IsZero():
		l.behind = now
	case now.Sub(l.behind) >= patience:
		l.catchesUp = now.Add(patience)
	}
	if l.catchesUp.IsZero() {
		return 0
	}
	return min(ahead*comes, enough)
}

// count adds what there was until now.
func (l *load) count(now time.Time) {
	passed := now.Sub(l.at).Seconds()
	l.has.sum += passed * float64(l.inProgress)
	l.wants.sum += passed * float64(l.inProgress+l.waiting())
	l.at = now
}

// end ends a period.
func (l *load) end(period time.Duration, w weights) {
	seconds := period.Seconds()
	l.had.sum = l.has.sum
	l.had.end(seconds, w.long)
	if l.has.sum > l.has.mean*seconds {
		l.has.end(seconds, w.soon)
	} else {
		l.has.end(seconds, w.while)
	}
	l.wants.end(seconds, w.while)
	l.came.end(seconds, w.long)
	l.went.end(seconds, w.long)
}

func (a *average) end(seconds, weight float64) {
	a.mean += weight * (a.sum/seconds - a.mean)
	a.sum = 0
}

// weights are how much a period counts.
type weights struct{ soon, while, long float64 }

func newWeights(period time.Duration) weights {
	of := func(memory time.Duration) float64 { return 1 - math.Exp(-period.Seconds()/memory.Seconds()) }
	return weights{of(soon), of(while), of(long)}
}

// idle reports whether it had no calls for a while.
func (l *load) idle() bool {
	return l.inProgress+l.resting+l.waiting() == 0 && l.wants.mean < forgotten
}
