package runtime

import (
	"os"

	"github.com/tetratelabs/wazero/experimental"
)

// looseBytes is how much of a linear memory may be the guest's to touch first. The
// system gives a page when it is touched, which takes it one or two
// microseconds, and a guest can touch thousands of pages within a slice of fuel,
// while Go's collector waits for it. What a memory grows beyond this is given to
// it by the host, who can be interrupted; and a guest whose image is larger has
// shorter slices.
const looseBytes = 8 << 20

// pageSize is that of the system's pages, in bytes.
var pageSize = os.Getpagesize()

// touchPages has the system give the pages of memory that was never used.
func touchPages(memory []byte) {
	for at := 0; at < len(memory); at += pageSize {
		memory[at] = 0
	}
}

// linear is the linear memory of one instance. It begins as its module's image,
// and what the guest writes is the instance's own. It is not safe for
// concurrent use; any number of one image are.
//
// A memory that grows may move: nobody may keep a slice of it across a call
// into the guest.
type linear struct {
	image   *image
	backing backing
	reserve int64                 // bytes it can ever grow to
	admit   func(size int64) bool // asked before it grows beyond the image; nil admits
	grown   bool
	freed   bool
}

// backing is the bytes of one linear memory.
type backing interface {
	bytes() []byte // the image's size, or what grow was asked for last
	// grow adds zeros. It may move the bytes, and is asked for more than the
	// image has and at most reserve.
	grow(size, reserve int64) error
	reset() error // makes the bytes the image's again; never after grow
	// touch has the system give the pages of a range that grew.
	touch(from, to int64)
	// watch and resume begin to watch the goroutine that runs the guest, pause
	// stops. A reset after a call that was watched all along may know more.
	watch()
	resume()
	pause()
	free()
}

// Allocate implements experimental.MemoryAllocator. A linear is the memory of
// one instance, so what it hands out is itself.
func (l *linear) Allocate(_, most uint64) experimental.LinearMemory {
	l.reserve = int64(min(uint64(l.reserve), most))
	return l
}

// Reallocate implements experimental.LinearMemory. nil makes memory.grow answer
// -1. Up to the image's size nothing changes: the bytes are there already.
// Beyond it the new ones are zero, and the memory can't be reset any more.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(l.image.length) {
		if l.admit != nil && !l.admit(int64(size)) || size > uint64(l.reserve) {
			return nil
		}
		had := int64(len(l.backing.bytes()))
		if l.backing.grow(int64(size), l.reserve) != nil {
			return nil
		}
		if from := max(had, looseBytes); int64(size) > from {
			l.backing.touch(from, int64(size))
		}
		l.grown = true
	}
	return l.backing.bytes()[:size:size]
}

// reset makes every byte the image's again. False: it can't, because the memory
// grew or is freed, and the instance must be destroyed. So it must be after an
// error, when only some of the bytes may be the image's.
func (l *linear) reset() (bool, error) {
	if l.grown || l.freed {
		return false, nil
	}
	return true, l.backing.reset()
}

// Free implements experimental.LinearMemory. Freeing twice is freeing once.
func (l *linear) Free() {
	if l.freed {
		return
	}
	l.freed = true
	l.backing.free()
	l.image.leave()
}
