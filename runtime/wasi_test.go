package runtime

import (
	"context"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// page is a linear memory of one page.
type page []byte

func (memory page) Read(offset, length uint32) ([]byte, bool) {
	end := uint64(offset) + uint64(length)
	if end > uint64(len(memory)) {
		return nil, false
	}
	return memory[offset:end:end], true
}

// wasiGuest is a guest with a page of memory and no instance, to call host
// functions directly.
func wasiGuest() (guest, page) {
	inv := newInvocation(Call{Now: time.Unix(1000, 0)}, Limits{Memory: 1 << 20})
	inv.hasMemory = true
	memory := make(page, 65536)
	return guest{inv, context.Background(), memory}, memory
}

func (g guest) wasi(name string, args ...uint64) uint64 {
	stack := make([]uint64, max(1, len(args)))
	copy(stack, args)
	wasiDoor.functions[name].call(g, stack)
	return stack[0]
}

// subscribe writes a subscription to a clock or a descriptor.
func (memory page) subscribe(at uint32, user uint64, kind byte, id uint32, timeout uint64, flags uint16) {
	b := memory[at:]
	binary.LittleEndian.PutUint64(b, user)
	b[8] = kind
	binary.LittleEndian.PutUint32(b[16:], id)
	binary.LittleEndian.PutUint64(b[24:], timeout)
	binary.LittleEndian.PutUint16(b[40:], flags)
}

func TestPollOneoff(t *testing.T) {
	g, memory := wasiGuest()
	memory.subscribe(0, 1, 0, clockMonotonic, uint64(time.Hour), 0)
	memory.subscribe(48, 2, 0, clockMonotonic, uint64(time.Minute), 0)
	memory.subscribe(96, 3, 0, clockRealtime, uint64(time.Unix(1060, 0).UnixNano()), 1) // also in a minute
	if errno := g.wasi("poll_oneoff", 0, 1000, 3, 2000); errno != errnoSuccess {
		t.Fatal(errno)
	}
	if n := binary.LittleEndian.Uint32(memory[2000:]); n != 2 {
		t.Fatalf("%d events", n)
	}
	for i, user := range []uint64{2, 3} {
		event := memory[1000+i*eventSize:]
		if binary.LittleEndian.Uint64(event) != user || binary.LittleEndian.Uint16(event[8:]) != errnoSuccess || event[10] != 0 {
			t.Errorf("event % x", event[:eventSize])
		}
	}
	if g.clock.elapsed != uint64(time.Minute) {
		t.Errorf("the clock moved by %s", time.Duration(g.clock.elapsed))
	}

	// A descriptor is ready at once, so the sleep beside it does not end.
	memory.subscribe(0, 4, 1, 0, 0, 0)
	memory.subscribe(48, 5, 0, clockMonotonic, uint64(time.Hour), 0)
	memory.subscribe(96, 6, 2, 99, 0, 0)
	if errno := g.wasi("poll_oneoff", 0, 1000, 3, 2000); errno != errnoSuccess {
		t.Fatal(errno)
	}
	if n := binary.LittleEndian.Uint32(memory[2000:]); n != 2 || g.clock.elapsed != uint64(time.Minute) {
		t.Errorf("%d events, %s", n, time.Duration(g.clock.elapsed))
	}
	if errno := binary.LittleEndian.Uint16(memory[1000+eventSize+8:]); errno != errnoBadf {
		t.Errorf("descriptor 99: %d", errno)
	}

	for _, n := range []uint64{0, maxSubscriptions + 1, math.MaxUint32} {
		if errno := g.wasi("poll_oneoff", 0, 1000, n, 2000); errno != errnoInval {
			t.Errorf("%d subscriptions: %d", n, errno)
		}
	}
}

// However long a guest sleeps, its clock never runs backwards.
func TestClockNeverOverflows(t *testing.T) {
	g, memory := wasiGuest()
	before := uint64(0)
	for range 5 {
		memory.subscribe(0, 1, 0, clockMonotonic, math.MaxUint64, 0)
		g.wasi("poll_oneoff", 0, 1000, 1, 2000)
		if errno := g.wasi("clock_time_get", clockRealtime, 0, 3000); errno != errnoSuccess {
			t.Fatal(errno)
		}
		now := binary.LittleEndian.Uint64(memory[3000:])
		if now < before || now > math.MaxInt64 {
			t.Fatalf("%d after %d", now, before)
		}
		before = now
	}
}

func TestStandardDescriptors(t *testing.T) {
	g, memory := wasiGuest()
	for fd, want := range map[uint64]uint64{0: errnoSuccess, 1: errnoSuccess, 2: errnoSuccess, 3: errnoBadf, math.MaxUint32: errnoBadf} {
		for _, name := range []string{"fd_fdstat_get", "fd_close"} {
			if errno := g.wasi(name, fd, 100); errno != want {
				t.Errorf("%s(%d) = %d", name, fd, errno)
			}
		}
	}
	if memory[100] != 2 {
		t.Error("not a character device")
	}
	for _, fd := range []uint64{0, 3} {
		if errno := g.wasi("fd_write", fd, 0, 0, 200); errno != errnoBadf {
			t.Errorf("fd_write(%d) = %d", fd, errno)
		}
	}
	// After the one on another descriptor, it still answers for the first.
	if g.wasi("fd_seek", 9, 0, 0, 0) != errnoBadf || g.wasi("fd_seek", 1, 0, 0, 0) != errnoSpipe {
		t.Error("fd_seek remembers")
	}
}

// All of WASI's functions are there, each with its own number of parameters.
func TestWASIIsComplete(t *testing.T) {
	if n := len(wasiDoor.functions); n != 46 {
		t.Errorf("%d functions; WASI preview 1 has 46 with sock_accept", n)
	}
}
