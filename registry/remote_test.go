package registry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	ocilayout "oras.land/oras-go/v2/content/oci"

	"github.com/carrel-dev/carrel/core"
)

// cacheOf is where a node keeps what it read of a registry.
func cacheOf(p place) string { return filepath.Join(p.cache, about(p.where)) }

// down has a server hang up on everybody.
func (s *server) down() {
	s.intercept(func(w http.ResponseWriter, _ *http.Request) bool { hangUp(w); return true })
}

// A release in an OCI registry is what any tool expects of one: a tag, an image
// with the module as its one layer, and the Carrel manifest referring to it.
func TestAReleaseInAnOCIRegistry(t *testing.T) {
	p := newServer(t).place(t)
	r := p.open(t)
	release := publish(t, r, module("acme/crm", "1.0.0-beta.1", ""))
	repo, referrers, err := openRepository(p.where, Config{User: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	image, raw, err := oras.FetchBytes(t.Context(), repo, "acme_crm_1.0.0-beta.1", oras.DefaultFetchBytesOptions)
	if err != nil {
		t.Fatal(err)
	}
	if want := r.catalog.Load().byDigest[release.Digest].image.Digest; image.Digest != want {
		t.Errorf("the tag is of %s, want %s, as in a folder", image.Digest, want)
	}
	parsed, layer, err := parseImage(raw)
	if err != nil || parsed.Config.MediaType != "application/vnd.wasm.config.v0+json" ||
		layer.MediaType != "application/wasm" || string(layer.Digest) != string(release.Digest) {
		t.Errorf("the image is %s, %v", raw, err)
	}
	found := 0
	err = referrers.Referrers(t.Context(), image, "", func(list []ocispec.Descriptor) error {
		found += len(list)
		return nil
	})
	if err != nil || found != 1 {
		t.Errorf("%d referrers, %v", found, err)
	}
}

// A registry that is down keeps nobody from what the node has, whether it is
// running or starts; what it does not have is refused, and nothing is published.
func TestARegistryThatIsDown(t *testing.T) {
	s := newServer(t)
	publisher := s.place(t).open(t)
	m := module("acme/crm", "1.0.0", "")
	loaded := publish(t, publisher, m)
	listed := publish(t, publisher, module("acme/erp", "1.0.0", ""))
	p := s.place(t)
	r := p.open(t)
	if _, err := r.Module(t.Context(), loaded.Digest); err != nil {
		t.Fatal(err)
	}
	s.down()
	for _, state := range []string{"running", "started"} {
		t.Run(state, func(t *testing.T) {
			if state == "started" {
				r.Close()
				r = p.open(t)
			}
			if got, err := r.Module(t.Context(), loaded.Digest); err != nil || !bytes.Equal(got, m) {
				t.Errorf("a module it has: %v", err)
			}
			if list, err := r.List(t.Context()); err != nil || len(list) != 2 {
				t.Errorf("List = %+v, %v", list, err)
			}
			_, err := r.Module(t.Context(), listed.Digest)
			refused(t, err, core.Unavailable, "The module of acme/erp:1.0.0 is not on this server yet")
			_, err = r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.1.0", "")})
			refused(t, err, core.Unavailable, "Check its address")
			_, err = r.Yank(t.Context(), loaded.Digest, true)
			refused(t, err, core.Unavailable, "Check its address")
		})
	}
	_, err := Open(t.Context(), p.where, Config{CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	refused(t, err, core.Unavailable, "Check its address")

	s.intercept(nil)
	r.failed.Store(0) // as after a while
	if _, err := r.Module(t.Context(), listed.Digest); err != nil {
		t.Errorf("up again: %v", err)
	}
}

// After a look that failed the next one waits a while, so that not everybody
// waits for a registry that is down.
func TestALookThatFailedIsNotRepeatedAtOnce(t *testing.T) {
	s := newServer(t)
	r := s.place(t).open(t)
	publish(t, r, module("acme/crm", "1.0.0", ""))
	var requests atomic.Int64
	s.intercept(func(w http.ResponseWriter, _ *http.Request) bool { requests.Add(1); hangUp(w); return true })
	for range 5 {
		if list, _ := r.List(t.Context()); len(list) != 1 {
			t.Errorf("List = %+v", list)
		}
	}
	s.intercept(nil)
	if n := int(requests.Load()); n == 0 || n > 1+twice.MaxRetry {
		t.Errorf("%d requests, want one and its retries", n)
	}
}

// A first look at many releases that is interrupted goes on where it was, also
// by a server that is started again.
func TestALongFirstLookIsMadeInParts(t *testing.T) {
	s := newServer(t)
	publisher := s.place(t).open(t)
	const releases = 12
	for i := range releases {
		publish(t, publisher, module("acme/crm", fmt.Sprintf("1.%d.0", i), ""))
	}
	p := s.place(t)
	var requests, most atomic.Int64
	s.intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if requests.Add(1) > most.Load() {
			hangUp(w)
			return true
		}
		return false
	})
	starts := 0
	for last := 0; last < releases; starts++ {
		if starts == 10*releases { // several are read at a time, so one start may end none of them
			t.Fatal("it does not come further")
		}
		requests.Store(0)
		most.Store(20) // of four for each release, and their retries
		r, err := Open(t.Context(), p.where, Config{CacheDir: p.cache, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			refused(t, err, core.Unavailable, "Check its address")
			continue
		}
		found, err := r.Plugin(t.Context(), "crm")
		if r.Close(); err != nil || len(found.Releases) < last {
			t.Fatalf("%d releases after %d: %v", len(found.Releases), last, err)
		}
		last = len(found.Releases)
	}
	if starts < 3 {
		t.Errorf("all was read in %d starts: nothing was interrupted", starts)
	}
}

// Every file of a node's cache is damaged in turn, and in every way. It is
// found, fetched again, and what is served is right.
func TestFault11_ADamagedCacheIsFetchedAgain(t *testing.T) {
	s := newServer(t)
	m := module("acme/crm", "1.0.0", "")
	release := publish(t, s.place(t).open(t), m)
	p := s.place(t)
	load := func(when string) {
		t.Helper()
		r := p.open(t)
		defer r.Close()
		if got, err := r.Module(t.Context(), release.Digest); err != nil || !bytes.Equal(got, m) {
			t.Errorf("%s: the module: %v", when, err)
		}
		if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Digest != release.Digest || got.Manifest.Title != "The crm" {
			t.Errorf("%s: the release: %+v, %v", when, got, err)
		}
	}
	load("at first")
	sound := tree(t, cacheOf(p))
	blobs, err := os.ReadDir(filepath.Join(cacheOf(p), "blobs", "sha256"))
	if err != nil || len(blobs) < 4 {
		t.Fatalf("%d files are cached, %v", len(blobs), err)
	}
	files := []string{"index.json"}
	for _, b := range blobs {
		files = append(files, filepath.Join("blobs", "sha256", b.Name()))
	}
	for _, file := range files {
		path := filepath.Join(cacheOf(p), file)
		for name, damage := range map[string]func() error{
			"flipped": func() error {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				data[len(data)/2] ^= 1
				return errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, data, 0o400))
			},
			"emptied": func() error { return errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 0)) },
			"lost":    func() error { return os.Remove(path) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			load(file + " " + name)
			if after := tree(t, cacheOf(p)); after != sound {
				t.Errorf("%s %s: files once:\n%s\nnow:\n%s", file, name, sound, after)
			}
		}
	}
}

// A release whose tag an operator deletes can't be installed any more, and
// those who have it keep it.
func TestADeletedTagTakesAReleaseOut(t *testing.T) {
	s := newServer(t)
	p := s.place(t)
	r := p.open(t)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL+"/v2/carrel/plugins/manifests/acme_crm_1.0.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	if list, _ := r.List(t.Context()); len(list) != 0 {
		t.Errorf("List = %+v", list)
	}
	if _, err := r.Module(t.Context(), release.Digest); err != nil {
		t.Error(err)
	}
	_, err = r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "other")})
	refused(t, err, core.Exists, "A version never changes")
	_, err = p.elsewhere(t).open(t).Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "other")})
	refused(t, err, core.Exists, "A version never changes") // of those who never saw it, too
}

func TestAddressesOfRegistries(t *testing.T) {
	for _, where := range []string{
		"https://example.com/plugins", "oci://", "oci://example.com", "oci://example.com/plugins:latest", "oci://example.com/Plugins",
		"oci+https://example.com/plugins", "oci://example.com/a/../b", "redis://localhost",
	} {
		_, err := Open(t.Context(), where, Config{CacheDir: t.TempDir()})
		refused(t, err, core.Invalid, "oci://registry.example.com/carrel")
	}
}

// copyTo copies a release from a folder with the tools of others.
func copyTo(t *testing.T, from *Registry, tag string, to place, as string) {
	t.Helper()
	layout, err := ocilayout.NewFromFS(t.Context(), os.DirFS(from.source.(*folder).layout.dir))
	if err != nil {
		t.Fatal(err)
	}
	repo, _, err := openRepository(to.where, Config{User: "nobody"})
	if err == nil {
		_, err = oras.ExtendedCopy(t.Context(), layout, tag, repo, as, oras.DefaultExtendedCopyOptions)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Releases move from a folder to an OCI registry with the tools of others.
func TestReleasesCopiedFromAFolder(t *testing.T) {
	m := module("acme/crm", "1.0.0", "")
	from := open(t, t.TempDir())
	release := publish(t, from, m)
	p := newServer(t).place(t)
	copyTo(t, from, "acme/crm:1.0.0", p, "acme_crm_1.0.0")
	r := p.open(t)
	if got, err := r.Release(t.Context(), "crm", ""); err != nil || got.Digest != release.Digest || !got.Published.Equal(release.Published) {
		t.Errorf("Release = %+v, %v", got, err)
	}
	_, err := r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "other")})
	refused(t, err, core.Exists, "A version never changes")
	publish(t, r, m)
}
