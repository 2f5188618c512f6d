package runtime

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A page of a private mapping is the guest's own once it was written to: it is
// present, or swapped out, and not of the file any more. Both ways below find
// these pages and copy the image over them. They stay the guest's own, so that
// the next call needs no fault to write there.

// maxOwn is how many bytes of its own a memory may keep. One that has more gives
// all of them back: instances that wait should be small, and after a call that
// wrote so much the faults of the next one matter little.
const maxOwn = 1 << 20

// pagemap is /proc/self/pagemap, opened once and never closed. The error is
// that of opening it.
var pagemap = sync.OnceValues(func() (int, error) {
	file, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return file, os.NewSyscallError("open", err)
})

// pageScan is struct pm_scan_arg of linux/fs.h with the regions it fills in. It
// holds its own address, so it is on the heap, where nothing moves.
type pageScan struct {
	size, flags          uint64
	start, end           uint64
	walkEnd              uint64 // where the kernel stopped
	vector, vectorLength uint64
	maxPages             uint64
	inverted, all, anyOf uint64 // categories a page must have
	answered             uint64 // categories told apart in regions
	regions              [64]pageRegion
}

// pageRegion is struct page_region: pages side by side, by address.
type pageRegion struct{ start, end, categories uint64 }

const (
	pagemapScan    = 0xc0606610 // PAGEMAP_SCAN, _IOWR('f', 16, struct pm_scan_arg)
	pageScanSize   = 96         // of struct pm_scan_arg
	pageIsFile     = 1 << 2
	pageIsPresent  = 1 << 3
	pageIsSwapped  = 1 << 4
	entryIsFile    = 1 << 61 // bits of an entry of /proc/self/pagemap
	entryIsSwapped = 1 << 62
	entryIsPresent = 1 << 63
)

func newPageScan() *pageScan {
	s := &pageScan{size: pageScanSize, answered: pageIsFile}
	s.vector, s.vectorLength = uint64(uintptr(unsafe.Pointer(&s.regions))), uint64(len(s.regions))
	return s
}

// begin starts at the beginning of a mapping; next goes on until more is false.
func (s *pageScan) begin(mapping []byte, most int) {
	s.start = uint64(uintptr(start(mapping)))
	s.end = s.start + uint64(len(mapping))
	s.maxPages = uint64(most / pageSize)
}

func (s *pageScan) more() bool { return s.start < s.end }

// next returns regions, in order. They last until the next call.
func (s *pageScan) next() ([]pageRegion, error) {
	file, err := pagemap()
	if err != nil {
		return nil, err
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(file), pagemapScan, uintptr(unsafe.Pointer(s)))
	if errno != 0 {
		return nil, os.NewSyscallError("ioctl", errno)
	}
	s.start = s.walkEnd
	return s.regions[:n], nil
}

// A page that one call wrote to stays the guest's own, and is copied in every
// reset after that. Now and then a reset compares first: when manyStale pages or
// more were the image's anyhow, staleChecks times in a row, those are given back.
// By then copying them has cost about what faulting them in again may.
const (
	checkEvery  = 8 // resets
	manyStale   = 16
	staleChecks = 2
)

// resetByScan has the kernel find the pages, unless they are known: a call
// without a page fault wrote to no page that was not the guest's own before.
func (m *mapped) resetByScan() error {
	quiet := m.faults.none()
	if m.known && quiet && m.stale < staleChecks {
		return m.resetKnown()
	}
	m.own, m.known = m.own[:0], false
	if m.scan == nil {
		m.scan = newPageScan()
	}
	if m.look {
		m.look = false
		if err := m.of.habit.learn(m); err != nil {
			return err
		}
	}
	s := m.scan
	s.inverted, s.all, s.anyOf = pageIsFile, pageIsFile, pageIsPresent|pageIsSwapped
	base := uint64(uintptr(start(m.mapping)))
	stale, shed := 0, m.stale >= staleChecks
	for s.begin(m.mapping, maxOwn); s.more(); {
		regions, err := s.next()
		if err != nil {
			return err
		}
		for _, r := range regions {
			n, err := m.restore(int(r.start-base), int(r.end-base), shed)
			if err != nil {
				return err
			}
			stale += n
			m.own = append(m.own, r)
			s.maxPages -= (r.end - r.start) / uint64(pageSize)
		}
		if s.maxPages == 0 {
			m.stale = 0
			return m.drop()
		}
	}
	m.known = !shed // pages that were given back are not the guest's own any more
	m.count(stale, shed)
	return nil
}

// resetKnown resets the pages that the last scan found.
func (m *mapped) resetKnown() error {
	base := uint64(uintptr(start(m.mapping)))
	if m.resets++; m.resets%checkEvery != 0 {
		for _, r := range m.own {
			copy(m.mapping[r.start-base:r.end-base], m.of.image[r.start-base:])
		}
		return nil
	}
	stale := 0
	for _, r := range m.own {
		n, err := m.restore(int(r.start-base), int(r.end-base), false)
		if err != nil {
			return err
		}
		stale += n
	}
	m.count(stale, false)
	return nil
}

// count remembers how often in a row many pages were found stale.
func (m *mapped) count(stale int, shed bool) {
	if m.stale++; shed || stale < manyStale {
		m.stale = 0
	}
}

// restore copies the image over the pages from from to to that differ from it,
// and returns how many do not. Those it gives back if shed.
func (m *mapped) restore(from, to int, shed bool) (stale int, err error) {
	same := from // beginning of a run of pages that are the image's
	giveBack := func(until int) {
		if shed && until > same && err == nil {
			err = os.NewSyscallError("madvise", unix.Madvise(m.mapping[same:until], unix.MADV_DONTNEED))
		}
	}
	for at := from; at < to; at += pageSize {
		page, image := m.mapping[at:at+pageSize], m.of.image[at:at+pageSize]
		if bytes.Equal(page, image) {
			stale++
			continue
		}
		giveBack(at)
		copy(page, image)
		same = at + pageSize
	}
	giveBack(to)
	return stale, err
}

// resetByPagemap reads what there is to know of every page.
func (m *mapped) resetByPagemap() error {
	file, err := pagemap()
	if err != nil {
		return err
	}
	const entry = 8
	var (
		buffer [512 * entry]byte
		first  = int64(uintptr(start(m.mapping))) / int64(pageSize)
		pages  = len(m.mapping) / pageSize
		own    = 0
	)
	for page := 0; page < pages; {
		n, err := unix.Pread(file, buffer[:min(len(buffer), (pages-page)*entry)], (first+int64(page))*entry)
		if err != nil {
			return os.NewSyscallError("pread", err)
		}
		if n < entry {
			return os.ErrInvalid
		}
		for entries := buffer[:n-n%entry]; len(entries) > 0; entries = entries[entry:] {
			state := binary.NativeEndian.Uint64(entries)
			if state&(entryIsPresent|entryIsSwapped) != 0 && state&entryIsFile == 0 {
				at := page * pageSize
				copy(m.mapping[at:at+pageSize], m.of.image[at:])
				own += pageSize
			}
			page++
		}
	}
	if own >= maxOwn {
		return m.drop()
	}
	return nil
}
