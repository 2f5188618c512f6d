package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Publishers race for one version with different modules, some on one node and
// some on others: one wins, the others are told so, and what is served is the
// winner's, on every node, now and after a restart.
func TestAttack37_VersionsAreImmutable(t *testing.T) { everywhere(t, testVersionsAreImmutable) }

func testVersionsAreImmutable(t *testing.T, p place) {
	const rounds, racers = 10, 8
	var nodes [racers / 2]*Registry
	for i := range nodes {
		nodes[i] = p.elsewhere(t).open(t)
	}
	winners := make(map[string]core.Digest)
	for round := range rounds {
		version := fmt.Sprintf("1.%d.0", round)
		var (
			barrier sync.WaitGroup
			done    sync.WaitGroup
			errs    [racers]error
		)
		barrier.Add(racers)
		for i := range racers {
			done.Go(func() {
				m := module("acme/crm", version, fmt.Sprint("racer ", i))
				barrier.Done()
				barrier.Wait()
				_, errs[i] = nodes[i%len(nodes)].Publish(t.Context(), Publication{Module: m})
			})
		}
		done.Wait()
		for i, err := range errs {
			if err == nil {
				if _, twice := winners[version]; twice {
					t.Fatalf("two modules were published as %s", version)
				}
				winners[version] = core.Digest(digest.FromBytes(module("acme/crm", version, fmt.Sprint("racer ", i))))
			} else {
				refused(t, err, core.Exists, "A version never changes")
			}
		}
		if _, ok := winners[version]; !ok {
			t.Fatalf("nobody published %s: %v", version, errs)
		}
	}
	look := func(r *Registry) {
		for version, winner := range winners {
			release, err := r.Release(t.Context(), "crm", version)
			if err != nil || release.Digest != winner {
				t.Errorf("%s is %s, %v, want the winner %s", version, release.Digest, err, winner)
			}
			if _, err := r.Module(t.Context(), winner); err != nil {
				t.Errorf("%s: %v", version, err)
			}
		}
	}
	for _, r := range nodes {
		look(r)
		r.Close()
	}
	look(p.elsewhere(t).open(t))
}

// Lookups never wait for a publication and never see half of one.
func TestLookupsDuringPublications(t *testing.T) { everywhere(t, testLookupsDuringPublications) }

func testLookupsDuringPublications(t *testing.T, p place) {
	publisher := p.open(t)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for _, r := range []*Registry{publisher, p.elsewhere(t).open(t)} {
		readers.Go(func() {
			for ctx.Err() == nil {
				list, _ := r.List(context.WithoutCancel(ctx))
				for _, e := range list {
					if _, err := r.Module(context.WithoutCancel(ctx), e.Newest.Digest); err != nil {
						t.Errorf("%s is listed but cannot be loaded: %v", e.Plugin, err)
					}
				}
			}
		})
	}
	for i := range 10 {
		publish(t, publisher, module("acme/crm", fmt.Sprintf("1.%d.0", i), ""))
	}
	stop()
	readers.Wait()
}

// Every byte of a stored module is flipped, one after another, and samples of a
// large one: none is served.
func TestAttack38_AChangedModuleIsNeverServed(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	small := module("acme/crm", "1.0.0", "")
	large := module("acme/erp", "1.0.0", strings.Repeat("0123456789abcdef", 1<<15))
	for _, m := range [][]byte{small, large} {
		release := publish(t, r, m)
		path := blobPath(dir, release.Digest)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		changes := make(map[string][]byte)
		for i := range m {
			if len(m) == len(small) || random.IntN(len(m)) < 100 {
				changed := slices.Clone(m)
				changed[i] ^= 1 << random.IntN(8)
				changes[fmt.Sprint("byte ", i)] = changed
			}
		}
		changes["empty"], changes["cut"], changes["longer"] = nil, m[:len(m)-1], append(slices.Clone(m), 0)
		for name, changed := range changes {
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := r.Module(t.Context(), release.Digest)
			if got != nil {
				t.Fatalf("%s: %d bytes were served", name, len(got))
			}
			refused(t, err, core.Unavailable, "is damaged. Publish the same module again")
		}
		t.Logf("%d changes of %s were found", len(changes), release.Plugin)
		if err := os.WriteFile(path, m, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Module(t.Context(), release.Digest); err != nil || !bytes.Equal(got, m) {
			t.Fatalf("the right bytes are refused: %v", err)
		}
	}
}

// Only modules of releases can be asked for: not the other blobs, not files
// outside, and what is not there sounds the same as what is.
func TestAttack09_BlobsCannotBeProbed(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	probes := []core.Digest{"", "sha256:", "sha256:../../index.json", "../index.json", "sha512:00", core.Digest("sha256:" + strings.Repeat("0", 64)),
		core.Digest(strings.ToUpper(string(release.Digest)))}
	for _, blob := range blobs {
		if d := core.Digest("sha256:" + blob.Name()); d != release.Digest {
			probes = append(probes, d)
		}
	}
	if len(blobs) < 6 {
		t.Fatalf("only %d blobs to probe for", len(blobs))
	}
	for _, probe := range probes {
		_, err := r.Module(t.Context(), probe)
		if want := "There is no release " + string(probe) + "."; core.KindOf(err) != core.NotFound || core.MessageOf(err) != want || errors.Unwrap(err) != nil {
			t.Errorf("%q: %v, want only %q", probe, err, want)
		}
	}
}

// Names that could be mistaken for another's, or for the platform's.
func TestAttack41_LookAlikeAndReservedNames(t *testing.T) {
	everywhere(t, testLookAlikeAndReservedNames)
}

func testLookAlikeAndReservedNames(t *testing.T, p place) {
	r := p.open(t)
	publish(t, r, module("acme/billing", "1.0.0", ""))
	publish(t, r, module("acme/bi11ing", "1.0.0", ""))
	for _, c := range []struct {
		name string
		kind core.Kind
		says string
	}{
		{"umbrella/billing", core.Denied, "belongs to the publisher acme"},
		{"umbrella/bil1ing", core.Denied, "looks like"},
		{"umbrella/b-illing", core.Denied, "looks like"},
		{"acrne/crm", core.Denied, "The publisher acrne looks like acme"},
		{"umbrella/Billing", core.Invalid, "names are lower case: billing"},
		{"Acme/crm", core.Invalid, "names are lower case: acme"},
		{"umbrella/bïlling", core.Invalid, "is not a name"},
		{"umbrella/b", core.Invalid, "is not a name"},
		{"umbrella/../billing", core.Invalid, "is not a name"},
		{"umbrella/crm:latest", core.Invalid, "is not a name"},
		{"/crm", core.Invalid, "is not a name"},
		{"acme/carrel", core.Denied, "reserved"},
		{"acme/core", core.Denied, "reserved"},
		{"acme/c0re", core.Denied, "reserved"},
		{"acme/plat-form", core.Denied, "reserved"},
		{"acme/adrnin", core.Denied, "reserved"},
		{"acme/payment", core.Denied, "reserved"},
		{"acme/or-der", core.Denied, "reserved"},
		{"acme/rnail", core.Denied, "reserved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Publish(t.Context(), Publication{Module: module(c.name, "1.0.0", "")})
			refused(t, err, c.kind, c.says)
		})
	}
	if list, _ := r.List(t.Context()); len(list) != 2 {
		t.Errorf("%d plugins are listed", len(list))
	}
}

// checkerFunc is a Checker with a mind of its own.
type checkerFunc func(module []byte) (abi.Manifest, error)

func (f checkerFunc) Check(_ context.Context, module []byte) (abi.Manifest, error) { return f(module) }

func TestAModuleThatIsNoReleaseIsRefused(t *testing.T) {
	manifest := func(json string) []byte { return customSection(abi.ManifestSection, []byte(json)) }
	whole := module("acme/crm", "1.0.0", "")
	for _, c := range []struct {
		name    string
		publish Publication
		kind    core.Kind
		says    string
	}{
		{"nothing", Publication{}, core.Invalid, "not a WebAssembly module"},
		{"a text file", Publication{Module: []byte("hello, here is my plugin")}, core.Invalid, "not a WebAssembly module"},
		{"a component", Publication{Module: []byte("\x00asm\x0d\x00\x01\x00")}, core.Invalid, "not a WebAssembly module"},
		{"without a manifest", Publication{Module: slices.Concat(moduleHeader, customSection("name", nil))}, core.Invalid, "has no manifest"},
		{"two manifests", Publication{Module: slices.Concat(whole, manifest("{}"))}, core.Invalid, "more than one section"},
		{"a manifest that is not JSON", Publication{Module: slices.Concat(moduleHeader, manifest("{"))}, core.Invalid, ""},
		{"a huge manifest", Publication{Module: slices.Concat(moduleHeader, manifest(strings.Repeat(" ", maxManifest+1)))}, core.TooLarge, "Shorten its documentation"},
		{"too large", Publication{Module: make([]byte, MaxModule+1)}, core.TooLarge, "32 MiB"},
		{"a section longer than the file", Publication{Module: slices.Concat(moduleHeader, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x0f})}, core.Invalid, "it was cut"},
		{"a length without an end", Publication{Module: slices.Concat(moduleHeader, []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})}, core.Invalid, "it was cut"},
		{"a version that is none", Publication{Module: module("acme/crm", "1.0", "")}, core.Invalid, "not a semantic version"},
		{"a version with a v", Publication{Module: module("acme/crm", "v1.0.0", "")}, core.Invalid, "not a semantic version"},
		{"build metadata", Publication{Module: module("acme/crm", "1.0.0+7", "")}, core.Invalid, "leave it out"},
		{"another's name", Publication{Module: whole, Publisher: "umbrella"}, core.Denied, "you publish as \"umbrella\""},
		{"another digest", Publication{Module: whole, Digest: "sha256:00"}, core.Invalid, "cut or changed on the way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			before := tree(t, dir)
			_, err := r.Publish(t.Context(), c.publish)
			refused(t, err, c.kind, c.says)
			if after := tree(t, dir); after != before {
				t.Errorf("it left something behind:\n%s", after)
			}
		})
	}

	t.Run("the checker refuses", func(t *testing.T) {
		r := open(t, t.TempDir())
		r.checker = checkerFunc(func([]byte) (abi.Manifest, error) {
			return abi.Manifest{}, core.E("runtime.Load", core.Invalid, "It imports env.steal.")
		})
		_, err := r.Publish(t.Context(), Publication{Module: whole})
		refused(t, err, core.Invalid, "It imports env.steal.")
	})
	t.Run("section and code disagree", func(t *testing.T) {
		r := open(t, t.TempDir())
		r.checker = checkerFunc(func(m []byte) (abi.Manifest, error) {
			declared, err := sectionChecker{}.Check(t.Context(), m)
			declared.Capabilities = []abi.CapabilityRequest{{Name: abi.CapabilityHTTP, Reason: "Not shown to anyone"}}
			return declared, err
		})
		_, err := r.Publish(t.Context(), Publication{Module: whole})
		refused(t, err, core.Invalid, "differs from the one its code declares")
	})
	t.Run("without a checker", func(t *testing.T) {
		r := open(t, t.TempDir())
		r.checker = nil
		_, err := r.Publish(t.Context(), Publication{Module: whole})
		refused(t, err, core.Internal, "reading only")
	})
}

func FuzzManifestSection(f *testing.F) {
	f.Add(module("acme/crm", "1.0.0", "filler"))
	f.Add(slices.Concat(moduleHeader, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x0f}))
	f.Fuzz(func(t *testing.T, m []byte) {
		raw, err := manifestSection(m)
		if err == nil && (len(raw) == 0 || !bytes.Contains(m, raw)) {
			t.Errorf("%q is not a part of the module", raw)
		}
	})
}
