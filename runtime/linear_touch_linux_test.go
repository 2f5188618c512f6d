package runtime

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// What a memory grows beyond what a guest may have to touch first is there.
func TestGrownMemoryIsGiven(t *testing.T) {
	for _, m := range methods {
		if !m.works() {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			const grown = looseBytes + 4<<20
			im := testImage(t, m, make([]byte, wasm.PageSize))
			l := openLinear(t, im, grown)
			guest := l.Reallocate(looseBytes)
			if given := presentBytes(t, guest); m.name != copying.name && given > 0 {
				t.Errorf("%d bytes are given to a memory that is small", given)
			}
			guest = l.Reallocate(grown)
			if given := presentBytes(t, guest[looseBytes:]); given != grown-looseBytes {
				t.Errorf("%d bytes of %d are given", given, grown-looseBytes)
			}
		})
	}
	t.Run("heap", func(t *testing.T) {
		h := heapMemory{limit: 2 * looseBytes, admit: func(int64) bool { return true }}
		guest := h.Reallocate(2 * looseBytes)
		if given := presentBytes(t, guest[looseBytes:]); given != looseBytes {
			t.Errorf("%d bytes of %d are given", given, looseBytes)
		}
	})
}

// presentBytes counts the bytes of memory that the system has given.
func presentBytes(t *testing.T, memory []byte) (n int) {
	t.Helper()
	pages := make([]byte, (len(memory)+pageSize-1)/pageSize)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(start(memory)), uintptr(len(memory)), uintptr(start(pages)))
	if errno != 0 {
		t.Fatal(errno)
	}
	for _, p := range pages {
		n += int(p&1) * pageSize
	}
	return n
}
