package spectest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/ran.golden")

// tally counts what was run, so that a suite that shrinks, or a runner that
// passes over commands, is seen.
type tally struct {
	mu       sync.Mutex
	counts   map[string]int
	expected map[string]int // files by suite
}

func newTally() *tally { return &tally{counts: map[string]int{}, expected: map[string]int{}} }

// add counts one of a kind.
func (y *tally) add(suite, kind string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.counts[suite+" "+kind]++
}

// expect says how many files a suite has.
func (y *tally) expect(suite string, files int) { y.expected[suite] = files }

// complete tells whether every file was run to its end: not with -run, nor
// after a failure.
func (y *tally) complete() bool {
	for suite, files := range y.expected {
		if y.counts[suite+" files"] != files {
			return false
		}
	}
	return true
}

// check compares the counts with the golden ones.
func (y *tally) check(t *testing.T) {
	t.Helper()
	const golden = "testdata/ran.golden"
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(y.counts)) {
		fmt.Fprintf(&b, "%s: %d\n", key, y.counts[key])
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("what was run is not what %s says (-update writes it):\n%s", golden, b.String())
	}
}
