package sqlite_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/sqlite"
)

func TestSecretKeys(t *testing.T) {
	db := open(t)
	put := func(id string, state sqlite.KeyState, want map[string]sqlite.KeyState) {
		t.Helper()
		if err := db.PutSecretKey(t.Context(), id, state); err != nil {
			t.Fatal(err)
		}
		if got, err := db.SecretKeys(t.Context()); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%v, %v, want %v", got, err, want)
		}
	}
	put("one", sqlite.KeySealing, map[string]sqlite.KeyState{"one": sqlite.KeySealing})
	put("one", sqlite.KeyComplete, map[string]sqlite.KeyState{"one": sqlite.KeyComplete})
	put("two", sqlite.KeySealing, map[string]sqlite.KeyState{"one": sqlite.KeyComplete, "two": sqlite.KeySealing})
	put("two", sqlite.KeyScrubbed, map[string]sqlite.KeyState{"one": sqlite.KeyComplete, "two": sqlite.KeyScrubbed})
	put("two", sqlite.KeySealing, map[string]sqlite.KeyState{"one": sqlite.KeyComplete, "two": sqlite.KeySealing})
	put("two", sqlite.KeyComplete, map[string]sqlite.KeyState{"two": sqlite.KeyComplete})
}

// What was overwritten is in the file or the log beside it until it is scrubbed;
// what is there is there afterwards.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w, _ := makeWorkspace(t, db)
	in := installation()
	for _, settings := range []string{`{"a":"` + strings.Repeat("canary ", 10_000) + `"}`, `{"a":"kept"}`} {
		in.Settings = json.RawMessage(settings)
		if err := change(db, w.ID, core.PutInstallation{Installation: in}); err != nil {
			t.Fatal(err)
		}
		in.Revision++
	}
	holds := func() (n int) {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) < 3 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte("canary")) {
				n++
			}
		}
		return n
	}
	if holds() == 0 {
		t.Fatal("there is nothing to scrub")
	}
	if err := db.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := holds(); n != 0 {
		t.Errorf("%d files hold what was overwritten", n)
	}
	a, err := db.Access(t.Context(), w.ID)
	if err != nil || string(a.Installations[0].Settings) != `{"a":"kept"}` {
		t.Errorf("%+v, %v", a.Installations, err)
	}
	if workspaces, err := db.Configured(t.Context()); err != nil || len(workspaces) != 1 || workspaces[0] != w.ID {
		t.Errorf("%v, %v", workspaces, err)
	}
	if err := change(db, w.ID, core.PutInstallation{Installation: in}); err != nil { // it goes on being written
		t.Error(err)
	}
}
