package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/bench/report"
)

// What is measured replaces what was between its markers, and nothing else.
func TestInto(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.md")
	if err := os.WriteFile(file, []byte("a\n<!-- measured: x -->\nold\n<!-- end -->\nb\n<!-- measured: y -->\nkept\n<!-- end -->\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := report.Into(file, "x", "new\n\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for want, there := range map[string]bool{"a\n<!-- measured: x -->\n": true, "```text\nnew\n```\n<!-- end -->\nb\n": true, "kept": true, "old": false} {
		if strings.Contains(string(got), want) != there {
			t.Errorf("%q is there: %v, want %v:\n%s", want, !there, there, got)
		}
	}
	if err := report.Into(file, "z", "new"); err == nil {
		t.Error("it wrote where there is no marker")
	}
}
