package registry

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestReadyWhileItsFolderIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	r, err := Open(t.Context(), dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if err := r.Ready(t.Context()); core.KindOf(err) != core.Unavailable {
		t.Errorf("with its disk gone: %v", err)
	}
}
