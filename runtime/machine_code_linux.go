package runtime

import "golang.org/x/sys/unix"

// largePages has the pages of a mapping put together into large ones, as far as
// it holds whole ones. A system that can't, or is told not to, leaves it as it is:
// the bytes are the same.
func largePages(mapping []byte) {
	const large = 2 << 20
	if len(mapping) < large || unix.Madvise(mapping, unix.MADV_HUGEPAGE) != nil {
		return
	}
	_ = unix.Madvise(mapping, unix.MADV_COLLAPSE) // at once; the system would come by in minutes
}
