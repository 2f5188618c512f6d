package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAttack63_TheFilesAreTheirOwnersAlone: whatever the umask, and whatever an
// earlier process left, nobody else on the machine reads the database, nor what
// SQLite puts beside it.
func TestAttack63_TheFilesAreTheirOwnersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // nothing of this package's tests runs at the same time
	dir := filepath.Join(t.TempDir(), "data")
	for _, before := range []string{"a new folder", "files that were open to all"} {
		db, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return bumpEpoch(ctx, tx, "ws_1") })
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, entry.Name())
			if mode := info.Mode().Perm(); mode != 0o600 {
				t.Errorf("%s: %s has mode %v", before, entry.Name(), mode)
			}
		}
		if got, want := strings.Join(names, " "), "carrel.db carrel.db-shm carrel.db-wal carrel.lock"; got != want {
			t.Errorf("%s: there are %s, want %s", before, got, want)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: the folder is %v, %v", before, info.Mode(), err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			if file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil { // SQLite took some away
				t.Fatal(err)
			} else if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
