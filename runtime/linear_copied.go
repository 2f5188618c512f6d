package runtime

import "slices"

// copySource is an image on Go's heap, and copied a memory beside it.
type copySource struct{ image []byte }

func keepCopy(memory []byte) (source, error) { return &copySource{slices.Clone(memory)}, nil }

func (s *copySource) attach() (backing, error) { return &copied{s.image, slices.Clone(s.image)}, nil }
func (s *copySource) close()                   { s.image = nil }

type copied struct{ image, memory []byte }

func (c *copied) bytes() []byte { return c.memory }

func (c *copied) grow(size, reserve int64) error {
	if size > int64(cap(c.memory)) {
		// A quarter in advance: a heap grows page by page, and is not to be
		// copied for each one.
		grown := make([]byte, size, min(size+size/4, reserve))
		copy(grown, c.memory)
		c.memory = grown
	}
	c.memory = c.memory[:size] // never used before, so zero
	return nil
}

func (c *copied) reset() error { copy(c.memory, c.image); return nil }

func (c *copied) touch(from, to int64) { touchPages(c.memory[from:to]) }

func (c *copied) watch()  {}
func (c *copied) resume() {}
func (c *copied) pause()  {}

func (c *copied) free() { c.memory = nil }
