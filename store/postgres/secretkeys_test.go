package postgres

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/storetest"
)

// What was overwritten is in the table's files until it is scrubbed; what is there
// is there afterwards, and goes on being written.
func TestScrub(t *testing.T) {
	p := openPlatform(t)
	w := storetest.Fill(t, p)
	put := func(settings string) {
		t.Helper()
		err := p.Change(t.Context(), w.ID, func(a core.Access) ([]core.Change, error) {
			in := a.Installations[0]
			in.Settings, in.Revision = json.RawMessage(settings), in.Revision+1
			return []core.Change{core.PutInstallation{Installation: in}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	holds := func(secret string) bool {
		t.Helper()
		if _, err := p.superuser.Exec(t.Context(), "CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		var file []byte
		if err := p.superuser.QueryRow(t.Context(), "SELECT pg_read_binary_file(pg_relation_filepath('installations'))").Scan(&file); err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(file, []byte(secret))
	}
	put(`{"a":"canary"}`)
	put(`{"a":"kept"}`)
	if !holds("canary") || !holds("kept") {
		t.Fatal("there is nothing to scrub")
	}
	if err := p.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds("canary") || !holds("kept") {
		t.Error("the table's file holds what was overwritten, or not what is there")
	}
	put(`{"a":"kept again"}`)
	a, err := p.Access(t.Context(), w.ID)
	if err != nil || string(a.Installations[0].Settings) != `{"a":"kept again"}` {
		t.Errorf("%+v, %v", a.Installations, err)
	}
}
