package sqlite

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/storetest"
)

// What was overwritten is in the file or the log beside it until it is scrubbed;
// what is there is there afterwards.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ada := core.Account{ID: core.NewAccountID(), Email: "ada@example.com"}
	if err := db.CreateAccount(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	w := core.Workspace{ID: core.NewWorkspaceID(), Slug: "w"}
	contract := core.Contract{ID: core.NewContractID(), Plan: "starter"}
	if err := db.CreateWorkspace(t.Context(), w, ada.ID, contract, core.AuditEntry{}); err != nil {
		t.Fatal(err)
	}
	in := core.Installation{ID: core.NewInstallationID(), Plugin: storetest.Plugin, Alias: "crm", Revision: 1}
	put := func() error {
		return db.Change(t.Context(), w.ID, func(core.Access) ([]core.Change, error) {
			return []core.Change{core.PutInstallation{Installation: in}}, nil
		})
	}
	for _, settings := range []string{`{"a":"` + strings.Repeat("canary ", 10_000) + `"}`, `{"a":"kept"}`} {
		in.Settings = json.RawMessage(settings)
		if err := put(); err != nil {
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
	if err := put(); err != nil { // it goes on being written
		t.Error(err)
	}
}
