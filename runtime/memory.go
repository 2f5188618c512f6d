package runtime

import (
	"github.com/tetratelabs/wazero/experimental"
)

// memory is the memory of one call: the linear memory, which it allocates for
// wazero, and the Extism memory, held to one limit together.
type memory struct {
	limit    int64
	linear   []byte
	extra    int64 // bytes held outside the linear memory
	exceeded bool  // something was refused for the limit
}

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. nil makes memory.grow
// answer -1. New bytes are zero: buffers are never used twice.
func (m *memory) Reallocate(size uint64) []byte {
	if int64(size)+m.extra > m.limit {
		m.exceeded = true
		return nil
	}
	if size > uint64(cap(m.linear)) {
		// A quarter in advance: a heap grows page by page, most of all while a
		// language's runtime starts, and is not to be copied for each one.
		grown := make([]byte, size, min(int64(size+size/4), m.limit))
		copy(grown, m.linear)
		m.linear = grown
	}
	m.linear = m.linear[:size]
	return m.linear
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.linear = nil }

// take counts n bytes held for the guest outside its linear memory, and refuses
// those beyond the limit.
func (m *memory) take(n int64) bool {
	if n > m.limit-m.extra-int64(len(m.linear)) {
		m.exceeded = true
		return false
	}
	m.extra += n
	return true
}
