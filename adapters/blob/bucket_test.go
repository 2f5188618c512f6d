package blob_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/adapters/blob"
	"github.com/carrel-dev/carrel/adapters/blob/s3test"
	"github.com/carrel-dev/carrel/core"
)

// onEach runs a test on a bucket of each kind.
func onEach(t *testing.T, test func(t *testing.T, b *blob.Bucket)) {
	for name, where := range map[string]func(t *testing.T) string{
		"folder": func(t *testing.T) string { return filepath.Join(t.TempDir(), "new", "blobs") },
		"file":   func(t *testing.T) string { return "file://" + t.TempDir() },
		"s3":     func(t *testing.T) string { return s3test.Start(t).URL },
		"prefix": func(t *testing.T) string { return s3test.Start(t).URL + "&prefix=one/" },
	} {
		t.Run(name, func(t *testing.T) {
			b, err := blob.Open(t.Context(), where(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, b)
		})
	}
}

func TestObjects(t *testing.T) {
	onEach(t, func(t *testing.T, b *blob.Bucket) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(b.Check(ctx))
		large := bytes.Repeat([]byte{0, 1, 0xff}, core.MaxBlob/3)
		before := time.Now().Add(-2 * time.Second) // S3 counts in seconds
		must(b.Put(ctx, "ws_2/acme/crm/a-1", []byte("first")))
		must(b.Put(ctx, "ws_1/acme/crm/b-1", large))
		must(b.Put(ctx, "ws_1/acme/crm/a-2", []byte("x")))
		must(b.Put(ctx, "ws_1/acme/crm/a-2", []byte("again")))
		for key, want := range map[string][]byte{"ws_2/acme/crm/a-1": []byte("first"), "ws_1/acme/crm/b-1": large, "ws_1/acme/crm/a-2": []byte("again")} {
			if got, err := b.Get(ctx, key, int64(len(want))); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", key, len(got), err)
			}
		}
		if got, err := b.Get(ctx, "ws_2/acme/crm/a-1", 2); err != nil || string(got) != "fir" {
			t.Errorf("of an object that is too long: %q, %v", got, err)
		}
		for _, missing := range []string{"ws_2/acme/crm/a-2", "ws_2/acme/crm", "ws_2"} {
			if got, err := b.Get(ctx, missing, 5); core.KindOf(err) != core.NotFound {
				t.Errorf("%s: %q, %v", missing, got, err)
			}
		}
		list := func(prefix string) (keys []string) {
			must(b.List(ctx, prefix, func(key string, written time.Time) error {
				if written.Before(before) || written.After(time.Now().Add(2*time.Second)) {
					t.Errorf("%s was written at %s", key, written)
				}
				keys = append(keys, key)
				return nil
			}))
			return keys
		}
		if got := list(""); !slices.Equal(got, []string{"ws_1/acme/crm/a-2", "ws_1/acme/crm/b-1", "ws_2/acme/crm/a-1"}) {
			t.Errorf("all are %q", got)
		}
		if got := list("ws_2/"); !slices.Equal(got, []string{"ws_2/acme/crm/a-1"}) {
			t.Errorf("of one workspace: %q", got)
		}
		must(b.Delete(ctx, "ws_2/acme/crm/a-1"))
		must(b.Delete(ctx, "ws_2/acme/crm/a-1"))
		if got := list("ws_2/"); len(got) != 0 {
			t.Errorf("after deleting: %q", got)
		}
		must(b.Put(ctx, "ws_10/acme/crm/a-1", []byte("x")))
		if n, err := b.DeleteAll(ctx, "ws_1/"); err != nil || n != 2 {
			t.Errorf("%d were deleted, %v", n, err)
		}
		if got := list(""); !slices.Equal(got, []string{"ws_10/acme/crm/a-1"}) {
			t.Errorf("left are %q", got)
		}
		if n, err := b.DeleteAll(ctx, "ws_1"); err == nil || n != 0 {
			t.Errorf("what others begin with, too: %d were deleted, %v", n, err)
		}
	})
}

// TestListsBeyondAPage: a bucket is listed to its end.
func TestListsBeyondAPage(t *testing.T) {
	b, err := blob.Open(t.Context(), s3test.Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	const many = 1003
	for i := range many {
		if err := b.Put(t.Context(), "ws_1/"+string(rune('a'+i/400))+"/"+time.Duration(i).String(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := b.List(t.Context(), "", func(string, time.Time) error { n++; return nil }); err != nil || n != many {
		t.Errorf("%d of %d, %v", n, many, err)
	}
}

// TestAFolderIsPrivate: nobody else of the machine reads what workspaces keep, and
// nothing but the objects is there.
func TestAFolderIsPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "blobs")
	b, err := blob.Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "ws_1/acme/crm/a-1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Join(folder, "ws_1/acme/crm")); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		"":                          "--blobs",
		file:                        "--blobs",
		"gs://bucket":               "s3://bucket",
		"s3://":                     "s3://bucket",
		"s3://u:p@bucket":           "s3://bucket",
		"s3://bucket/folder":        "s3://bucket",
		"s3://bucket?nonsense=1":    "nonsense",
		"file:///tmp/x?nonsense=1":  "--blobs",
		"https://s3.example.com/b1": "s3://bucket",
	} {
		if _, err := blob.Open(t.Context(), where); err == nil || !strings.Contains(core.MessageOf(err), want) {
			t.Errorf("%q: %v, want %q", where, err, want)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v repeats the credentials", where, err)
		}
	}
	s3 := s3test.Start(t)
	b, err := blob.Open(t.Context(), s3.URL)
	if err != nil {
		t.Fatal(err)
	}
	s3.Stop()
	for name, err := range map[string]error{
		"check": b.Check(t.Context()), "put": b.Put(t.Context(), "k", []byte("x")), "get": func() error { _, err := b.Get(t.Context(), "k", 1); return err }(),
	} {
		if core.KindOf(err) != core.Unavailable {
			t.Errorf("%s of an S3 that is gone: %v", name, err)
		}
	}
}
