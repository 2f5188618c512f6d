package runtime

import "github.com/tetratelabs/wazero/experimental"

// heapMemory is a linear memory on Go's heap, for what lives one call or has no
// image: the start-up of a module, and every call of a plain one.
type heapMemory struct {
	bytes []byte
	made  int64                 // bytes of all buffers there were
	limit int64                 // bytes it can ever grow to
	admit func(size int64) bool // asked before it grows
}

// Allocate implements experimental.MemoryAllocator.
func (m *heapMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. nil makes memory.grow
// answer -1. New bytes are zero: buffers are never used twice.
func (m *heapMemory) Reallocate(size uint64) []byte {
	if !m.admit(int64(size)) {
		return nil
	}
	if size > uint64(cap(m.bytes)) {
		// A quarter in advance: a heap grows page by page, most of all while a
		// language's runtime starts, and is not to be copied for each one.
		grown := make([]byte, size, max(int64(size), min(int64(size+size/4), m.limit)))
		copy(grown, m.bytes)
		m.made += int64(cap(grown))
		m.bytes = grown[:len(m.bytes)]
	}
	had := len(m.bytes)
	m.bytes = m.bytes[:size]
	if from := max(had, looseBytes); int(size) > from {
		touchPages(m.bytes[from:])
	}
	return m.bytes
}

// Free implements experimental.LinearMemory.
func (m *heapMemory) Free() { m.bytes = nil }
