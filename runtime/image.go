package runtime

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// image is a linear memory as it was after start-up. It is read-only, and all
// instances of a module share it. It is safe for concurrent use.
type image struct {
	source source
	length int64

	mu     sync.Mutex
	users  int // linear memories that are open
	closed bool
}

// source is what holds the bytes of an image.
type source interface {
	attach() (backing, error) // of a new linear memory, which begins as the image
	close()                   // nothing is attached any more
}

// method is a way to hold images, and to make a linear memory its image again.
// All methods give the same bytes. They differ in time, and in what the system
// must offer.
type method struct {
	name string
	keep func(memory []byte) (source, error)
}

// copying works everywhere: every linear memory is a copy on Go's heap, and a
// reset copies the whole image.
var copying = method{"copying", keepCopy}

// bestMethod is the first of methods that works in this process. What the
// system is does not settle that: a sandbox may lack any part of it.
var bestMethod = sync.OnceValue(func() method {
	for _, m := range methods {
		if m.works() {
			return m
		}
	}
	return copying
})

// works tries the method on a small memory: pages written to and only read,
// side by side and alone.
func (m method) works() bool {
	memory := bytes.Repeat([]byte("image"), 4*wasm.PageSize/len("image")+1)[:4*wasm.PageSize]
	im, err := m.image(memory)
	if err != nil {
		return false
	}
	defer im.close()
	l, err := im.open(0)
	if err != nil {
		return false
	}
	defer l.Free()
	for range 2 {
		guest := l.Reallocate(uint64(len(memory)))
		for _, at := range []int{0, wasm.PageSize - 1, wasm.PageSize, len(memory) - 1} {
			guest[at] ^= 0xff
		}
		if same, err := l.reset(); err != nil || !same || !bytes.Equal(guest, memory) {
			return false
		}
	}
	return true
}

// newImage takes an image of memory, whose length is a multiple of a page of
// WebAssembly (64 KiB), or 0.
func newImage(memory []byte) (*image, error) { return bestMethod().image(memory) }

func (m method) image(memory []byte) (*image, error) {
	if len(memory)%wasm.PageSize != 0 {
		return nil, fmt.Errorf("an image of %d bytes: not a multiple of %d", len(memory), wasm.PageSize)
	}
	keep := m.keep
	if len(memory) == 0 { // there is nothing to map
		keep = copying.keep
	}
	source, err := keep(memory)
	if err != nil {
		return nil, fmt.Errorf("keep a memory of %d bytes: %w", len(memory), err)
	}
	return &image{source: source, length: int64(len(memory))}, nil
}

// size returns the bytes of the image.
func (im *image) size() int64 { return im.length }

// open makes the memory of one instance: the image, to begin with, which may
// grow to reserve bytes. The error is a core.Error of kind Unavailable: the
// system can't hold another one, or the image is closed.
func (im *image) open(reserve int64) (*linear, error) {
	const op = "runtime.Run"
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.closed {
		return nil, core.E(op, core.Unavailable, "The plugin is being unloaded. Try again in a moment.")
	}
	backing, err := im.source.attach()
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	im.users++
	return &linear{image: im, backing: backing, reserve: reserve}, nil
}

// close lets the image go once the last linear memory of it is freed. Closing
// twice is closing once.
func (im *image) close() {
	im.mu.Lock()
	defer im.mu.Unlock()
	if !im.closed {
		im.closed = true
		im.drop()
	}
}

// leave is what a linear memory says when it is freed.
func (im *image) leave() {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.users--
	im.drop()
}

// drop frees a closed image that nobody uses; the caller holds the lock.
func (im *image) drop() {
	if im.closed && im.users == 0 {
		im.source.close()
	}
}
