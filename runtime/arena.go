package runtime

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// arena is the Extism memory of one call: one buffer that guests address with
// 64-bit handles, by loads and stores of at most eight bytes. Handle 0 is never
// a block. Any handle a guest makes up reads as zero, and writes nothing.
type arena struct {
	memory *budget
	bytes  []byte
	blocks []block             // by handle, which is the order they were made in
	free   map[uint64][]uint64 // handles of freed blocks, by size
}

// blockRoom is what the host keeps for each block besides its bytes. A call's
// memory counts it: blocks can be many and small.
const blockRoom = 64

// block is a range of an arena that was given out.
type block struct {
	handle, length uint64
	freed          bool
}

// arenaAlign is what blocks are aligned to; the first bytes are never given out.
const arenaAlign = 16

// What an arena begins with: most calls need no more.
const (
	arenaRoom   = 512 // bytes
	arenaBlocks = 4
)

// sizeOf returns the room a block of length bytes takes: powers of two for
// small ones and whole pages for large ones, so that freed blocks fit again.
func sizeOf(length uint64) uint64 {
	const page = 64 << 10
	if length > page {
		return (length + page - 1) / page * page
	}
	size := uint64(arenaAlign)
	for size < length {
		size *= 2
	}
	return size
}

// alloc returns the handle of a new block, 0 for an empty one; false when the
// limit is reached.
func (a *arena) alloc(length uint64) (uint64, bool) {
	if length == 0 {
		return 0, true
	}
	if len(a.bytes) == 0 {
		if !a.memory.take(arenaAlign) {
			return 0, false
		}
		if a.bytes == nil {
			a.bytes, a.blocks = make([]byte, 0, arenaRoom), make([]block, 0, arenaBlocks)
		}
		a.bytes = a.bytes[:arenaAlign]
	}
	if length > uint64(a.memory.limit) { // before rounding can wrap
		a.memory.exceeded = true
		return 0, false
	}
	size := sizeOf(length)
	if list := a.free[size]; len(list) > 0 {
		handle := list[len(list)-1]
		a.free[size] = list[:len(list)-1]
		b := a.find(handle)
		b.length, b.freed = length, false
		return handle, true
	}
	if !a.memory.take(int64(size) + blockRoom) {
		return 0, false
	}
	handle := uint64(len(a.bytes))
	a.bytes = append(a.bytes, make([]byte, size)...)
	a.blocks = append(a.blocks, block{handle: handle, length: length})
	return handle, true
}

// find returns the block of a handle, nil for any other number.
func (a *arena) find(handle uint64) *block {
	at, ok := slices.BinarySearchFunc(a.blocks, handle, func(b block, handle uint64) int { return cmp.Compare(b.handle, handle) })
	if !ok {
		return nil
	}
	return &a.blocks[at]
}

// put returns the handle of a new block that holds b.
func (a *arena) put(b []byte) (uint64, bool) {
	handle, ok := a.alloc(uint64(len(b)))
	if ok {
		copy(a.bytes[handle:], b)
	}
	return handle, ok
}

// release frees a block. Anything but a block's handle is ignored.
func (a *arena) release(handle uint64) {
	b := a.find(handle)
	if b == nil || b.freed {
		return
	}
	b.freed = true
	if a.free == nil {
		a.free = map[uint64][]uint64{}
	}
	size := sizeOf(b.length)
	a.free[size] = append(a.free[size], handle)
}

// block returns the bytes of a block, a live view; nil for anything else.
func (a *arena) block(handle uint64) []byte {
	b := a.find(handle)
	if b == nil || b.freed {
		return nil
	}
	return a.bytes[handle : handle+b.length]
}

// slice returns a range, a live view; false when it is not inside the arena.
func (a *arena) slice(at, length uint64) ([]byte, bool) {
	if !a.inside(at, length) {
		return nil, false
	}
	return a.bytes[at : at+length], true
}

// inside says whether a range that isn't empty lies in the arena and spares
// handle 0. It cannot wrap.
func (a *arena) inside(at, length uint64) bool {
	size := uint64(len(a.bytes))
	return at >= arenaAlign && at <= size && length <= size-at
}

func (a *arena) load8(at uint64) byte {
	if !a.inside(at, 1) {
		return 0
	}
	return a.bytes[at]
}

func (a *arena) load64(at uint64) uint64 {
	if !a.inside(at, 8) {
		return 0
	}
	return binary.LittleEndian.Uint64(a.bytes[at:])
}

func (a *arena) store8(at uint64, v byte) {
	if a.inside(at, 1) {
		a.bytes[at] = v
	}
}

func (a *arena) store64(at uint64, v uint64) {
	if a.inside(at, 8) {
		binary.LittleEndian.PutUint64(a.bytes[at:], v)
	}
}

// reset frees everything.
func (a *arena) reset() {
	a.memory.give(int64(len(a.bytes)) + int64(len(a.blocks))*blockRoom)
	a.bytes, a.blocks, a.free = nil, nil, nil
}

// recycled returns an empty arena in the room of this one, which must not be
// used any more. One that grew is not worth keeping.
func (a *arena) recycled() arena {
	if cap(a.bytes) > arenaRoom || cap(a.blocks) > arenaBlocks {
		return arena{}
	}
	clear(a.bytes)
	return arena{bytes: a.bytes[:0], blocks: a.blocks[:0]}
}
