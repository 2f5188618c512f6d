package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/store/sqlite"
)

// TestASweepTakesWhatNobodyRefersTo, when it is old enough, and nothing else that is
// in the bucket.
func TestASweepTakesWhatNobodyRefersTo(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.Open(ctx, dir)
	must(err)
	t.Cleanup(func() { must(db.Close()) })
	bucket, err := openBucket(ctx, "", dir)
	must(err)
	t.Cleanup(func() { must(bucket.Close()) })
	b := &blobs{bucket, db, slog.New(slog.DiscardHandler)}
	now := time.Now()
	ada := core.Account{ID: core.NewAccountID(), Email: "ada@example.com", Created: now}
	must(db.CreateAccount(ctx, ada))
	w := core.Workspace{ID: core.NewWorkspaceID(), Slug: "acme", Name: "Acme", TimeZone: "UTC", Locale: "en", Created: now}
	must(db.CreateWorkspace(ctx, w, ada.ID, core.Contract{ID: core.NewContractID(), Workspace: w.ID, Plan: "starter", Began: now}, core.AuditEntry{Time: now}))
	plugin, other := core.PluginID{Publisher: "acme", Name: "crm"}, core.PluginID{Publisher: "acme", Name: "shop"}
	keep := store.New(db.Documents()).KeepBlobsIn(b)
	a, err := db.Access(ctx, w.ID)
	must(err)
	var want []string
	for _, of := range []core.PluginID{plugin, other} {
		u := keep.Begin(w.ID, store.Scope{Plugin: of, AuthEpoch: a.Epoch})
		kept, err := u.PutBlob(ctx, []byte("kept"), "text/plain", -1)
		must(err)
		_, err = u.Commit(ctx)
		must(err)
		want = append(want, kept.Key(w.ID))
	}
	put := func(ws core.WorkspaceID, of core.PluginID, text, end string) string {
		key := core.NewBlob(of, []byte(text), "", now).Key(ws) + end
		must(b.Put(ctx, key, []byte(text)))
		return key
	}
	orphans := []string{
		put(w.ID, plugin, "kept", ""), // by a unit that failed: another has the row
		put(w.ID, plugin, "of a unit that failed", ""), put(w.ID, core.PluginID{Publisher: "acme", Name: "erased"}, "erased", ""),
		put(w.ID, plugin, "half", ".18a0b1c2d3e4f5a6.tmp"), // of a server that was killed
	}
	want = append(want, put(core.NewWorkspaceID(), plugin, "of another database", ""))
	must(os.WriteFile(filepath.Join(dir, "blobs", "README.txt"), []byte("an operator's"), 0o600))
	want = append(want, "README.txt")
	slices.Sort(want)
	left := func() (keys []string) {
		t.Helper()
		must(b.List(ctx, "", func(key string, _ time.Time) error { keys = append(keys, key); return nil }))
		return keys
	}
	if n, err := b.sweep(ctx, now.Add(-time.Hour)); err != nil || n != 0 || len(left()) != len(want)+len(orphans) {
		t.Errorf("of what is young %d are gone, %v", n, err)
	}
	if n, err := b.sweep(ctx, time.Now().Add(time.Minute)); err != nil || n != len(orphans) {
		t.Errorf("%d of %d orphans are gone, %v", n, len(orphans), err)
	}
	if got := left(); !slices.Equal(got, want) {
		t.Errorf("left are\n%q, want\n%q", got, want)
	}
}
