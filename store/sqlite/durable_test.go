package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/store"
)

// flushFolder and flushCallers, when set, make TestFault10_EachGroupIsFlushedOnce the
// process whose flushes are counted.
const (
	flushFolder  = "CARREL_TEST_FLUSH_FOLDER"
	flushCallers = "CARREL_TEST_FLUSH_CALLERS"
)

const unitsEach = 25 // of each caller

// TestFault10_EachGroupIsFlushedOnce counts, from outside, how often a process asks
// the kernel to bring a file to the disk: once for each group of units that it
// acknowledged together, no less, and hardly more.
func TestFault10_EachGroupIsFlushedOnce(t *testing.T) {
	if dir := os.Getenv(flushFolder); dir != "" {
		callers, err := strconv.Atoi(os.Getenv(flushCallers))
		if err == nil {
			err = commitGroups(dir, callers)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if _, err := exec.LookPath("strace"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("there is no strace here: `go tool task test:needs` installs it")
	}
	if err := exec.Command("strace", "-qq", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("this machine lets nobody trace a process: %v", err)
	}
	idle, _ := flushes(t, 0) // of opening and closing
	for _, callers := range []int{1, 16} {
		counted, groups := flushes(t, callers)
		units := callers * unitsEach
		t.Logf("%d callers: %d units in %d groups took %d flushes, opening and closing %d", callers, units, groups, counted-idle, idle)
		// A checkpoint flushes the file and its log, too; there may be a few.
		if more := counted - idle; more < groups || more > groups+8 {
			t.Errorf("%d groups took %d flushes", groups, more)
		}
		if callers > 1 && groups >= units {
			t.Errorf("%d units made %d groups: nobody shared one, so nothing is shown", units, groups)
		}
	}
}

// flushes runs the process under strace, and returns how often it flushed a file,
// and how many groups of units it committed.
func flushes(t *testing.T, callers int) (counted, groups int) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	traced := exec.Command("strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", trace,
		os.Args[0], "-test.run=^TestFault10_EachGroupIsFlushedOnce$")
	traced.Env = append(os.Environ(), flushFolder+"="+t.TempDir(), flushCallers+"="+strconv.Itoa(callers))
	traced.Stderr = os.Stderr
	out, err := traced.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := fmt.Sscanf(string(out), "groups %d", &groups); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(calls) {
		// A call during which another thread's was written is on two lines.
		if bytes.Contains(line, []byte("sync(")) {
			counted++
		}
	}
	return counted, groups
}

// commitGroups commits units from so many callers, and says in how many groups.
func commitGroups(dir string, callers int) error {
	ctx := context.Background()
	db, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	s := store.New(db.Documents())
	failures := make(chan error, callers)
	var wait sync.WaitGroup
	before, _ := db.Groups()
	for caller := range callers {
		wait.Go(func() {
			for n := range unitsEach {
				if err := commitOne(ctx, s, fmt.Sprintf("%d-%d", caller, n)); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	wait.Wait()
	groups, _ := db.Groups()
	fmt.Println("groups", groups-before)
	close(failures)
	if err := <-failures; err != nil {
		return err
	}
	return db.Close()
}
