package archive_test

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/archive"
	"github.com/carrel-dev/carrel/store/storetest"
)

// export writes an archive for a tenant.
func (p place) export(ws core.WorkspaceID) string {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "export.tar")
	w, err := archive.Create(file)
	p.must(err)
	s := p.snapshot()
	var m archive.Manifest
	p.must(archive.Export(p.t.Context(), w, s, ws, &m, nil))
	p.must(s.Close())
	_, err = w.Finish(&m)
	p.must(err)
	return file
}

// An export has what is a tenant's and nothing that is a secret or another's, shows
// documents to people, and is restored.
func TestAnExportIsTheTenants(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		all := filled(t, p)
		its, others := all[0], all[1]
		p.use(func(db storetest.Platform) {
			p.must(db.Change(t.Context(), its.ID, func(a core.Access) ([]core.Change, error) {
				a.Installations[0].Revision++
				a.Installations[0].Settings = json.RawMessage(`{"color":"red","key":{"$sealed":"v1.0123456789abcdef.canary"}}`)
				return []core.Change{core.PutInstallation{Installation: a.Installations[0]}}, nil
			}))
		})
		file := p.export(its.ID)
		r := p.read(file)
		rows := r.Manifest.Rows()
		if rows["documents"] != 1 || rows["accounts"] != 1 || rows["installations"] != 1 || rows["tokens"] != 0 || rows["secret_keys"] != 0 {
			t.Errorf("it has %v", rows)
		}
		seen := &strings.Builder{}
		for _, table := range archive.Tables {
			p.must(r.Rows(t.Context(), table, func(row archive.Row) error {
				if table.Name == "accounts" && row[table.Index("password_hash")] != "" {
					t.Errorf("an account has the hash %q", row[table.Index("password_hash")])
				}
				for _, value := range row {
					if text, ok := value.(string); ok {
						seen.WriteString(text + "\n")
					}
				}
				return nil
			}))
		}
		if strings.Contains(seen.String(), "canary") || strings.Contains(seen.String(), string(others.ID)) || !strings.Contains(seen.String(), `{"color":"red"}`) {
			t.Errorf("it holds %s", seen)
		}
		var shown []string
		p.must(r.Files("documents/", func(name string, content io.Reader) error {
			shown = append(shown, name)
			var document map[string]any
			if err := json.NewDecoder(content).Decode(&document); err != nil || document["name"] != "Ann" || document["version"] != 1.0 || document["createdAt"] == nil {
				t.Errorf("%s shows %v, %v", name, document, err)
			}
			return nil
		}))
		if len(shown) != 1 || shown[0] != "acme/crm.contacts.jsonl" {
			t.Errorf("it shows %q", shown)
		}

		there := empty()
		there.use(func(storetest.Platform) {})
		there.must(there.restoreWorkspace(file, its.ID))
		there.use(func(db storetest.Platform) {
			if n := contacts(t, db, its.ID, "a@example.com"); n != 1 {
				t.Errorf("%d contacts", n)
			}
		})
		if err := empty().restore(file); core.KindOf(err) != core.Invalid || !strings.Contains(core.MessageOf(err), "--workspace "+string(its.ID)) {
			t.Errorf("restored as an installation: %v", err)
		}
	})
}

// While a key has not sealed everything, settings may hold a secret in the clear: an
// export has none.
func TestAnExportHasNoSettingThatMayBeSecret(t *testing.T) {
	p := kinds["sqlite"](t)
	its := filled(t, p)[0]
	p.use(func(db storetest.Platform) {
		p.must(db.PutSecretKey(t.Context(), "0123456789abcdef", core.KeyScrubbed))
	})
	r := p.read(p.export(its.ID))
	for _, table := range archive.Tables {
		if table.Name == "installations" {
			p.must(r.Rows(t.Context(), table, func(row archive.Row) error {
				if got := row[table.Index("settings")]; got != "{}" {
					t.Errorf("settings %v", got)
				}
				return nil
			}))
		}
	}
}

// What is erased is counted, and gone; the others are as they were.
func TestErasedIsGone(t *testing.T) {
	onEach(t, func(t *testing.T, empty func() place) {
		p := empty()
		its := filled(t, p)[0]
		had, others := of(p, its.ID)
		var erased map[string]int64
		p.must(p.change(its.ID, func(to archive.Transaction) (err error) {
			erased, err = archive.Erase(t.Context(), to, its.ID)
			return err
		}))
		for name, rows := range had {
			if erased[name] != int64(len(rows)) {
				t.Errorf("%s: %d erased of %d", name, erased[name], len(rows))
			}
		}
		left, kept := of(p, its.ID)
		for name, rows := range left {
			if len(rows) > 0 {
				t.Errorf("%s: %d left", name, len(rows))
			}
		}
		same(t, kept, others)
	})
}
