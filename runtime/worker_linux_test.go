package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// workers returns the child processes that ingest for this one.
func workers(t *testing.T) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Skip("needs /proc")
	}
	for _, list := range lists {
		children, _ := os.ReadFile(list) // a thread may have ended
		for _, child := range strings.Fields(string(children)) {
			name, _ := os.ReadFile("/proc/" + child + "/cmdline")
			if string(bytes.TrimRight(name, "\x00")) != workerName {
				continue
			}
			var pid int
			if _, err := fmt.Sscan(child, &pid); err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// A worker that is killed costs its publisher this try and nobody anything
// else: the reason is told, and the next try succeeds.
func TestFault18_CompileWorkerKilled(t *testing.T) {
	module := guestPlain(t) // large enough that no stage is over before it is heard of
	for _, stage := range []string{"checking", "compiling", "starting"} {
		killed := 0
		_, err := runWorker(t.Context(), workerOptions{MaxMemory: defaultMemory}, module, func(s string) {
			if s != stage {
				return
			}
			for _, pid := range workers(t) {
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					killed++
				}
			}
		})
		if killed != 1 {
			t.Fatalf("%d workers were killed", killed)
		}
		if err == nil {
			continue // it had sent its answer before
		}
		if core.KindOf(err) != core.Unavailable || !strings.Contains(core.MessageOf(err), "was killed while "+stage) {
			t.Errorf("%s: %v", stage, err)
		}
		ingested(t, module, workerOptions{})
	}
}

// A publisher who leaves takes the worker along.
func TestWorkerEndsWithItsPublisher(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	_, err := runWorker(ctx, workerOptions{MaxMemory: defaultMemory}, guestPlain(t), func(string) { leave() })
	if core.KindOf(err) != core.Timeout {
		t.Errorf("got %v", err)
	}
	if left := workers(t); len(left) > 0 {
		t.Errorf("workers %v are left", left)
	}
}

// A module can have its worker die when its
// code lies on disk already.
func TestAttack24_DeadWorkersLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	e := newEngine(t, Config{CacheDir: t.TempDir(), MaxMemory: 1 << 30})
	never := bytes.Repeat([]byte{0x20, 0, 0x41, 1, 0x6a, 0x21, 0}, 100_000)
	grow := slices.Concat([]byte{0x03, 0x40}, i32Const(64), []byte{0x40, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b}) // until it fails
	m := asm{memory: pages(1), start: "f", funcs: []asmFunc{{name: "f", code: grow}, {name: "g", locals: counter, code: never}}}.bytes()
	if _, err := e.LoadBytes(t.Context(), m); core.KindOf(err) != core.Invalid {
		t.Fatalf("its worker lived: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}
