package registry

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/carrel-dev/carrel/core"
)

// A process that publishes is killed at random moments. Afterwards every
// release it reported is there and whole, at most the one it was about to
// report as well, and nothing else: on a node that opens the registry then, and
// on one that had it open all the time.
func TestFault01_KilledWhilePublishing(t *testing.T) {
	if dir := os.Getenv("CARREL_TEST_PUBLISH_INTO"); dir != "" {
		publishUntilKilled(t, dir)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	watcher := open(t, dir)
	version, leftovers := 0, 0
	const rounds = 20
	for range rounds {
		acknowledged := killPublisher(t, dir, version, time.Duration(random.IntN(60_000))*time.Microsecond)
		needed := sweepable(t, dir)
		r := open(t, dir)
		if files := sweepable(t, dir); files < needed {
			leftovers++
		}
		last := 0
		for e, err := range releasesOf(t, r, "crm") {
			if err != nil {
				t.Fatalf("%s is there but damaged: %v", e.Version, err)
			}
			last = max(last, e.number)
			if !e.loaded {
				t.Fatalf("%s is listed but its module cannot be loaded", e.Version)
			}
		}
		if last < acknowledged || last > acknowledged+1 {
			t.Fatalf("release %d was reported, and %d is the last there is", acknowledged, last)
		}
		for who, r := range map[string]*Registry{"a new node": r, "the node that watches": watcher} {
			if got := count(t, r, "crm"); got != last {
				t.Fatalf("%s finds %d releases up to number %d", who, got, last)
			}
		}
		version = last
		r.Close()
	}
	t.Logf("%d releases over %d kills, %d kills left files to sweep", version, rounds, leftovers)
	if leftovers == 0 {
		t.Errorf("no kill hit a publication: the moments are chosen wrongly")
	}
}

// At whatever moment a process dies, index.json is the old one or the new: what
// others read of it during publications is always whole.
func TestFault01_TheIndexIsAlwaysWhole(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	var (
		reader sync.WaitGroup
		reads  int
	)
	reader.Go(func() {
		for last := 0; ctx.Err() == nil; reads++ {
			var index ocispec.Index
			raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
			if err == nil {
				err = json.Unmarshal(raw, &index)
			}
			if err != nil || len(index.Manifests) < last {
				t.Errorf("read %d: %v, and %d manifests after %d, in %q", reads, err, len(index.Manifests), last, raw)
				return
			}
			last = len(index.Manifests)
		}
	})
	for i := range 40 {
		publish(t, r, module("acme/crm", fmt.Sprintf("1.%d.0", i), ""))
	}
	stop()
	reader.Wait()
	t.Logf("read %d times during 40 publications", reads)
}

type found struct {
	core.Release
	number int
	loaded bool
}

func releasesOf(t *testing.T, r *Registry, plugin string) func(yield func(found, error) bool) {
	return func(yield func(found, error) bool) {
		p, err := r.Plugin(t.Context(), plugin)
		if core.KindOf(err) == core.NotFound {
			return // killed before the first
		}
		for _, release := range p.Releases {
			_, err := r.Module(t.Context(), release.Digest)
			number, _ := strconv.Atoi(strings.Split(release.Version, ".")[1])
			if !yield(found{release, number, err == nil}, err) {
				return
			}
		}
	}
}

func count(t *testing.T, r *Registry, plugin string) int {
	p, _ := r.Plugin(t.Context(), plugin)
	return len(p.Releases)
}

// sweepable counts the files that a sweep may remove.
func sweepable(t *testing.T, dir string) int {
	t.Helper()
	total := 0
	for _, sub := range []string{"ingest", "blobs/sha256"} {
		files, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		total += len(files)
	}
	return total
}

// killPublisher starts a process that publishes releases after version and
// kills it some time after its first; it returns the last it reported.
func killPublisher(t *testing.T, dir string, version int, after time.Duration) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFault01_KilledWhilePublishing$")
	cmd.Env = append(os.Environ(), "CARREL_TEST_PUBLISH_INTO="+dir, "CARREL_TEST_AFTER="+strconv.Itoa(version))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := version
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the publisher said %q", lines.Text())
		}
		acknowledged = n
		if first {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait() // it was killed: that is the point
	return acknowledged
}

func publishUntilKilled(t *testing.T, dir string) {
	after, _ := strconv.Atoi(os.Getenv("CARREL_TEST_AFTER"))
	r, err := Open(t.Context(), dir, Config{Checker: sectionChecker{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for i := after + 1; ; i++ {
		if _, err := r.Publish(t.Context(), Publication{Module: numbered(i)}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

func numbered(i int) []byte {
	return module("acme/crm", fmt.Sprintf("1.%d.0", i), strings.Repeat(fmt.Sprint(i), 10_000))
}

// What a publication writes before its release is in index.json, in any part,
// is nothing: it is swept, and the publication can be made again.
func TestFault01_AnyPartOfAPublicationIsNoRelease(t *testing.T) {
	whole := t.TempDir()
	r := open(t, whole)
	m := module("acme/crm", "1.0.0", "")
	release := publish(t, r, m)
	r.Close()
	blobs, err := os.ReadDir(filepath.Join(whole, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for part := range 1 << len(blobs) {
		dir := t.TempDir()
		open(t, dir).Close()
		for i, blob := range blobs {
			if part&(1<<i) == 0 {
				continue
			}
			data, err := os.ReadFile(filepath.Join(whole, "blobs", "sha256", blob.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 1 {
				data = data[:len(data)/2] // written, renamed, and not yet on disk when the power went
			}
			if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", blob.Name()), data, 0o400); err != nil {
				t.Fatal(err)
			}
		}
		r := open(t, dir)
		if list, _ := r.List(t.Context()); len(list) != 0 {
			t.Fatalf("part %b of a publication is listed", part)
		}
		if n := sweepable(t, dir); n != 0 {
			t.Fatalf("%d files of part %b were not swept", n, part)
		}
		if again := publish(t, r, m); again.Digest != release.Digest {
			t.Fatalf("published again as %s", again.Digest)
		}
		r.Close()
	}
}

// Whatever file of a release is damaged: it is found, the other releases are
// served, nothing is swept, and publishing the same module again heals it.
func TestFault11_DamagedFilesAreFoundAndHealed(t *testing.T) {
	damages := map[string]func(path string) error{
		"flipped": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			if err := os.Chmod(path, 0o600); err != nil {
				return err
			}
			return os.WriteFile(path, data, 0o600)
		},
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"lost":    os.Remove,
	}
	source := t.TempDir()
	r := open(t, source)
	m := module("acme/crm", "1.0.0", "")
	release := publish(t, r, m)
	other := publish(t, r, module("acme/erp", "1.0.0", ""))
	of := r.catalog.Load()
	parts := map[string]digest.Digest{
		"module":   digest.Digest(release.Digest),
		"image":    of.byDigest[release.Digest].image.Digest,
		"referrer": of.byDigest[release.Digest].referrer.Digest,
	}
	raw, err := manifestSection(m)
	if err != nil {
		t.Fatal(err)
	}
	parts["manifest"] = digest.FromBytes(raw)
	r.Close()
	sound := tree(t, source)

	for part, blob := range parts {
		for name, damage := range damages {
			t.Run(part+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
					t.Fatal(err)
				}
				if err := damage(blobPath(dir, core.Digest(blob))); err != nil {
					t.Fatal(err)
				}
				files := sweepable(t, dir)
				r := open(t, dir)
				if after := sweepable(t, dir); after != files {
					t.Errorf("%d files were swept beside a damaged release", files-after)
				}
				_, err := r.Module(t.Context(), release.Digest)
				refused(t, err, core.Unavailable, "acme/crm:1.0.0 is damaged. Publish the same module again")
				if part != "module" {
					_, err = r.Release(t.Context(), "crm", "1.0.0")
					refused(t, err, core.Unavailable, "is damaged")
				}
				if _, err := r.Module(t.Context(), other.Digest); err != nil {
					t.Errorf("the other release: %v", err)
				}
				_, err = r.Publish(t.Context(), Publication{Module: module("acme/crm", "1.0.0", "other bytes")})
				refused(t, err, core.Exists, "A version never changes")

				r.now = func() time.Time { return release.Published.Add(time.Hour) }
				if healed := publish(t, r, m); !healed.Published.Equal(release.Published) || healed.Digest != release.Digest {
					t.Errorf("healed to %+v", healed)
				}
				if _, err := r.Module(t.Context(), release.Digest); err != nil {
					t.Errorf("after healing: %v", err)
				}
				r.Close()
				if healed := tree(t, dir); healed != sound {
					t.Errorf("files once:\n%s\nhealed:\n%s", sound, healed)
				}
			})
		}
	}
}

// An upload that ends early, wherever it is cut, stores nothing, and the whole
// one can follow.
func TestFault17_AnUploadCutAnywhereStoresNothing(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	before := tree(t, dir)
	m := slices.Concat(module("acme/crm", "1.0.0", ""), customSection("name", []byte("after the manifest")))
	for cut := range m {
		_, err := r.Publish(t.Context(), Publication{Module: m[:cut], Digest: core.Digest(digest.FromBytes(m))})
		refused(t, err, core.Invalid, "cut or changed on the way")
		if cut > 0 && cut < len(module("acme/crm", "1.0.0", "")) {
			_, err = r.Publish(t.Context(), Publication{Module: m[:cut]}) // a sender that names no digest
			refused(t, err, core.Invalid, "")
		}
	}
	if after := tree(t, dir); after != before {
		t.Fatalf("files before:\n%s\nafter:\n%s", before, after)
	}
	publish(t, r, m)
}
