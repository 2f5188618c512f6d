package report

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Into writes a result into a Markdown file, between the markers
// `<!-- measured: WHAT -->` and `<!-- end -->`.
func Into(file, what, result string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf("<!-- measured: %s -->\n", what), "<!-- end -->"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %s… %s", file, begin, end)
	}
	var out bytes.Buffer
	out.WriteString(before + begin)
	fmt.Fprintf(&out, "%s, %s.\n\n```text\n%s\n```\n", time.Now().Format("2 January 2006"), Machine(), strings.TrimRight(result, "\n"))
	out.WriteString(end + after)
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// Machine says where this runs.
func Machine() string {
	cpu, kernel := runtime.GOARCH, ""
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel, _, _ = strings.Cut(strings.TrimSpace(string(release)), "-")
		kernel = ", " + runtime.GOOS + " " + kernel
	}
	return fmt.Sprintf("%d cores of %s%s, %s", runtime.NumCPU(), cpu, kernel, runtime.Version())
}
