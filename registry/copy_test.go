package registry

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// files are those that Copy gives, in their order.
type files struct {
	names   []string
	content map[string]string
}

func copied(t *testing.T, dir string) files {
	t.Helper()
	f := files{content: map[string]string{}}
	err := Copy(dir, func(name string, content io.Reader) error {
		all, err := io.ReadAll(content)
		f.names, f.content[name] = append(f.names, name), string(all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A registry that was copied while it is open comes back whole, into a folder
// without releases; what is there otherwise stays, unless it is the same.
func TestACopyComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	if f := copied(t, dir); len(f.names) != 0 {
		t.Errorf("a folder that is not there has %v", f.names)
	}
	layout, err := openLayout(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := layout.put(t.Context(), moduleType, []byte("module"))
	if err != nil {
		t.Fatal(err)
	}
	f := copied(t, dir)
	if len(f.names) != 3 || f.names[0] != "index.json" || f.content["blobs/sha256/"+blob.Digest.Encoded()] != "module" {
		t.Fatalf("copied %v", f.names)
	}

	arrive := func(into string, change func(name, content string) (string, string)) error {
		a, err := Receive(into)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Discard() //nolint:errcheck // the folder is the test's
		for _, name := range f.names {
			to, content := change(name, f.content[name])
			if err := a.Put(to, strings.NewReader(content)); err != nil {
				return err
			}
		}
		return a.Settle()
	}
	as := func(name, content string) (string, string) { return name, content }
	into := filepath.Join(t.TempDir(), "registry")
	for range 2 { // the second time it is there already
		if err := arrive(into, as); err != nil {
			t.Fatal(err)
		}
	}
	if back := copied(t, into); len(back.names) != 3 || back.content["index.json"] != f.content["index.json"] {
		t.Errorf("back came %v", back.names)
	}
	other := func(name, content string) (string, string) {
		return name, strings.Replace(content, "manifests", "Manifests", 1)
	}
	if err := arrive(into, other); core.KindOf(err) != core.Exists {
		t.Errorf("over other releases: %v", err)
	}
	into = filepath.Join(t.TempDir(), "registry")
	for what, change := range map[string]func(name, content string) (string, string){
		"a changed blob": func(name, content string) (string, string) { return name, content + " " },
		"a path":         func(_, content string) (string, string) { return "../a", content },
		"another file":   func(_, content string) (string, string) { return "ingest/a", content },
	} {
		if err := arrive(into, change); err == nil {
			t.Errorf("%s comes in", what)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(into)); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
