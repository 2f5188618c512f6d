package registry

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// sectionChecker believes the section, as the engine does of a guest that does
// not declare its manifest in code.
type sectionChecker struct{}

func (sectionChecker) Check(_ context.Context, module []byte) (m abi.Manifest, err error) {
	raw, err := manifestSection(module)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(raw, &m)
}

func section(id byte, content []byte) []byte {
	return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
}

func customSection(name string, content []byte) []byte {
	return section(0, append(append(binary.AppendUvarint(nil, uint64(len(name))), name...), content...))
}

// module returns the smallest module that declares this release, and filler
// that tells it from others of its version.
func module(name, version, filler string) []byte {
	publisher, name, _ := strings.Cut(name, "/")
	raw, err := json.Marshal(abi.Manifest{ABI: abi.Version, Name: name, Publisher: publisher, Version: version,
		Title: "The " + name, Summary: "For tests", License: "Apache-2.0"})
	if err != nil {
		panic(err)
	}
	return slices.Concat(moduleHeader, customSection("filler", []byte(filler)), customSection(abi.ManifestSection, raw))
}

func open(t testing.TB, dir string) *Registry { return place{where: dir}.open(t) }

// place is a registry, and the cache of the node that opens it.
type place struct {
	where, cache string
	logger       *slog.Logger // nil is silence
}

// elsewhere is the same registry, opened by another node.
func (p place) elsewhere(t testing.TB) place { return place{where: p.where, cache: t.TempDir()} }

func (p place) open(t testing.TB) *Registry {
	t.Helper()
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	r, err := Open(t.Context(), p.where, Config{
		Checker:  sectionChecker{},
		Logger:   p.logger,
		Now:      func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		CacheDir: p.cache,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.pace.asked = 0 // tests don't wait until it is time to look again
	t.Cleanup(func() { r.Close() })
	return r
}

func publish(t testing.TB, r *Registry, module []byte) core.Release {
	t.Helper()
	release, err := r.Publish(t.Context(), Publication{Module: module})
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return release
}

// refused checks that err has a kind and a message that says something.
func refused(t testing.TB, err error, kind core.Kind, says string) {
	t.Helper()
	whole := core.MessageOf(err) + " " + core.ViolationsOf(err).Error()
	if core.KindOf(err) != kind || !strings.Contains(whole, says) {
		t.Fatalf("got %q (kind %q), want kind %q and a message with %q", whole, core.KindOf(err), kind, says)
	}
}

func TestPublishedReleasesAreFoundAgain(t *testing.T) {
	everywhere(t, testPublishedReleasesAreFoundAgain)
}

func testPublishedReleasesAreFoundAgain(t *testing.T, p place) {
	r := p.open(t)
	first := module("acme/crm", "1.2.0", "a")
	release := publish(t, r, first)
	if want := core.Digest(digest.FromBytes(first)); release.Digest != want || release.Size != int64(len(first)) {
		t.Errorf("release has digest %s and size %d, want %s and %d", release.Digest, release.Size, want, len(first))
	}
	publish(t, r, module("acme/crm", "1.10.0", "b"))
	publish(t, r, module("acme/crm", "2.0.0-beta.1", "c"))
	publish(t, r, module("umbrella/helpdesk", "0.1.0-alpha", "d"))

	look := func(t *testing.T, r *Registry) {
		for _, c := range []struct{ plugin, version, want string }{
			{"crm", "", "1.10.0"}, // by number, not by letter; no pre-release
			{"acme/crm", "", "1.10.0"},
			{"crm", "1.2.0", "1.2.0"},
			{"acme/crm", "2.0.0-beta.1", "2.0.0-beta.1"},
			{"helpdesk", "", "0.1.0-alpha"}, // there is nothing else
		} {
			got, err := r.Release(t.Context(), c.plugin, c.version)
			if err != nil || got.Version != c.want {
				t.Errorf("Release(%q, %q) = %q, %v, want %q", c.plugin, c.version, got.Version, err, c.want)
			}
		}
		for _, c := range []struct{ plugin, version, says string }{
			{"erp", "", "no plugin erp"},
			{"umbrella/crm", "", "no plugin umbrella/crm"},
			{"crm", "9.9.9", "Its versions: 2.0.0-beta.1, 1.10.0, 1.2.0."},
		} {
			_, err := r.Release(t.Context(), c.plugin, c.version)
			refused(t, err, core.NotFound, c.says)
		}
		got, err := r.ByDigest(t.Context(), release.Digest)
		if err != nil || got.Version != "1.2.0" || got.Manifest.Title != "The crm" || !got.Published.Equal(release.Published) {
			t.Errorf("ByDigest = %+v, %v", got, err)
		}
		bytesOf, err := r.Module(t.Context(), release.Digest)
		if err != nil || !bytes.Equal(bytesOf, first) {
			t.Errorf("Module: %v, or other bytes", err)
		}
		_, err = r.Module(t.Context(), "sha256:../../carrel.lock")
		refused(t, err, core.NotFound, "no release")
		list, err := r.List(t.Context())
		if err != nil || len(list) != 2 || list[0].Plugin.String() != "acme/crm" || list[0].Newest.Version != "1.10.0" || len(list[0].Releases) != 3 {
			t.Errorf("List = %+v, %v", list, err)
		}
	}
	look(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	look(t, p.open(t))
	look(t, p.elsewhere(t).open(t))
}

func TestYankedReleasesAreNotInstalledUnlessNamed(t *testing.T) {
	everywhere(t, testYankedReleasesAreNotInstalledUnlessNamed)
}

func testYankedReleasesAreNotInstalledUnlessNamed(t *testing.T, p place) {
	r := p.open(t)
	old := publish(t, r, module("acme/crm", "1.0.0", ""))
	new := publish(t, r, module("acme/crm", "1.1.0", ""))
	if yanked, err := r.Yank(t.Context(), new.Digest, true); err != nil || !yanked.Yanked {
		t.Fatalf("Yank = %+v, %v", yanked, err)
	}
	r.Close()
	r = p.elsewhere(t).open(t)
	if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Version != "1.0.0" {
		t.Errorf("newest = %q, %v, want the one not yanked", got.Version, err)
	}
	if got, err := r.Release(t.Context(), "crm", "1.1.0"); err != nil || !got.Yanked {
		t.Errorf("by name = %+v, %v, want it, marked", got, err)
	}
	if _, err := r.Module(t.Context(), new.Digest); err != nil {
		t.Errorf("its installations cannot load it: %v", err)
	}
	if again := publish(t, r, module("acme/crm", "1.1.0", "")); !again.Yanked {
		t.Error("publishing again took the mark away")
	}
	if _, err := r.Yank(t.Context(), old.Digest, true); err != nil {
		t.Fatal(err)
	}
	_, err := r.Release(t.Context(), "crm", "")
	refused(t, err, core.NotFound, "Every release of acme/crm is yanked")
	if list, _ := r.List(t.Context()); len(list) != 0 {
		t.Errorf("List = %+v, want nothing to install", list)
	}
	if found, err := r.Plugin(t.Context(), "crm"); err != nil || len(found.Releases) != 2 {
		t.Errorf("Plugin = %+v, %v, want it with its releases", found, err)
	}
	if _, err := r.Yank(t.Context(), new.Digest, false); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Release(t.Context(), "crm", ""); got.Version != "1.1.0" {
		t.Errorf("newest = %q after the mark was taken away", got.Version)
	}
	_, err = r.Yank(t.Context(), "sha256:0", true)
	refused(t, err, core.NotFound, "no release")
}

func TestPublishingTheSameBytesAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	m := module("acme/crm", "1.0.0", "")
	first := publish(t, r, m)
	before := tree(t, dir)
	r.now = func() time.Time { return first.Published.Add(time.Hour) }
	if second := publish(t, r, m); !second.Published.Equal(first.Published) {
		t.Errorf("published at %v, first at %v", second.Published, first.Published)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("files before:\n%s\nafter:\n%s", before, after)
	}
}

func TestALostOrDamagedIndexIsNotTakenForAnEmptyOne(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"lost":    os.Remove,
		"damaged": func(path string) error { return os.WriteFile(path, []byte(`{"manifests":[`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			release := publish(t, r, module("acme/crm", "1.0.0", ""))
			r.Close()
			if err := damage(filepath.Join(dir, "index.json")); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), dir, Config{})
			refused(t, err, core.Unavailable, "Restore it from a backup")
			if _, err := os.Stat(blobPath(dir, release.Digest)); err != nil {
				t.Errorf("the module was swept: %v", err)
			}
		})
	}
}

func TestOpenOfAThousandReleases(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	layout := r.source.(*folder).layout
	publish(t, r, module("acme/crm", "1.0.0", "")) // what all releases share is there from now on
	entries := make([]*entry, 1000)
	var group errgroup.Group
	group.SetLimit(32) // each waits for the disk, and they can wait together
	for i := range entries {
		group.Go(func() error {
			m := module(fmt.Sprintf("acme/plugin-%d", i/10), fmt.Sprintf("1.%d.0", i), "")
			raw, err := manifestSection(m)
			if err != nil {
				return err
			}
			e := &entry{semver: semver.MustParse("1.0.0")}
			e.release.Digest = core.Digest(digest.FromBytes(m))
			if err := json.Unmarshal(raw, &e.release.Manifest); err != nil {
				return err
			}
			e.release.Plugin = core.PluginID{Publisher: e.release.Manifest.Publisher, Name: e.release.Manifest.Name}
			e.release.Version = e.release.Manifest.Version
			entries[i] = e
			_, err = layout.push(t.Context(), e, m, raw)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := layout.writeIndex(entries, nil); err != nil {
		t.Fatal(err)
	}
	r.Close()
	start := time.Now()
	r = open(t, dir)
	t.Logf("opened 1,000 releases in %v", time.Since(start))
	total := 0
	list, _ := r.List(t.Context())
	for _, e := range list {
		total += len(e.Releases)
	}
	if total != 1000 {
		t.Errorf("%d releases are listed", total)
	}
}

func blobPath(dir string, d core.Digest) string {
	return filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(string(d), "sha256:"))
}

// tree lists the files below dir with digests of what they hold.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %s\n", strings.TrimPrefix(path, dir), digest.FromBytes(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
