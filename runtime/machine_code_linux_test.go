package runtime

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// wazero's machine code is found by the names of fields. Should they change, code
// would stay in small pages silently.
func TestMachineCodeIsFound(t *testing.T) {
	e := newEngine(t, Config{})
	m := load(t, e, guestPlain(t))
	in, err := m.instantiate(t.Context(), e.wazero, newInvocation(Call{}, Limits{}.within(defaultMemory)))
	if err != nil {
		t.Fatal(err)
	}
	defer in.destroy(t.Context())
	code := machineCode(in.module.ExportedFunction(ExportCall))
	if int64(len(code)) < m.report.Code/2 {
		t.Fatalf("%d bytes of machine code are found; the report says %d", len(code), m.report.Code)
	}
	trial, err := mapFile(noFile, 8<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unmap(trial)
	touchPages(trial)
	if largePages(trial); largeBytes(t, trial) == 0 {
		t.Skip("this system has no large pages")
	}
	if large := largeBytes(t, code); large < len(code)/2 {
		t.Errorf("%d of %d bytes of machine code are in large pages", large, len(code))
	}
}

// largeBytes is how many bytes of a mapping are in large pages.
func largeBytes(t *testing.T, mapping []byte) (n int) {
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inside := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			at := uintptr(start(mapping))
			inside = from <= at && at < to
		}
		if kilobytes, ok := strings.CutPrefix(line, "AnonHugePages:"); ok && inside {
			if _, err := fmt.Sscan(kilobytes, &n); err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	return 0
}
