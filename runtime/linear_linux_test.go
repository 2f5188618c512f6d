package runtime

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// press has the kernel do to a memory what it may do any time: swap pages out
// (where there is swap), use huge pages or not, and forget which are read.
// Memory on Go's heap is left alone, as the advice is for mappings.
func press(random *rand.Rand, guest []byte) {
	if len(guest) == 0 || !strings.Contains(mappingOf(guest), imageName) {
		return
	}
	advice := []int{unix.MADV_PAGEOUT, unix.MADV_COLD, unix.MADV_HUGEPAGE, unix.MADV_NOHUGEPAGE, unix.MADV_COLLAPSE, unix.MADV_POPULATE_READ}
	_ = unix.Madvise(guest, advice[random.IntN(len(advice))]) // a kernel without it has no such state either
}

// mappingOf returns the line of /proc/self/maps a memory begins in.
func mappingOf(memory []byte) string {
	begin := fmt.Sprintf("%x-", uintptr(start(memory)))
	for line := range strings.Lines(ownMappings()) {
		if strings.HasPrefix(line, begin) {
			return line
		}
	}
	return ""
}

func ownMappings() string {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	return string(text)
}

func countImageMappings() int { return strings.Count(ownMappings(), imageName) }

func TestAttack12_NobodyCanWriteToAnImage(t *testing.T) {
	memory := randomMemory(rand.New(rand.NewPCG(7, 7)), 2)
	im := testImage(t, methods[0], memory)
	file := im.source.(*sealed).file
	if _, err := unix.Pwrite(file, []byte("x"), 0); err != unix.EPERM {
		t.Errorf("writing to the image: %v", err)
	}
	for _, size := range []int64{0, int64(len(memory)) + wasm.PageSize} {
		if err := unix.Ftruncate(file, size); err != unix.EPERM {
			t.Errorf("making the image %d bytes long: %v", size, err)
		}
	}
	if mapping, err := mapFile(file, len(memory), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		unmap(mapping)
		t.Error("the image can be mapped to be written")
	}
	if _, err := unix.FcntlInt(uintptr(file), unix.F_ADD_SEALS, unix.F_SEAL_EXEC); err != unix.EPERM {
		t.Errorf("changing the seals: %v", err)
	}
	if !bytes.Equal(im.source.(*sealed).image, memory) {
		t.Error("the image is not what it was taken of")
	}
}

func TestImageHasNoRoomForZeros(t *testing.T) {
	memory := make([]byte, 64*wasm.PageSize)
	memory[10*wasm.PageSize] = 1
	im := testImage(t, methods[0], memory)
	var info unix.Stat_t
	if err := unix.Fstat(im.source.(*sealed).file, &info); err != nil {
		t.Fatal(err)
	}
	if used := info.Blocks * 512; used > wasm.PageSize {
		t.Errorf("an image with one byte in it takes %d", used)
	}
}

// The counts are what refuses an instance before the system does, so they must
// come back to where they were, however an instance ends.
func TestMappingsAreFreedOnce(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		maps, size, mapped := room().maps, room().bytes, countImageMappings()
		im := testImage(t, m, randomMemory(rand.New(rand.NewPCG(8, 8)), 3))
		for n := range 3 {
			l := openLinear(t, im, 9*wasm.PageSize)
			l.Reallocate(3 * wasm.PageSize)[0]++
			if n == 1 {
				l.Reallocate(8 * wasm.PageSize)[0]++
			}
			defer l.Free()
			l.Free()
			l.Free()
		}
		if inUse := countImageMappings(); inUse > mapped+1 {
			t.Errorf("%d mappings of the image are left; the image itself is one", inUse-mapped)
		}
		im.close()
		if r := room(); r.maps != maps || r.bytes != size {
			t.Errorf("before: %d mappings of %d bytes; after: %d of %d", maps, size, r.maps, r.bytes)
		}
		if inUse := countImageMappings(); inUse != mapped {
			t.Errorf("%d mappings of images before, %d after", mapped, inUse)
		}
	})
}

// An instance that waits keeps no page of its own after a release, and few
// after a reset.
func TestIdleMemoryIsSmall(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		if m.name == copying.name {
			t.Skip("a copy is what it is")
		}
		memory := randomMemory(rand.New(rand.NewPCG(9, 9)), 100)
		l := openLinear(t, testImage(t, m, memory), 0)
		guest := l.Reallocate(uint64(len(memory)))
		scribbleAll := func() {
			for at := 0; at < len(guest); at += 4096 {
				guest[at]++
			}
		}
		scribbleAll()
		if own := ownBytes(t, guest); own < len(memory) {
			t.Fatalf("%d bytes are the memory's own though all %d were written to", own, len(memory))
		}
		if _, err := l.reset(); err != nil {
			t.Fatal(err)
		}
		if own := ownBytes(t, guest); own > maxOwn {
			t.Errorf("after a reset %d bytes are the memory's own", own)
		}
	})
}

// A new memory comes with what calls on the ones before touched, which changes
// nothing of what is in it.
func TestNewMemoryIsPreparedByHabit(t *testing.T) {
	m := methods[0]
	if m.name != "scan" || !m.works() {
		t.Skip("only a scan tells what a call touches")
	}
	const page = 4096
	want := randomMemory(rand.New(rand.NewPCG(10, 10)), 100)
	im := testImage(t, m, want)
	firstCall := func(written ...int) (given int) {
		t.Helper()
		l := openLinear(t, im, 0)
		guest := l.Reallocate(uint64(len(want)))
		given = ownBytes(t, guest)
		if !bytes.Equal(guest, want) {
			t.Fatal("a prepared memory is not the image")
		}
		for _, n := range written {
			guest[n*page]++
		}
		if same, err := l.reset(); !same || err != nil || !bytes.Equal(guest, want) {
			t.Fatalf("not the image after a reset: %v, %v", same, err)
		}
		l.Free()
		return given
	}
	all := make([]int, len(want)/page)
	for n := range all {
		all[n] = n
	}
	for n, step := range []struct {
		written []int
		given   int // pages of its own a memory has before that call
	}{
		{[]int{1, 2, 3, 900}, 0}, // looked at
		{[]int{2, 3, 4, 900}, 0}, // looked at
		{nil, 3},
		{all, 0}, // looked at
		{nil, 4}, // what the second and the fourth wrote
		{all, 4},
		{nil, 4},
		{all, 0}, // looked at
		{nil, 0}, // the fourth and the eighth wrote more than is copied in advance
	} {
		if given := firstCall(step.written...); given != step.given*page {
			t.Errorf("memory %d was given %d bytes, not %d pages", n+1, given, step.given)
		}
	}
}

// ownBytes asks /proc/self/smaps how many bytes of a mapping are nobody else's.
func ownBytes(t *testing.T, memory []byte) int {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := bytes.Cut(text, fmt.Appendf(nil, "%x-", uintptr(start(memory))))
	_, rest, ok := bytes.Cut(rest, []byte("\nAnonymous:"))
	if !found || !ok {
		t.Fatal("the mapping is not in /proc/self/smaps")
	}
	var kilobytes int
	if _, err := fmt.Fscan(bytes.NewReader(rest), &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes * 1024
}

func TestAttack19_NoMappingBeyondWhatTheSystemHas(t *testing.T) {
	if n := maxInstances(); n < 1 || int64(n)*mapsEach > room().maxMaps {
		t.Fatalf("%d instances of %d mappings; there are %d", n, mapsEach, room().maxMaps)
	}
	im := testImage(t, methods[0], make([]byte, wasm.PageSize))
	l := openLinear(t, im, 4*wasm.PageSize)
	rest := room().maxMaps - room().maps
	if err := room().take(rest, 0); err != nil {
		t.Fatal(err)
	}
	_, err := im.open(0)
	grown := l.Reallocate(2 * wasm.PageSize)
	room().give(rest, 0)
	if core.KindOf(err) != core.Unavailable || !strings.Contains(core.MessageOf(err), "vm.max_map_count") {
		t.Errorf("one instance too many: %v", err)
	}
	if grown != nil {
		t.Error("a memory grew though there was no mapping left")
	}
	if same, err := l.reset(); !same || err != nil {
		t.Errorf("a memory that could not grow is not what it was: %v, %v", same, err)
	}
	if l.Reallocate(2*wasm.PageSize) == nil {
		t.Error("with mappings to spare the memory still does not grow")
	}
}

func TestAttack19_NoMoreBytesThanTheSystemPromises(t *testing.T) {
	r := mappings{maxMaps: 10, maxBytes: 1000}
	if err := r.take(1, 900); err != nil {
		t.Fatal(err)
	}
	if err := r.take(1, 101); core.KindOf(err) != core.Unavailable {
		t.Fatalf("1001 of 1000 bytes: %v", err)
	}
	r.give(1, 900)
	if err := r.take(10, 1000); err != nil {
		t.Fatal(err)
	}
}

// Pages that a call once wrote to and later ones don't are given back: not at
// once, as the next call may write there again, but before long.
func TestStalePagesAreGivenBack(t *testing.T) {
	if bestMethod().name != "scan" {
		t.Skip("needs PAGEMAP_SCAN")
	}
	im, err := newImage(make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer im.close()
	l, err := im.open(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Free()
	guest := l.Reallocate(1 << 20)
	call := func(pages int) int {
		l.backing.watch()
		for page := range pages {
			guest[page*pageSize]++
		}
		l.backing.pause()
		if same, err := l.reset(); !same || err != nil {
			t.Fatal(same, err)
		}
		return ownBytes(t, guest) / pageSize
	}
	if own := call(100); own != 100 {
		t.Fatalf("%d pages after the large call", own)
	}
	if own := call(3); own != 100 {
		t.Fatalf("%d pages soon after the large call", own)
	}
	for range (staleChecks + 1) * checkEvery {
		call(3)
	}
	if own := call(3); own != 3 {
		t.Errorf("%d pages long after the large call", own)
	}
}

// A reset that trusts the count of faults puts back what one that looks at every
// page would: pages that were the guest's own, and new ones.
func TestWatchedCallsLeaveTheImage(t *testing.T) {
	if bestMethod().name != "scan" || !canCountFaults() {
		t.Skip("needs PAGEMAP_SCAN, and faults that are counted")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	want := make([]byte, 4<<20)
	for n := range want {
		want[n] = byte(dice.Uint32())
	}
	im, err := newImage(want)
	if err != nil {
		t.Fatal(err)
	}
	defer im.close()
	l, err := im.open(int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Free()
	guest := l.Reallocate(uint64(len(want)))
	m := l.backing.(*mapped)
	habit := dice.Perm(len(want) / pageSize)[:20] // pages most calls write to
	known := 0
	for range 3000 {
		l.backing.watch()
		for range dice.IntN(40) {
			at := habit[dice.IntN(len(habit))]*pageSize + dice.IntN(pageSize)
			if dice.IntN(500) == 0 {
				at = dice.IntN(len(want))
			}
			guest[at]++
			if dice.IntN(50) == 0 {
				l.backing.pause()
				l.backing.resume()
			}
		}
		l.backing.pause()
		if m.known && m.faults.sum == 0 {
			known++
		}
		if same, err := l.reset(); !same || err != nil {
			t.Fatal(same, err)
		}
		if !bytes.Equal(guest, want) {
			t.Fatal("not the image after a reset")
		}
	}
	if known < 100 {
		t.Errorf("only %d resets knew the pages", known)
	}
	// A call that nobody watched is looked at.
	guest[0]++
	if same, err := l.reset(); !same || err != nil || !bytes.Equal(guest, want) {
		t.Fatal("not the image after an unwatched call", same, err)
	}
}
