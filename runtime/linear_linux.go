package runtime

import (
	"bytes"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// methods are those this system has, the best first.
var methods = []method{
	{"scan", keepSealed((*mapped).resetByScan)},
	{"pagemap", keepSealed((*mapped).resetByPagemap)},
	{"dropping", keepSealed((*mapped).drop)},
	copying,
}

// sealed is an image in a file in memory that nobody can write to any more, not
// even this process. A linear memory is a private mapping of it: the kernel
// copies a page when the guest first writes to it.
type sealed struct {
	file  int
	image []byte // the file, mapped to be read
	how   func(*mapped) error
	habit habit
}

// imageName is what /proc/self/maps calls the mappings of images.
const imageName = "carrel-image"

// keepSealed returns the keeper of images whose memories are reset like that.
func keepSealed(how func(*mapped) error) func([]byte) (source, error) {
	return func(memory []byte) (source, error) {
		file, err := sealedFile(memory)
		if err != nil {
			return nil, err
		}
		if err := room().take(1, 0); err != nil {
			_ = unix.Close(file)
			return nil, err
		}
		image, err := mapFile(file, len(memory), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			_ = unix.Close(file)
			room().give(1, 0)
			return nil, err
		}
		return &sealed{file: file, image: image, how: how}, nil
	}
}

// sealedFile returns a file in memory that has the bytes and keeps them. Pages
// of zeros are holes in it.
func sealedFile(memory []byte) (_ int, err error) {
	file, err := unix.MemfdCreate(imageName, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // a kernel before 6.3 knows no MFD_NOEXEC_SEAL
		file, err = unix.MemfdCreate(imageName, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return 0, os.NewSyscallError("memfd_create", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(file)
		}
	}()
	if err := unix.Ftruncate(file, int64(len(memory))); err != nil {
		return 0, os.NewSyscallError("ftruncate", err)
	}
	zeros := make([]byte, pageSize)
	for at := 0; at < len(memory); at += pageSize {
		page := memory[at : at+pageSize]
		if bytes.Equal(page, zeros) {
			continue
		}
		if n, err := unix.Pwrite(file, page, int64(at)); err != nil || n < len(page) {
			return 0, fmt.Errorf("write %d bytes to memory, got to %d: %w", len(page), n, err)
		}
	}
	seals := unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(file), unix.F_ADD_SEALS, seals); err != nil {
		return 0, os.NewSyscallError("fcntl", err)
	}
	return file, nil
}

func (s *sealed) attach() (backing, error) {
	size := int64(len(s.image))
	if err := room().take(1, size); err != nil {
		return nil, err
	}
	// Not MAP_POPULATE: it would copy every page of a private mapping.
	// habit.prepare does it for those a call will touch.
	memory, err := mapFile(s.file, len(s.image), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		room().give(1, size)
		return nil, err
	}
	return &mapped{of: s, mapping: memory, memory: memory, look: s.habit.prepare(memory)}, nil
}

func (s *sealed) close() {
	unmap(s.image)
	room().give(1, 0)
	_ = unix.Close(s.file)
}

// mapped is a linear memory: a private mapping of its image or, once it grew,
// a larger one that begins with it.
type mapped struct {
	of      *sealed
	mapping []byte
	memory  []byte // the part of the mapping the guest has
	scan    *pageScan
	look    bool // the habit is to learn from its first call
	resets  uint // since the memory was made
	stale   int  // checks in a row that found many pages which no call writes to any more
	own     []pageRegion
	known   bool // own is all of the guest's own pages, but for faults since
	faults  faults
}

func (m *mapped) bytes() []byte { return m.memory }

// grow reserves room for all the memory may ever have, once, and moves the
// image's mapping to the beginning of it, page tables and all: no byte is
// copied. The system gives pages as they are touched, and they are zero.
func (m *mapped) grow(size, reserve int64) error {
	if len(m.mapping) == len(m.of.image) {
		if err := room().take(1, reserve); err != nil {
			return err
		}
		larger, err := mapFile(noFile, int(reserve), unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
		if err != nil {
			room().give(1, reserve)
			return err
		}
		length := uintptr(len(m.mapping))
		if _, err := unix.MremapPtr(start(m.mapping), length, start(larger), length, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED); err != nil {
			unmap(larger)
			room().give(1, reserve)
			return os.NewSyscallError("mremap", err)
		}
		m.mapping = larger
	}
	m.memory = m.mapping[:size]
	return nil
}

func (m *mapped) reset() error { return m.of.how(m) }

func (m *mapped) watch()  { m.faults.watch() }
func (m *mapped) resume() { m.faults.resume() }
func (m *mapped) pause()  { m.faults.pause() }

// touch has the pages given in pieces: the system makes other mappings of this
// process wait meanwhile. One that can't give is told by touching.
func (m *mapped) touch(from, to int64) {
	const piece = 1 << 20
	for ; from < to; from += piece {
		part := m.memory[from:min(from+piece, to)]
		if unix.Madvise(part, unix.MADV_POPULATE_WRITE) != nil {
			touchPages(part)
		}
	}
}

// drop gives back the pages that are this memory's own. What is read there next
// is the image's.
func (m *mapped) drop() error {
	m.own, m.known = m.own[:0], false
	return os.NewSyscallError("madvise", unix.Madvise(m.mapping, unix.MADV_DONTNEED))
}

func (m *mapped) free() {
	room().give(1, int64(len(m.of.image)))
	if len(m.mapping) > len(m.of.image) {
		room().give(1, int64(len(m.mapping)))
	}
	unmap(m.mapping)
	m.mapping, m.memory = nil, nil
}

const noFile = -1

// mapFile maps the beginning of a file. The collector knows nothing of a
// mapping: it lasts until unmap, and a slice of it must not outlive that.
func mapFile(file, length, protection, flags int) ([]byte, error) {
	at, err := unix.MmapPtr(file, 0, nil, uintptr(length), protection, flags)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return unsafe.Slice((*byte)(at), length), nil
}

// unmap ends a mapping as mapFile returned it. It fails only for one that never
// was.
func unmap(mapping []byte) { _ = unix.MunmapPtr(start(mapping), uintptr(len(mapping))) }

// start returns where a mapping begins.
func start(mapping []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(mapping)) }
