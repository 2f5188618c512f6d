package runtime

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"
)

// clock is a guest's clock. It starts at the call's time, moves a microsecond
// each time it is read and to the end of each sleep, and never by itself: a
// call sees the same times whenever and wherever it runs, and cannot measure
// the machine.
type clock struct {
	start   uint64 // nanoseconds since 1970
	before  uint64 // nanoseconds that had passed before the call: the monotonic clock must not run backwards
	elapsed uint64 // nanoseconds since the call began
}

// tick is how far reading a clock moves it, and what it says its resolution is.
const tick = uint64(time.Microsecond)

// Clocks of WASI preview 1.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// read returns the nanoseconds a clock stands at.
func (c *clock) read(id uint32) (uint64, bool) {
	switch id {
	case clockRealtime:
		return c.start + c.elapsed, true
	case clockMonotonic:
		return c.before + c.elapsed, true
	}
	return 0, false
}

// move lets time pass, at most 146 years in all, where clocks would overflow.
func (c *clock) move(ns uint64) {
	c.elapsed += min(ns, math.MaxInt64/2-c.elapsed)
}

func wasiClockRes(g guest, s []uint64) {
	if _, ok := g.clock.read(uint32(s[0])); !ok {
		s[0] = errnoInval
		return
	}
	g.putU64("clock_res_get", uint32(s[1]), tick)
	s[0] = errnoSuccess
}

func wasiClockTime(g guest, s []uint64) {
	g.clock.move(tick)
	now, ok := g.clock.read(uint32(s[0]))
	if !ok {
		s[0] = errnoInval
		return
	}
	g.putU64("clock_time_get", uint32(s[2]), now)
	s[0] = errnoSuccess
}

// subscription is one thing poll_oneoff waits for.
type subscription struct {
	user  uint64
	kind  byte   // 0 is a clock, 1 and 2 are reading and writing a descriptor
	sleep uint64 // nanoseconds from now
	errno uint16
}

// Layout of WASI's subscription and event.
const (
	subscriptionSize = 48
	eventSize        = 32
)

// wasiPoll waits for clocks and descriptors. Descriptors are ready at once, as
// nothing will come from them; otherwise the clock moves to the first time that
// was asked for. It never sleeps.
func wasiPoll(g guest, s []uint64) {
	in, out, n, result := uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3])
	if n == 0 || n > maxSubscriptions {
		s[0] = errnoInval
		return
	}
	list := g.view("poll_oneoff", in, n*subscriptionSize)
	subscriptions := make([]subscription, n)
	wait := uint64(math.MaxUint64)
	for i := range subscriptions {
		subscriptions[i] = g.subscription(list[i*subscriptionSize:])
		wait = min(wait, subscriptions[i].sleep)
	}
	g.clock.move(wait)

	events := make([]byte, 0, n*eventSize)
	for _, sub := range subscriptions {
		if sub.sleep > wait {
			continue
		}
		var event [eventSize]byte
		binary.LittleEndian.PutUint64(event[0:], sub.user)
		binary.LittleEndian.PutUint16(event[8:], sub.errno)
		event[10] = sub.kind
		events = append(events, event[:]...)
	}
	copy(g.view("poll_oneoff", out, uint32(len(events))), events)
	g.putU32("poll_oneoff", result, uint32(len(events)/eventSize))
	s[0] = errnoSuccess
}

func (g guest) subscription(b []byte) subscription {
	const absolute = 1
	sub := subscription{user: binary.LittleEndian.Uint64(b), kind: b[8]}
	switch sub.kind {
	case 0:
		now, ok := g.clock.read(binary.LittleEndian.Uint32(b[16:]))
		if !ok {
			sub.errno = errnoInval
			return sub
		}
		sub.sleep = binary.LittleEndian.Uint64(b[24:])
		if binary.LittleEndian.Uint16(b[40:])&absolute != 0 {
			sub.sleep -= min(sub.sleep, now)
		}
	case 1, 2:
		if binary.LittleEndian.Uint32(b[16:]) > 2 {
			sub.errno = errnoBadf
		}
	default:
		sub.errno = errnoInval
	}
	return sub
}

// random is a guest's source of random numbers: a stream keyed by the call's
// secret seed. Two calls never have the same, and one call can be replayed.
type random struct {
	seed   [32]byte
	stream *rand.ChaCha8
}

func (r *random) fill(b []byte) {
	if r.stream == nil {
		r.stream = rand.NewChaCha8(r.seed)
	}
	_, _ = r.stream.Read(b) // never fails
}

func wasiRandom(g guest, s []uint64) {
	b := g.view("random_get", uint32(s[0]), uint32(s[1]))
	for len(b) > 0 {
		n := min(len(b), 1<<20)
		g.random.fill(b[:n])
		b = b[n:]
		g.alive(g.ctx) // so that a large memory cannot be filled past the deadline
	}
	s[0] = errnoSuccess
}
