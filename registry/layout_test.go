package registry

import (
	"encoding/json"
	"os"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/content/oci"
	orasregistry "oras.land/oras-go/v2/registry"
)

// Any OCI tool can read the folder: oras-go's own reader finds the release by
// its tag, its parts have their types, and its manifest is a referrer.
func TestTheFolderIsAnOCIImageLayout(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	publish(t, r, module("acme/erp", "1.0.0", ""))

	store, err := oci.NewFromFS(t.Context(), os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	image, err := store.Resolve(t.Context(), "acme/crm:1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(blob ocispec.Descriptor, into any) {
		t.Helper()
		data, err := content.FetchAll(t.Context(), store, blob)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var manifest ocispec.Manifest
	fetch(image, &manifest)
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != "application/wasm" || string(manifest.Layers[0].Digest) != string(release.Digest) {
		t.Errorf("layers %+v, want the module alone", manifest.Layers)
	}
	if manifest.Config.MediaType != "application/vnd.wasm.config.v0+json" {
		t.Errorf("configuration of type %q", manifest.Config.MediaType)
	}
	var config struct {
		Architecture string
		LayerDigests []string
	}
	fetch(manifest.Config, &config)
	if config.Architecture != "wasm" || len(config.LayerDigests) != 1 || config.LayerDigests[0] != string(release.Digest) {
		t.Errorf("configuration %+v", config)
	}
	referrers, err := orasregistry.Referrers(t.Context(), store, image, "application/vnd.carrel.manifest.v1+json")
	if err != nil || len(referrers) != 1 {
		t.Fatalf("referrers %+v, %v, want the Carrel manifest", referrers, err)
	}

	// It can be copied to another registry with what refers to it.
	elsewhere := memory.New()
	if _, err := oras.ExtendedCopy(t.Context(), store, "acme/crm:1.0.0", elsewhere, "", oras.DefaultExtendedCopyOptions); err != nil {
		t.Fatal(err)
	}
	for _, blob := range []ocispec.Descriptor{image, manifest.Layers[0], referrers[0]} {
		if ok, err := elsewhere.Exists(t.Context(), blob); err != nil || !ok {
			t.Errorf("%s was not copied: %v", blob.MediaType, err)
		}
	}
}

// Signatures name a release by its image's digest. The same module published
// at the same time must have the same one in every later version of this code.
func TestTheDigestOfAReleaseNeverChanges(t *testing.T) {
	r := open(t, t.TempDir())
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	const want = "sha256:28bf84c72f70773bf2bc1e63ee0217e06a2b88deb42996e633b89efdda938609"
	if got := r.catalog.Load().byDigest[release.Digest].image.Digest; got.String() != want {
		t.Errorf("image digest %s, want %s", got, want)
	}
}

// What others attach, a signature for one, stays where it is.
func TestReferrersOfOthersAreKept(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	release := publish(t, r, module("acme/crm", "1.0.0", ""))
	image := r.catalog.Load().byDigest[release.Digest].image
	r.Close()

	store, err := oci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := oras.PushBytes(t.Context(), store, "application/vnd.example.signature", []byte("signed"))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := oras.PackManifest(t.Context(), store, oras.PackManifestVersion1_1, "application/vnd.example.signature",
		oras.PackManifestOptions{Subject: &image, Layers: []ocispec.Descriptor{layer}})
	if err != nil {
		t.Fatal(err)
	}
	r = open(t, dir) // sweeps
	publish(t, r, module("acme/crm", "1.1.0", ""))
	r.Close()
	r = open(t, dir)
	if _, err := r.Release(t.Context(), "crm", "1.0.0"); err != nil {
		t.Error(err)
	}

	after, err := oci.NewFromFS(t.Context(), os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	found, err := orasregistry.Referrers(t.Context(), after, image, "application/vnd.example.signature")
	if err != nil || len(found) != 1 || found[0].Digest != signature.Digest {
		t.Errorf("signatures %+v, %v", found, err)
	}
	if ok, err := after.Exists(t.Context(), layer); err != nil || !ok {
		t.Errorf("the signature's bytes were swept: %v", err)
	}
}
