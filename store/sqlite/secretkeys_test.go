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
	want := func(keys map[string]bool) {
		t.Helper()
		if got, err := db.SecretKeys(t.Context()); err != nil || !maps.Equal(got, keys) {
			t.Fatalf("%v, %v, want %v", got, err, keys)
		}
	}
	did := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]bool{})
	did(db.AddSecretKey(t.Context(), "one"))
	did(db.AddSecretKey(t.Context(), "one"))
	want(map[string]bool{"one": false})
	did(db.CompleteSecretKey(t.Context(), "one"))
	did(db.AddSecretKey(t.Context(), "one"))
	did(db.AddSecretKey(t.Context(), "two"))
	want(map[string]bool{"one": true, "two": false})
	did(db.CompleteSecretKey(t.Context(), "two"))
	want(map[string]bool{"two": true})
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
