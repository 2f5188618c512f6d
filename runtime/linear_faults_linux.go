package runtime

import (
	goruntime "runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// faults counts the page faults of a guest. A page of a private mapping becomes
// the guest's own by a fault and by nothing else, so after a call without one
// nobody has to look for new ones: looking at thousands of pages that are there
// costs many times what copying back a few dozen does.
//
// The kernel counts for each thread, and exactly, faults in system calls
// included. So the guest's goroutine stays on one thread while it is counted; it
// is not counted while the host works for it, which may wait, and touches no
// memory of the guest's. Go's own faults on the thread are counted as well: they
// cost a look that was not needed.
type faults struct {
	counting bool
	counted  bool // there is something to go by
	start    int64
	sum      int64
}

// watch begins a call.
func (f *faults) watch() {
	f.counted, f.sum = canCountFaults(), 0
	f.resume()
}

// resume goes on counting.
func (f *faults) resume() {
	if f.counted {
		goruntime.LockOSThread()
		f.counting, f.start = true, threadFaults()
		if f.start < 0 {
			f.sum++ // not known: as if there had been one
		}
	}
}

// pause stops counting until resume. Pausing twice is pausing once.
func (f *faults) pause() {
	if f.counting {
		f.sum += threadFaults() - f.start
		f.counting = false
		goruntime.UnlockOSThread()
	}
}

// none says whether the last call was watched and had no fault. It answers once.
func (f *faults) none() bool {
	none := f.counted && !f.counting && f.sum == 0
	f.counted = false
	return none
}

// threadFaults returns how many page faults this thread has had, -1 if the
// system doesn't say.
func threadFaults() int64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &usage) != nil {
		return -1
	}
	return int64(usage.Minflt) + int64(usage.Majflt)
}

// canCountFaults tries it: a sandbox may answer and not count.
var canCountFaults = sync.OnceValue(func() bool {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	const pages = 8
	memory, err := mapFile(noFile, pages*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil || unix.Madvise(memory, unix.MADV_NOHUGEPAGE) != nil {
		return false
	}
	defer unmap(memory)
	for page := range pages {
		before := threadFaults()
		memory[page*pageSize] = 1
		if before < 0 || threadFaults() <= before {
			return false
		}
	}
	return true
})
