package runtime

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"sync"

	"github.com/carrel-dev/carrel/core"
)

// A process may have so many mappings (vm.max_map_count), and where the system
// promises no more memory than it has (vm.overcommit_memory = 2) so many bytes
// of them. Past either, it is not only ours that fail: Go's runtime can't get
// memory for its own heap, and that is the end of the process. So we count ours
// and stop before.

const (
	// mapsEach is what an instance needs at most: its image and, when its
	// memory grew, what lies behind that.
	mapsEach = 2
	// mapsOfOthers are left to Go's runtime, compiled code and the libraries.
	mapsOfOthers = 8192
	// defaultMaxMaps is Linux's, for a system that does not tell its own.
	defaultMaxMaps = 65530
)

// mappings counts the mappings of linear memories and images.
type mappings struct {
	maxMaps, maxBytes int64

	mu          sync.Mutex
	maps, bytes int64
}

// room is what this process has.
var room = sync.OnceValue(func() *mappings {
	r := &mappings{maxMaps: defaultMaxMaps, maxBytes: math.MaxInt64}
	if n, ok := readNumber("/proc/sys/vm/max_map_count", ""); ok {
		r.maxMaps = n
	}
	// A system may have set few; half of them are ours then.
	r.maxMaps -= min(mapsOfOthers, r.maxMaps/2)
	const strict = 2
	if mode, _ := readNumber("/proc/sys/vm/overcommit_memory", ""); mode == strict {
		if kilobytes, ok := readNumber("/proc/meminfo", "CommitLimit:"); ok {
			r.maxBytes = kilobytes * 1024 / 4 * 3
		}
	}
	return r
})

// maxInstances returns how many instances this process can map at a time.
func maxInstances() int { return int(room().maxMaps / mapsEach) }

// take counts mappings in before they are made, or refuses.
func (r *mappings) take(maps, bytes int64) error {
	const op = "runtime.Run"
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case maps > r.maxMaps-r.maps:
		return core.E(op, core.Unavailable, "This server holds as many plugin memories as its system can map. Try again in a moment, or raise vm.max_map_count.")
	case bytes > r.maxBytes-r.bytes:
		return core.E(op, core.Unavailable, "This server holds as many plugin memories as its system promises memory for. Try again in a moment, or set vm.overcommit_memory to 0.")
	}
	r.maps += maps
	r.bytes += bytes
	return nil
}

// give counts mappings out that are gone.
func (r *mappings) give(maps, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.maps -= maps
	r.bytes -= bytes
}

// readNumber reads the number that follows a name in a file of /proc.
func readNumber(path, name string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return n, err == nil
}
